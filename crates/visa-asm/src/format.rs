//! One instruction as text: for listings, traces and the debugger.

use crate::syntax::{Form, ORDERINGS, Pattern, default_rounding, named, patterns};
use visa_isa::operand::{Kind, Operand};
use visa_isa::shape::{Direction, Port};
use visa_isa::{Instruction, Op, Shape, compressed, decode, msr, register};

/// Which names text uses. What is printed assembles back to the same word in every style.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// The base's mnemonics and ABI names: `csrrw zero, satp, ra`.
    #[default]
    Abi,
    /// The concept's names, in capitals: `MOV CR3, R1`, `HLT`, `IN R1, 0x3f8`.
    Concept,
}

/// The instruction at the start of `bits` (its low 16 bits alone if it is a compressed form), which lies at `address`.
/// Targets of branches are shown as addresses. What is no instruction is shown as `.half` or `.word`, and a fence with reserved
/// fields, which is one, as `.insn`.
pub fn format_instruction(bits: u32, address: u64) -> String {
    format_instruction_in(Style::Abi, bits, address)
}

/// [`format_instruction`] in a style.
pub fn format_instruction_in(style: Style, bits: u32, address: u64) -> String {
    let target = |distance: i32| format!("{:#x}", address.wrapping_add(distance as i64 as u64));
    format_with(style, bits, &target).unwrap_or_else(|| match bits & 3 {
        3 => format!(".word {bits:#010x}"),
        _ => format!(".half {:#06x}", bits as u16),
    })
}

/// A decoded instruction in the base's mnemonics, whatever its length in memory was; for traces of decoded code.
pub fn format_decoded(instruction: &Instruction, address: u64) -> String {
    let target = |distance: i32| format!("{:#x}", address.wrapping_add(distance as i64 as u64));
    let writer = Writer { style: Style::Abi, instruction, target: &target };
    writer.text(&Form::of(instruction.op.row()))
}

/// An instruction as text, its branch target written by `target` from the distance. `None` if it is none.
pub(crate) fn format_with(style: Style, bits: u32, target: &dyn Fn(i32) -> String) -> Option<String> {
    let instruction = decode(bits)?;
    let writer = Writer { style, instruction: &instruction, target };
    if instruction.length == 2 {
        return Some(writer.text(&Form::of_compressed(compressed::Row::of(bits as u16)?)));
    }
    // Text has no place for fields that decoding does not look at.
    if bits & instruction.op.ignored_bits() != 0 {
        return Some(format!(".insn 4, {bits:#010x}"));
    }
    let concept = if style == Style::Concept { writer.concept() } else { None };
    Some(concept.unwrap_or_else(|| writer.text(&Form::of(instruction.op.row()))))
}

struct Writer<'a> {
    style: Style,
    instruction: &'a Instruction,
    target: &'a dyn Fn(i32) -> String,
}

