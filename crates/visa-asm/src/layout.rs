//! Where everything goes: sections in the order code, constants, variables, zeros; items one after the other, each as
//! short as its distance to others allows.

use crate::diagnostic::Message;
use crate::encode::{Encoder, explain};
use crate::evaluate::{Addresses, Evaluator, Failure};
use crate::leb128;
use crate::place::Place;
use crate::program::{Content, Field, Item, Program, SectionKind};
use visa_isa::operand::Operand;

/// Bounds on what a source may ask for.
pub(crate) const MOST_FILE_BYTES: u64 = 64 << 20;
const MOST_ZERO_BYTES: u64 = 4 << 30;
const MOST_PASSES: usize = 100;

/// The result of laying out a program.
pub(crate) struct Layout {
    /// Addresses of all items.
    pub(crate) addresses: Addresses,
    /// The sections in memory order, by index.
    pub(crate) order: Vec<usize>,
}

/// Lays the program out. Errors in sizes go to `messages`.
pub(crate) fn layout(program: &Program, base: u64, alignment: u64, messages: &mut Vec<Message>) -> Layout {
    let mut order: Vec<usize> = (0..program.sections.len()).collect();
    order.sort_by_key(|&index| program.sections[index].kind);
    let sections = &program.sections;
    let mut addresses = Addresses {
        sections: vec![base; sections.len()],
        offsets: sections.iter().map(|section| vec![0; section.items.len() + 1]).collect(),
    };
    // What grows with distances only grows, so that a branch that became long does not become short again, and so on without end.
    let mut least: Vec<Vec<u64>> = sections.iter().map(|section| vec![0; section.items.len()]).collect();
    for _ in 0..MOST_PASSES {
        let next = pass(program, &order, &addresses, &mut least, base, alignment);
        let is_settled = next.sections == addresses.sections && next.offsets == addresses.offsets;
        addresses = next;
        if is_settled {
            check_sizes(program, &addresses, messages);
            return Layout { addresses, order };
        }
    }
    let location = program.sections[0].items.first().map(|item| item.location).unwrap_or_default();
    messages.push(Message::new(location, "the sizes in this file depend on each other without end"));
    Layout { addresses, order }
}

/// One pass: new addresses from the old ones.
fn pass(
    program: &Program,
    order: &[usize],
    old: &Addresses,
    least: &mut [Vec<u64>],
    base: u64,
    alignment: u64,
) -> Addresses {
    let evaluator = Evaluator::new(program, Some(old));
    let mut new = old.clone();
    let mut address = base;
    let mut previous: Option<SectionKind> = None;
    for &index in order {
        let section = &program.sections[index];
        let is_first_of_kind = previous.is_some_and(|kind| kind != section.kind);
        let to = if is_first_of_kind { alignment } else { 16 }.max(section.alignment);
        if !section.items.is_empty() {
            address = address.checked_next_multiple_of(to).unwrap_or(address);
            previous = Some(section.kind);
        }
        new.sections[index] = address;
        let mut offset = 0u64;
        for (item_index, item) in section.items.iter().enumerate() {
            new.offsets[index][item_index] = offset;
            let place = Place { section: index, item: item_index };
            let known = &mut least[index][item_index];
            let at = (address.wrapping_add(offset), offset);
            // What is too large is an error, and takes no room until then.
            let size = size(item, place, at, old, &evaluator).unwrap_or(0);
            let size = if size > most_bytes(section.kind) { 0 } else { size };
            *known = if matches!(item.content, Content::Code(_) | Content::Leb128 { .. }) {
                size.max(*known)
            } else {
                size
            };
            offset = offset.saturating_add(*known).min(MOST_ZERO_BYTES * 2);
        }
        new.offsets[index][section.items.len()] = offset;
        address = address.wrapping_add(offset);
    }
    new
}

/// The size of an item. The error is an expression without a value. Distances are taken between the old addresses,
/// so that all are of one state.
fn size(
    item: &Item,
    place: Place,
    (address, offset): (u64, u64),
    old: &Addresses,
    evaluator: &Evaluator,
) -> Result<u64, Failure> {
    Ok(match &item.content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Values(width, list) => u64::from(*width) * list.len() as u64,
        Content::Fill { count, width, .. } => {
            let count = evaluator.number(count, place)?.max(0) as u64;
            count.saturating_mul((*width).into())
        }
        Content::Align { to, most, .. } => {
            let padding = address.wrapping_neg() & (to - 1);
            if most.is_some_and(|most| padding > most) { 0 } else { padding }
        }
        Content::Origin(target, _) => (evaluator.number(target, place)?.max(0) as u64).saturating_sub(offset),
        Content::Leb128 { is_signed, value } => {
            leb128::size(evaluator.number(value, place)?, *is_signed) as u64
        }
        Content::Code(code) => Encoder { evaluator, place, address: old.of(place) }.size(code),
    })
}

/// The most that one item may take.
fn most_bytes(kind: SectionKind) -> u64 {
    if kind == SectionKind::Zero { MOST_ZERO_BYTES } else { MOST_FILE_BYTES }
}

/// Says which sizes are not possible.
fn check_sizes(program: &Program, addresses: &Addresses, messages: &mut Vec<Message>) {
    let evaluator = Evaluator::new(program, Some(addresses));
    let mut file_bytes = 0u64;
    for (index, section) in program.sections.iter().enumerate() {
        let is_zero = section.kind == SectionKind::Zero;
        for (item_index, item) in section.items.iter().enumerate() {
            let place = Place { section: index, item: item_index };
            let offset = addresses.offsets[index][item_index];
            messages.extend(check_item(item, place, offset, most_bytes(section.kind), &evaluator));
            let before = file_bytes;
            file_bytes += if is_zero { 0 } else { addresses.offsets[index][item_index + 1] - offset };
            if before <= MOST_FILE_BYTES && file_bytes > MOST_FILE_BYTES {
                messages.push(too_large(item, MOST_FILE_BYTES));
            }
        }
    }
}

fn too_large(item: &Item, most: u64) -> Message {
    Message::new(item.location, format!("this takes more room than the {} MiB that there is", most >> 20))
}

fn check_item(item: &Item, place: Place, offset: u64, most: u64, evaluator: &Evaluator) -> Option<Message> {
    let (expression, width) = match &item.content {
        Content::Fill { count, width, .. } => (count, u64::from(*width)),
        Content::Origin(target, _) => (target, 1),
        _ => return None,
    };
    let is_origin = matches!(item.content, Content::Origin(..));
    match evaluator.number(expression, place) {
        Ok(value) if is_origin && value < offset as i64 => {
            let message = format!(".org {value} goes back: {offset} bytes stand before it");
            Some(Message::new(item.location, message))
        }
        Ok(value) if value < 0 => {
            Some(Message::new(item.location, format!("a size of {value} is not possible")))
        }
        Ok(value) => {
            let is_large = (value as u64).saturating_mul(width) > most;
            is_large.then(|| too_large(item, most))
        }
        Err(failure) => {
            let field = Field { operand: Operand::ImmI, value: expression.clone(), location: item.location };
            explain(failure, &field).map(|message| *message)
        }
    }
}

/// Whether the layout is too large to write out.
pub(crate) fn is_too_large(program: &Program, addresses: &Addresses) -> bool {
    let sections = program.sections.iter().zip(&addresses.offsets);
    let sizes = sections
        .filter(|(section, _)| section.kind != SectionKind::Zero)
        .filter_map(|(_, offsets)| offsets.last().copied());
    sizes.fold(0, u64::saturating_add) > MOST_FILE_BYTES
}
