//! The fixed bits of instructions.

use super::CUSTOM_0;

/// The fixed bits of an instruction: `word & mask == value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bits {
    /// Which bits are fixed.
    pub mask: u32,
    /// What they are.
    pub value: u32,
}

pub(super) const fn bits(mask: u32, value: u32) -> Bits {
    Bits { mask, value }
}

// Constructors of fixed bits, by the field names of the RISC-V unprivileged specification, 2.2.

/// Opcode alone.
pub(super) const fn op(opcode: u32) -> Bits {
    bits(0x7f, opcode)
}
/// Opcode and funct3.
pub(super) const fn op3(opcode: u32, funct3: u32) -> Bits {
    bits(0x707f, opcode | funct3 << 12)
}
/// Opcode, funct3 and funct7.
pub(super) const fn op37(opcode: u32, funct3: u32, funct7: u32) -> Bits {
    bits(0xfe00_707f, opcode | funct3 << 12 | funct7 << 25)
}
/// Opcode, funct3 and the upper six bits (shifts by a six-bit amount).
pub(super) const fn op36(opcode: u32, funct3: u32, funct6: u32) -> Bits {
    bits(0xfc00_707f, opcode | funct3 << 12 | funct6 << 26)
}
/// Opcode, funct3 and the upper twelve bits (one-source operations).
pub(super) const fn op312(opcode: u32, funct3: u32, funct12: u32) -> Bits {
    bits(0xfff0_707f, opcode | funct3 << 12 | funct12 << 20)
}
/// Atomic: funct3 is the width, funct5 the operation.
pub(super) const fn amo(width: u32, funct5: u32) -> Bits {
    bits(0xf800_707f, 0x2f | width << 12 | funct5 << 27)
}
/// LR: rs2 is fixed to zero.
pub(super) const fn lr(width: u32) -> Bits {
    bits(0xf9f0_707f, 0x2f | width << 12 | 0x02 << 27)
}
/// Floating point with a rounding mode: funct7.
pub(super) const fn fp(funct7: u32) -> Bits {
    bits(0xfe00_007f, 0x53 | funct7 << 25)
}
/// Floating point with a rounding mode and rs2 fixed.
pub(super) const fn fp2(funct7: u32, rs2: u32) -> Bits {
    bits(0xfff0_007f, 0x53 | funct7 << 25 | rs2 << 20)
}
/// Floating point without a rounding mode: funct7 and funct3.
pub(super) const fn fp3(funct7: u32, funct3: u32) -> Bits {
    op37(0x53, funct3, funct7)
}
/// Floating point without a rounding mode and rs2 fixed.
pub(super) const fn fp23(funct7: u32, rs2: u32, funct3: u32) -> Bits {
    op312(0x53, funct3, funct7 << 5 | rs2)
}
/// Fused multiply-add: opcode and the format bits 26:25.
pub(super) const fn fma(opcode: u32, format: u32) -> Bits {
    bits(0x0600_007f, opcode | format << 25)
}
/// All 32 bits.
pub(super) const fn exact(word: u32) -> Bits {
    bits(u32::MAX, word)
}
/// V-ISA, custom-0: funct3 is the group, funct7 the instruction.
pub(super) const fn visa(group: u32, funct7: u32) -> Bits {
    op37(CUSTOM_0, group, funct7)
}
/// V-ISA with registers fixed to zero: the mask adds rd, rs1, rs2 where `fixed` has bits 0, 1, 2.
pub(super) const fn visa_fixed(group: u32, funct7: u32, fixed: u32) -> Bits {
    let rd = if fixed & 1 != 0 { 0x1f << 7 } else { 0 };
    let rs1 = if fixed & 2 != 0 { 0x1f << 15 } else { 0 };
    let rs2 = if fixed & 4 != 0 { 0x1f << 20 } else { 0 };
    bits(visa(group, funct7).mask | rd | rs1 | rs2, visa(group, funct7).value)
}
