//! Sign extension, where nobody sees the upper half: results of 32 bits that only feed others of 32 bits. And where it has
//! been done: compilers extend what a load has extended already.
//!
//! Within a piece nothing of the guest is seen from outside between two computations. An access, a jump, or anything that the
//! interpreter might execute, wants every register as the architecture has it.

use visa_isa::{Instruction, Op};

use super::Emitter;

/// What a computation reads of a register.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    LowHalf,
    Whole,
}

/// What an instruction reads of a register; `None` if it does more than compute, or has no code of its own.
fn reads(i: &Instruction, register: u8) -> Option<Reads> {
    use Op::*;
    let (sources, low) = match i.op {
        Lui | Auipc => (0, false),
        Addiw | Slliw | Srliw | Sraiw => (1, true),
        Andi => (1, i.imm >= 0),
        Slli => (1, i.imm >= 32),
        Addi | Xori | Ori | Srli | Srai | Slti | Sltiu => (1, false),
        Addw | Subw | Mulw | Sllw | Srlw | Sraw => (2, true),
        Add | Sub | Xor | Or | And | Sll | Srl | Sra | Slt | Sltu | Mul => (2, false),
        _ => return None,
    };
    let read = sources >= 1 && i.rs1 == register || sources == 2 && i.rs2 == register;
    Some(match (read, low) {
        (false, _) => Reads::Nothing,
        (true, true) => Reads::LowHalf,
        (true, false) => Reads::Whole,
    })
}

impl Emitter<'_> {
    /// Whether the upper half of what the instruction at a site computes is never seen: overwritten before anything reads it.
    pub(super) fn upper_half_is_dead(&self, index: usize) -> bool {
        let Some(slot) = self.sites[index].slot else { return false };
        let register = slot.instruction.rd;
        let end = index + self.sites[index].left as usize;
        for site in &self.sites[index + 1..end] {
            let Some(i) = site.slot.map(|slot| slot.instruction) else { return false };
            match reads(&i, register) {
                None | Some(Reads::Whole) => return false,
                Some(_) if i.rd == register => return true,
                Some(_) => {}
            }
        }
        false
    }

    /// Whether what the instruction at a site extends is what a load before it in the unit has given, which extends, too.
    pub(super) fn is_extended(&self, index: usize) -> bool {
        use Op::{Lb, Lbu, Lh, Lhu, Lw};
        let Some(register) = self.sites[index].slot.map(|slot| slot.instruction.rs1) else { return false };
        let mut left = self.sites[index].left;
        for site in self.sites[..index].iter().rev() {
            left += 1;
            let Some(i) = site.slot.map(|slot| slot.instruction) else { return false };
            // Those of another unit do not count on.
            if site.left != left {
                return false;
            }
            if matches!(i.op, Lb | Lbu | Lh | Lhu | Lw) && i.rd == register {
                return true;
            }
            // What it writes is known only of instructions that compute.
            if reads(&i, register).is_none() || i.rd == register {
                return false;
            }
        }
        false
    }
}
