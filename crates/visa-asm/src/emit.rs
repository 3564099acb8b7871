//! Items to bytes, once every place has an address.

use crate::data::fits;
use crate::diagnostic::Message;
use crate::encode::{Encoder, explain, pad_with_nops};
use crate::evaluate::{Addresses, Evaluator};
use crate::expression::Expression;
use crate::leb128;
use crate::place::Place;
use crate::program::{Content, Field, Item, Program, SectionKind};
use crate::source::Location;
use visa_isa::operand::Operand;

/// The bytes of a section.
pub(crate) fn emit(
    program: &Program,
    index: usize,
    addresses: &Addresses,
    evaluator: &Evaluator,
    messages: &mut Vec<Message>,
) -> Vec<u8> {
    let section = &program.sections[index];
    let offsets = &addresses.offsets[index];
    let mut out = Vec::new();
    for (item_index, item) in section.items.iter().enumerate() {
        let place = Place { section: index, item: item_index };
        let size = offsets[item_index + 1] - offsets[item_index];
        let start = out.len();
        let is_zero = section.kind == SectionKind::Zero;
        if is_zero {
            check_zero(item, evaluator, place, messages);
            continue;
        }
        if let Err(message) = emit_item(item, place, size, addresses, evaluator, &mut out) {
            messages.extend(message.map(|message| *message));
        }
        // Only an item with an error has another size than the layout gave it.
        out.resize(start + size as usize, 0);
    }
    out
}

fn check_zero(item: &Item, evaluator: &Evaluator, place: Place, messages: &mut Vec<Message>) {
    let is_zero = match &item.content {
        Content::Align { .. } | Content::Origin(..) => true,
        Content::Bytes(bytes) => bytes.iter().all(|&byte| byte == 0),
        Content::Fill { value, .. } => evaluator.number(value, place) == Ok(0),
        Content::Values(_, list) => list.iter().all(|(value, _)| evaluator.number(value, place) == Ok(0)),
        Content::Leb128 { value, .. } => evaluator.number(value, place) == Ok(0),
        Content::Code(_) => false,
    };
    if !is_zero {
        let message = "this section holds zeros alone";
        messages.push(Message::new(item.location, message).help("put it into .data, .rodata or .text"));
    }
}

fn emit_item(
    item: &Item,
    place: Place,
    size: u64,
    addresses: &Addresses,
    evaluator: &Evaluator,
    out: &mut Vec<u8>,
) -> Result<(), Option<Box<Message>>> {
    let end = out.len() + size as usize;
    match &item.content {
        Content::Bytes(bytes) => out.extend_from_slice(bytes),
        Content::Values(width, list) => {
            for (expression, location) in list {
                let number = value(evaluator, expression, place, *location, *width)?;
                out.extend_from_slice(&number.to_le_bytes()[..usize::from(*width)]);
            }
        }
        Content::Fill { width, value: expression, .. } => {
            let number = value(evaluator, expression, place, item.location, *width)?;
            let unit = &number.to_le_bytes()[..usize::from(*width)];
            out.extend(unit.iter().cycle().take(size as usize));
        }
        Content::Leb128 { is_signed, value: expression } => {
            let number = value(evaluator, expression, place, item.location, 8)?;
            out.extend(leb128::encode(number, *is_signed, size as usize));
        }
        Content::Align { fill: Some(fill), .. } | Content::Origin(_, fill) => out.resize(end, *fill),
        Content::Align { compress, .. } => match evaluator.section_kind(place) {
            SectionKind::Code => pad_with_nops(out, end, *compress),
            _ => out.resize(end, 0),
        },
        Content::Code(code) => {
            let address = addresses.of(place);
            Encoder { evaluator, place, address }.bytes(code, size, out)?;
        }
    }
    Ok(())
}

fn value(
    evaluator: &Evaluator,
    expression: &Expression,
    place: Place,
    location: Location,
    width: u8,
) -> Result<i64, Option<Box<Message>>> {
    let field = Field { operand: Operand::ImmI, value: expression.clone(), location };
    let number = evaluator.number(expression, place).map_err(|failure| explain(failure, &field))?;
    if width > 0 && !fits(number, width) {
        let bytes = if width == 1 { "a byte".into() } else { format!("{width} bytes") };
        let message = format!("{number} does not fit {bytes}");
        let most = (1u64 << (u32::from(width) * 8)) - 1;
        let least = 1u64 << (u32::from(width) * 8 - 1);
        return Err(Some(Box::new(
            Message::new(location, message).expected(format!("expected -{least:#x} to {most:#x}")),
        )));
    }
    Ok(number)
}
