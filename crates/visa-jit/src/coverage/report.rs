//! What there is code for, and what of it has been executed.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use visa_interp::Slot;
use visa_isa::table::ROWS;
use visa_isa::{Instruction, Op, Shape, msr};

use super::{Kind, POINTS, REGISTRY, Tier, accesses_msr, name, operation, point};
use crate::block::End;
use crate::emit::{self, Source};
use crate::memory::CodeMemory;
use crate::optimise::plan::is_inside;
use crate::region::is_outside;
use crate::trampolines::Trampolines;

/// All that there is code for, a line each, by tabs: tier, kind, name, and 1 if it has been executed.
pub fn report() -> String {
    for &(which, tiers) in POINTS {
        for &tier in tiers {
            point(tier, which);
        }
    }
    all_operations();
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = registry.iter().map(|((tier, kind, name), byte)| {
        let what = format!("{tier:?}\t{kind:?}").to_lowercase();
        format!("{what}\t{name}\t{}\n", byte.load(Ordering::Relaxed))
    });
    lines.collect()
}

/// Makes the byte of every instruction that some tier has code for.
fn all_operations() {
    let Ok(mut memory) = CodeMemory::new() else { return };
    let trampolines = Trampolines::new(&mut memory);
    for i in ROWS.iter().flat_map(|row| forms(row.op)) {
        let slot = Slot { instruction: i, bits: 0 };
        let end =
            if matches!(i.op.shape(), Shape::Jump | Shape::JumpRegister) { End::Jump } else { End::Next };
        let source = Source { slots: &[slot], end, start: 0, ram: 0, table: None, marked: false };
        let has_template = emit::block(&trampolines, memory.next_address(), &source, 0).is_some()
            && is_known(Tier::Block, &i);
        if has_template && !is_outside(&slot) {
            operation(Tier::Region, &i, false);
        }
        if is_inside(&i) {
            operation(Tier::Optimised, &i, false);
        }
    }
}

fn is_known(tier: Tier, i: &Instruction) -> bool {
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    registry.contains_key(&(tier, Kind::Operation, name(i)))
}

/// An instruction in the forms that templates tell apart.
fn forms(op: Op) -> Vec<Instruction> {
    const DYNAMIC: u8 = 7;
    let form =
        Instruction { rd: 10, rs1: 11, rs2: 12, rs3: 13, rm: DYNAMIC, length: 4, ..Instruction::new(op) };
    if !accesses_msr(op) {
        return vec![form];
    }
    let of = |number: u16| [0, 11].map(|rs1| Instruction { rs1, imm: number.into(), ..form });
    msr::MSRS.iter().flat_map(|msr| of(msr.number)).collect()
}
