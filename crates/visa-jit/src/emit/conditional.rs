//! Branches over a few computations of one register: computed in any case, and moved there if the branch is not taken.
//!
//! The host need not predict such a branch. Data decide most of them, so that it often would predict wrongly.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, dynasm};
use visa_isa::shape::Condition;
use visa_isa::{Instruction, Op};

use super::region::Label;
use super::{Emitter, Point};
use crate::check::mark::Begins;
use crate::registers::{BUDGET, Place, RAX, RCX, RDX};

/// How many computations may be in vain.
const LONGEST: usize = 3;

/// Whether an instruction computes a register, and its code leaves RDX alone unless that is where the register is.
fn keeps_rdx(i: &Instruction) -> bool {
    use Op::*;
    match i.op {
        Addi => true,
        Xori | Ori | Andi | Slli | Srli | Srai | Addiw | Slliw | Srliw | Sraiw => i.rs1 != 0,
        Add | Sub | Xor | Or | And | Addw | Subw => (i.rs1 != 0 || i.op == Add) && i.rs2 != 0,
        _ => false,
    }
}

impl Emitter<'_> {
    /// What such a branch may skip; `None`: it is none.
    fn skipped(&self, index: usize, end: usize) -> Option<Vec<Instruction>> {
        let i = self.records[index].slot.map(|slot| slot.instruction).filter(|i| i.op.shape().is_branch())?;
        let target = self.records[index].pc.wrapping_add(i.imm as i64 as u64);
        let last =
            (index + 1..end.min(index + 1 + LONGEST)).find(|&last| self.records[last].next == target)?;
        // Both ways meet where it is known what either leaves in registers.
        let meet = |label: Label| label.mapping == self.current;
        if last + 1 == end && !self.label(target).is_some_and(meet) {
            return None;
        }
        let instructions = self.records[index + 1..last + 1].iter().filter_map(|record| record.slot);
        let instructions: Vec<Instruction> = instructions.map(|slot| slot.instruction).collect();
        let register = instructions.first()?.rd;
        let in_host = matches!(self.mapping.place(register), Place::Host(_));
        let moved = instructions.iter().all(|i| i.rd == register && keeps_rdx(i));
        (in_host && moved).then_some(instructions)
    }

    /// Whether an instruction is a branch that is one here, too.
    pub(super) fn stays_branch(&self, index: usize, end: usize) -> bool {
        let is_branch = self.records[index].slot.is_some_and(|slot| slot.instruction.op.shape().is_branch());
        is_branch && self.skipped(index, end).is_none()
    }

    /// Emits such a branch, and gives how many instructions it may skip.
    pub(super) fn conditional_move(&mut self, index: usize, end: usize) -> Option<usize> {
        let instructions = self.skipped(index, end)?;
        let i = self.records[index].slot?.instruction;
        let condition = i.op.shape().condition()?;
        let register = instructions.first()?.rd;
        let Place::Host(to) = self.mapping.place(register) else { return None };
        let skipped = index + 1..index + 1 + instructions.len();
        self.mark(index, Begins::Move(instructions.len()));
        self.reach(Point::ConditionalMove);
        dynasm!(self.code ; .arch x64 ; mov rdx, Rq(to));
        let temporary = self.mapping.with_temporary(register, RDX);
        let usual = std::mem::replace(&mut self.mapping, temporary);
        for (index, i) in skipped.clone().zip(&instructions) {
            self.mark(index, Begins::Part);
            self.reach_operation(i);
            self.compute(index, i);
        }
        self.mapping = usual;
        self.mark(index, Begins::Part);
        self.reach_operation(&i);
        // What is not executed goes back into the budget.
        dynasm!(self.code ; .arch x64 ; lea Rq(RAX), [BYTE Rq(BUDGET) + skipped.len() as i8]);
        self.compare(index, &i, RCX);
        match condition {
            Condition::Equal => dynasm!(self.code ; .arch x64 ; cmove Rq(BUDGET), rax ; cmovne Rq(to), rdx),
            Condition::NotEqual => {
                dynasm!(self.code ; .arch x64 ; cmovne Rq(BUDGET), rax ; cmove Rq(to), rdx)
            }
            Condition::Less => dynasm!(self.code ; .arch x64 ; cmovl Rq(BUDGET), rax ; cmovge Rq(to), rdx),
            Condition::GreaterOrEqual => {
                dynasm!(self.code ; .arch x64 ; cmovge Rq(BUDGET), rax ; cmovl Rq(to), rdx)
            }
            Condition::LessUnsigned => {
                dynasm!(self.code ; .arch x64 ; cmovb Rq(BUDGET), rax ; cmovae Rq(to), rdx)
            }
            Condition::GreaterOrEqualUnsigned => {
                dynasm!(self.code ; .arch x64 ; cmovae Rq(BUDGET), rax ; cmovb Rq(to), rdx)
            }
        }
        self.mark(index, Begins::End);
        Some(skipped.len())
    }
}
