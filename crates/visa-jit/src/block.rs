//! What a block of translated code holds: a run of instructions in one page, entered at its first one. Conditional
//! branches may leave it in the middle.

use std::collections::BTreeSet;

use visa_interp::{Slot, decode_at};
use visa_isa::paging::PAGE_SIZE;
use visa_isa::shape::MsrChange;
use visa_isa::{Shape, msr};
use visa_mem::Ram;

/// Most instructions of a block.
pub const BLOCK_LENGTH: usize = 48;
/// Most conditional branches that execution may pass in a block.
const BRANCHES: usize = 4;

/// How a block ends, if no branch leaves it before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With a jump: its instruction says where it goes.
    Jump,
    /// Execution goes on behind the last instruction.
    Next,
    /// The same, after an instruction that may change where addresses lead.
    Changed,
    /// With an instruction that reaches into the next page, after those that were decoded.
    Across,
}

/// Decodes the block at an offset of RAM. Without instructions and without one across, there is none: what is there is
/// illegal. A block ends before a breakpoint.
pub fn decode(ram: &Ram, start: u64, pc: u64, breakpoints: &BTreeSet<u64>) -> (Vec<Slot>, End) {
    let page_end = (start & !(PAGE_SIZE - 1)) + PAGE_SIZE;
    let mut slots = Vec::new();
    let mut offset = start;
    let mut branches = 0;
    while slots.len() < BLOCK_LENGTH {
        let address = pc.wrapping_add(offset - start);
        if !breakpoints.is_empty() && offset != start && breakpoints.contains(&address) {
            break;
        }
        let Some(slot) = decode_at(ram, offset..page_end) else {
            let across = page_end - offset == 2 && ram.load_u16(offset).is_some_and(|low| low & 3 == 3);
            return (slots, if across { End::Across } else { End::Next });
        };
        let shape = slot.instruction.op.shape();
        offset += slot.instruction.length as u64;
        slots.push(slot);
        match shape {
            Shape::Jump | Shape::JumpRegister => return (slots, End::Jump),
            Shape::Branch(_) => branches += 1,
            _ if shape.ends_block() && !changes_nothing(&slot) => return (slots, End::Changed),
            _ => {}
        }
        if branches == BRANCHES {
            break;
        }
    }
    (slots, End::Next)
}

/// An access to an MSR that changes nothing for the instructions after it.
fn changes_nothing(slot: &Slot) -> bool {
    let number = slot.instruction.imm as u16;
    match slot.instruction.msr_change() {
        None => false,
        Some(MsrChange::None) => true,
        // What comes after a change of these starts anew.
        Some(_) => msr::is_inert(number) && !is_float_control(number),
    }
}

/// Rounding mode and flags: the host's while generated code runs.
pub fn is_float_control(number: u16) -> bool {
    matches!(number, msr::FFLAGS | msr::FRM | msr::FCSR)
}
