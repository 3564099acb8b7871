//! From code to bytes, once every place has an address.

use crate::compress::compress;
use crate::constant;
use crate::diagnostic::Message;
use crate::evaluate::{Evaluator, Failure, Value, high, low};
use crate::place::Place;
use crate::program::{Code, Field};
use visa_isa::operand::{Kind, Operand};
use visa_isa::table::ROWS;
use visa_isa::{EncodeError, Instruction, Op, Shape, encode, encode_compressed};

/// Why code has no bytes: a message, or something that is reported elsewhere.
pub(crate) type Encoded<T> = Result<T, Option<Box<Message>>>;

/// Encodes code at an address.
pub(crate) struct Encoder<'a> {
    pub(crate) evaluator: &'a Evaluator<'a>,
    pub(crate) place: Place,
    pub(crate) address: u64,
}

/// Bytes of a branch that does not reach: the opposite branch, and a jump.
const LONG_BRANCH: u64 = 8;

impl Encoder<'_> {
    /// How many bytes the code takes at least.
    pub(crate) fn size(&self, code: &Code) -> u64 {
        match code {
            Code::Raw { length, .. } => (*length).into(),
            Code::Relative { .. } => 8,
            Code::Single { row: Some(_), .. } => 2,
            Code::Single { instruction, fields, compress: compresses, .. } => {
                if !compresses && !instruction.op.shape().is_branch() {
                    return 4;
                }
                match self.resolve(instruction, fields) {
                    Ok(resolved) if *compresses && compress(&resolved).is_some() => 2,
                    Ok(_) => 4,
                    Err(_) if instruction.op.shape().is_branch() && self.is_far(fields) => LONG_BRANCH,
                    Err(_) => 4,
                }
            }
            Code::Constant { rd, value, compress: compresses } => {
                match self.evaluator.value(&value.value, self.place) {
                    Ok(Value { is_address: true, .. }) => 8,
                    Ok(Value { number, .. }) => sizes(&constant::load(*rd, number), *compresses),
                    Err(_) => 4,
                }
            }
        }
    }

    fn is_far(&self, fields: &[Field]) -> bool {
        let target = fields.iter().find(|field| field.operand == Operand::ImmB);
        target.is_some_and(|field| {
            let (low, high) = Operand::ImmB.range();
            let distance = self.distance(field);
            distance.is_ok_and(|distance| !(low..=high).contains(&distance))
        })
    }

    fn distance(&self, field: &Field) -> Result<i64, Failure> {
        Ok(self.evaluator.number(&field.value, self.place)?.wrapping_sub(self.address as i64))
    }

    /// The bytes of the code, in `size` bytes.
    pub(crate) fn bytes(&self, code: &Code, size: u64, out: &mut Vec<u8>) -> Encoded<()> {
        match code {
            Code::Raw { word, length, fields } => {
                let word = self.insert(*word, fields)?;
                out.extend_from_slice(&word.to_le_bytes()[..usize::from(*length)]);
            }
            Code::Relative { scratch, second, target } => self.relative(*scratch, second, target, out)?,
            Code::Constant { rd, value, compress } => self.constant(*rd, value, *compress, size, out)?,
            Code::Single { instruction, fields, row: Some(row), .. } => {
                let resolved = self.resolve_for(instruction, fields, row.mnemonic)?;
                let half = encode_compressed(row, &resolved)
                    .map_err(|error| self.misfit(row.mnemonic, &error, fields))?;
                out.extend_from_slice(&half.to_le_bytes());
            }
            Code::Single { instruction, fields, .. } if size == LONG_BRANCH => {
                self.long_branch(instruction, fields, out)?;
            }
            Code::Single { instruction, fields, .. } => {
                let resolved = self.resolve(instruction, fields)?;
                match compress(&resolved) {
                    Some(half) if size == 2 => out.extend_from_slice(&half.to_le_bytes()),
                    _ => self.word(&resolved, fields, out)?,
                }
            }
        }
        Ok(())
    }

    fn word(&self, instruction: &Instruction, fields: &[Field], out: &mut Vec<u8>) -> Encoded<()> {
        let mnemonic = instruction.op.row().mnemonic;
        let word = encode(instruction).map_err(|error| self.misfit(mnemonic, &error, fields))?;
        out.extend_from_slice(&word.to_le_bytes());
        Ok(())
    }

    fn misfit(&self, mnemonic: &str, error: &EncodeError, fields: &[Field]) -> Option<Box<Message>> {
        let location = fields.iter().map(|field| field.location).next().unwrap_or_default();
        Some(Box::new(Message::new(location, format!("`{mnemonic}`: {error}"))))
    }

    fn resolve(&self, instruction: &Instruction, fields: &[Field]) -> Encoded<Instruction> {
        self.resolve_for(instruction, fields, instruction.op.row().mnemonic)
    }

    /// The instruction with the values of its fields.
    fn resolve_for(
        &self,
        instruction: &Instruction,
        fields: &[Field],
        mnemonic: &str,
    ) -> Encoded<Instruction> {
        let mut resolved = *instruction;
        for field in fields {
            let value = self.field(field, mnemonic)?;
            field.operand.set(&mut resolved, value);
        }
        Ok(resolved)
    }

    /// The value of a field as the instruction has it.
    fn field(&self, field: &Field, mnemonic: &str) -> Encoded<i32> {
        let operand = field.operand;
        let value = match operand.kind() {
            Kind::PcRelative => self.distance(field),
            _ => self.evaluator.number(&field.value, self.place),
        };
        let mut value = value.map_err(|failure| explain(failure, field))?;
        let (mut lowest, mut highest) = operand.range();
        let mut step = 1i64 << operand.alignment_bits();
        if operand.kind() == Kind::Upper {
            // Text has the 20 bits of the upper part, with or without a sign.
            const UPPER_BITS: u32 = 20;
            if (1 << (UPPER_BITS - 1)..1 << UPPER_BITS).contains(&value) {
                value -= 1 << UPPER_BITS;
            }
            (lowest, highest, step) = (lowest / 4096, highest / 4096, step / 4096);
        }
        if !(lowest..=highest).contains(&value) {
            return Err(Some(Box::new(out_of_range(field, mnemonic, value, lowest, highest))));
        }
        if value % step != 0 {
            let message = format!("{value} is not a multiple of {step}");
            return Err(Some(Box::new(
                Message::new(field.location, message)
                    .expected(format!("`{mnemonic}` wants a multiple of {step} here")),
            )));
        }
        let is_upper = operand.kind() == Kind::Upper;
        Ok(if is_upper { (value << 12) as i32 } else { value as i32 })
    }

    fn long_branch(&self, instruction: &Instruction, fields: &[Field], out: &mut Vec<u8>) -> Encoded<()> {
        let inverse = Instruction { op: inverse(instruction.op), imm: LONG_BRANCH as i32, ..*instruction };
        self.word(&inverse, fields, out)?;
        let jump = Encoder { address: self.address.wrapping_add(4), ..*self };
        let target = fields.iter().find(|field| field.operand == Operand::ImmB).ok_or(None)?;
        let target = Field { operand: Operand::ImmJ, ..target.clone() };
        let resolved = jump.resolve(&Instruction::new(Op::Jal), std::slice::from_ref(&target))?;
        jump.word(&resolved, &[target], out)
    }

    fn relative(&self, scratch: u8, second: &Instruction, target: &Field, out: &mut Vec<u8>) -> Encoded<()> {
        let distance = self.distance(target).map_err(|failure| explain(failure, target))?;
        if i32::try_from(distance.wrapping_add(0x800)).is_err() {
            let (lowest, highest) = (i64::from(i32::MIN) - 0x800, i64::from(i32::MAX) - 0x800);
            return Err(Some(Box::new(out_of_range(target, "auipc", distance, lowest, highest))));
        }
        let upper = (high(distance) << 12) as i32;
        let first = Instruction { rd: scratch, imm: upper, ..Instruction::new(Op::Auipc) };
        self.word(&first, &[], out)?;
        self.word(&Instruction { imm: low(distance) as i32, ..*second }, &[], out)
    }

    fn constant(&self, rd: u8, field: &Field, compresses: bool, size: u64, out: &mut Vec<u8>) -> Encoded<()> {
        let value = self.evaluator.value(&field.value, self.place);
        let value = value.map_err(|failure| explain(failure, field))?;
        if value.is_address {
            let second = Instruction { rd, rs1: rd, ..Instruction::new(Op::Addi) };
            return self.relative(rd, &second, field, out);
        }
        let start = out.len();
        let list = constant::load(rd, value.number);
        // The size may be larger than needed now: places moved after it was settled.
        let compresses = compresses && sizes(&list, true) <= size;
        for instruction in &list {
            match compress(instruction).filter(|_| compresses) {
                Some(half) => out.extend_from_slice(&half.to_le_bytes()),
                None => self.word(instruction, &[], out)?,
            }
        }
        pad_with_nops(out, start + size as usize, compresses);
        Ok(())
    }

    fn insert(&self, word: u64, fields: &[Field]) -> Encoded<u64> {
        let mut word = word;
        for field in fields {
            let value = self.field(field, ".insn")?;
            word |= u64::from(field.operand.insert(value));
        }
        Ok(word)
    }
}