impl Writer<'_> {
    /// Mnemonic and operands, by the syntax string.
    fn text(&self, form: &Form) -> String {
        let mut text = self.mnemonic(form);
        let shown = self.shown_count(form);
        for (index, pattern) in patterns(form.syntax).take(shown).enumerate() {
            text += if index == 0 { " " } else { ", " };
            match pattern {
                Pattern::Bare(name) => self.named(form, name, &mut text),
                Pattern::Memory(offset, base) => {
                    offset.into_iter().for_each(|offset| self.named(form, offset, &mut text));
                    text.push('(');
                    self.named(form, base, &mut text);
                    text.push(')');
                }
            }
        }
        if form.has_rounding() && self.instruction.rm != default_rounding(self.instruction.op) {
            let mode = register::ROUNDING.iter().find(|(_, value)| *value == self.instruction.rm);
            text += if shown == 0 { " " } else { ", " };
            text += mode.map_or("", |(name, _)| name);
        }
        text
    }

    fn mnemonic(&self, form: &Form) -> String {
        let ordering = if form.has_ordering() { ORDERINGS[usize::from(self.instruction.rm & 3)] } else { "" };
        let text = format!("{}{ordering}", form.mnemonic);
        if self.style == Style::Concept { text.to_uppercase() } else { text }
    }

    /// How many operands are shown: those at the end that may be left out are, if they are zero.
    fn shown_count(&self, form: &Form) -> usize {
        let names: Vec<Pattern> = patterns(form.syntax).collect();
        let is_zero = |pattern: &Pattern| match pattern {
            Pattern::Bare(name) => {
                named(form.operands, name).is_some_and(|operand| operand.get(self.instruction) == 0)
            }
            Pattern::Memory(..) => false,
        };
        let left_out = names.iter().rev().take(form.optional).take_while(|pattern| is_zero(pattern)).count();
        names.len() - left_out
    }

    fn named(&self, form: &Form, name: &str, text: &mut String) {
        match named(form.operands, name) {
            Some(operand) => *text += &self.operand(operand),
            None => *text += &self.integer(register::integer(name).unwrap_or_default()),
        }
    }

    fn operand(&self, operand: Operand) -> String {
        let value = operand.get(self.instruction);
        match operand.kind() {
            Kind::Integer | Kind::Implied => self.integer(value as u8),
            Kind::Float => self.float(value as u8),
            Kind::PcRelative => (self.target)(value),
            Kind::Upper => format!("{:#x}", value >> 12 & 0xf_ffff),
            Kind::Msr => self.msr(value as u16),
            Kind::Port => format!("{value:#x}"),
            Kind::FenceSet => fence_set(value >> operand.alignment_bits()),
            Kind::Signed | Kind::Unsigned | Kind::Rounding | Kind::Ordering => value.to_string(),
        }
    }

    fn integer(&self, number: u8) -> String {
        match self.style {
            Style::Abi => register::INTEGER_ABI[usize::from(number & 31)].into(),
            Style::Concept => format!("R{number}"),
        }
    }

    fn float(&self, number: u8) -> String {
        match self.style {
            Style::Abi => register::FLOAT_ABI[usize::from(number & 31)].into(),
            Style::Concept => format!("F{number}"),
        }
    }

    fn msr(&self, number: u16) -> String {
        let name = msr_name(number).unwrap_or_else(|| format!("{number:#x}"));
        match (self.style, msr::by_number(number).and_then(|entry| entry.cr)) {
            (Style::Abi, _) => name,
            (Style::Concept, Some(cr)) => format!("CR{cr}"),
            (Style::Concept, None) if name.starts_with("0x") => name,
            (Style::Concept, None) => name.to_uppercase(),
        }
    }

    /// Instructions for which the concept has a name of its own.
    fn concept(&self) -> Option<String> {
        let Instruction { op, rd, rs1, rs2, imm, .. } = *self.instruction;
        let number = imm as u16;
        let is_named = msr_name(number).is_some();
        let port = || match (rs1, imm) {
            (0, port) => format!("{port:#x}"),
            (_, 0) => self.integer(rs1),
            (_, port) => format!("{port:#x}({})", self.integer(rs1)),
        };
        if let Shape::Port(Port { bytes, direction }) = op.shape() {
            let width = match bytes {
                2 => ".H",
                4 => ".W",
                _ => "",
            };
            return Some(match direction {
                Direction::Read => format!("IN{width} {}, {}", self.integer(rd), port()),
                Direction::Write => format!("OUT{width} {}, {}", port(), self.integer(rs2)),
            });
        }
        Some(match op {
            Op::Wfi => "HLT".into(),
            Op::Csrrs if rs1 == 0 && is_named => format!("MOV {}, {}", self.integer(rd), self.msr(number)),
            Op::Csrrs if rs1 == 0 => format!("RDMSR {}, {number:#x}", self.integer(rd)),
            Op::Csrrw if rd == 0 && is_named => format!("MOV {}, {}", self.msr(number), self.integer(rs1)),
            Op::Csrrw if rd == 0 => format!("WRMSR {number:#x}, {}", self.integer(rs1)),
            Op::Addi if rs1 == 0 => format!("MOV {}, {imm}", self.integer(rd)),
            Op::Addi if imm == 0 => format!("MOV {}, {}", self.integer(rd), self.integer(rs1)),
            _ => return None,
        })
    }
}

/// The name of an MSR, the windows on the guest's registers included.
pub(crate) fn msr_name(number: u16) -> Option<String> {
    match msr::guest_register(number) {
        Some(msr::GuestRegister::Integer(register)) => Some(format!("vmr{register}")),
        Some(msr::GuestRegister::Float(register)) => Some(format!("vmf{register}")),
        None => msr::by_number(number).map(|entry| entry.name.into()),
    }
}

fn fence_set(value: i32) -> String {
    let letters: String = "iorw"
        .char_indices()
        .filter(|(index, _)| value & 8 >> index != 0)
        .map(|(_, letter)| letter)
        .collect();
    if letters.is_empty() { "0".into() } else { letters }
}