/// Fills up with NOPs. What is shorter than one is filled with zeros first, as data may stand before it.
pub(crate) fn pad_with_nops(out: &mut Vec<u8>, end: usize, compresses: bool) {
    const NOP: [u8; 4] = 0x13u32.to_le_bytes();
    const COMPRESSED_NOP: [u8; 2] = 1u16.to_le_bytes();
    let missing = end.saturating_sub(out.len());
    if !missing.is_multiple_of(2) {
        out.push(0);
    }
    if missing % 4 >= 2 {
        out.extend_from_slice(if compresses { &COMPRESSED_NOP } else { &[0; 2] });
    }
    while out.len() < end {
        out.extend_from_slice(&NOP);
    }
}

fn sizes(list: &[Instruction], compresses: bool) -> u64 {
    list.iter().map(|one| if compresses && compress(one).is_some() { 2 } else { 4 }).sum()
}

/// The branch on the opposite condition.
fn inverse(op: Op) -> Op {
    let wanted = op.shape().condition().map(|condition| Shape::Branch(condition.negated()));
    ROWS.iter().find(|row| Some(row.op.shape()) == wanted).map_or(op, |row| row.op)
}

/// The message of an expression without a value.
pub(crate) fn explain(failure: Failure, field: &Field) -> Option<Box<Message>> {
    failure.message().map(|message| Box::new(Message::new(field.location, message)))
}

fn out_of_range(field: &Field, mnemonic: &str, value: i64, lowest: i64, highest: i64) -> Message {
    let shown = |number: i64| match number.unsigned_abs() > 4096 {
        true if number < 0 => format!("-{:#x}", number.unsigned_abs()),
        true => format!("{number:#x}"),
        false => number.to_string(),
    };
    let (value, lowest, highest) = (shown(value), shown(lowest), shown(highest));
    match field.operand.kind() {
        Kind::PcRelative => Message::new(
            field.location,
            format!("the target is {value} bytes away, too far for `{mnemonic}`"),
        )
        .expected(format!("`{mnemonic}` reaches {lowest} to {highest}")),
        Kind::Upper if field.operand == Operand::ImmU => {
            Message::new(field.location, format!("{value} is out of range for `{mnemonic}`"))
                .expected("expected the upper 20 bits, 0 to 0xfffff")
        }
        Kind::Port => Message::new(field.location, format!("port {value} does not fit the instruction"))
            .expected(format!("expected {lowest} to {highest}"))
            .help("put a larger port number into a register"),
        _ => {
            let message = Message::new(field.location, format!("{value} is out of range for `{mnemonic}`"))
                .expected(format!("expected {lowest} to {highest}"));
            match field.operand {
                Operand::Uimm5 => message.help("put a larger value into a register"),
                _ => message,
            }
        }
    }
}
