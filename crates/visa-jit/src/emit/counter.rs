//! Counters and time, as rings read them; and PAUSE.
//!
//! What decides whether a ring may read one, or its hypervisor wants to know, is looked at each time. The clock is behind a
//! function: it may be the host's.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::shape::MsrChange;
use visa_isa::{Instruction, Ring, Shape, msr, trap_filter};

use super::{Emitter, constant};
use crate::registers::{BUDGET, RAX};
use crate::runtime::field;

impl Emitter<'_> {
    /// Emits a read of a counter, or a PAUSE; false if it is neither.
    pub(super) fn counter(&mut self, index: usize, i: &Instruction) -> bool {
        let cold = self.code.new_dynamic_label();
        let number = i.imm as u16;
        match (i.op.shape(), i.msr_change()) {
            (Shape::Pause, _) => self.not_filtered(trap_filter::PAUSE, cold),
            (_, Some(MsrChange::None)) if matches!(number, msr::CYCLE | msr::TIME | msr::INSTRET) => {
                self.read_counter(index, i, number, cold);
            }
            _ => return false,
        }
        let back = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64 ; =>back);
        self.push_interpreted(cold, index, back);
        true
    }

    fn read_counter(&mut self, index: usize, i: &Instruction, number: u16, cold: DynamicLabel) {
        let left = self.records[index].left;
        dynasm!(self.code ; .arch x64
            ; cmp BYTE [rbp + layout::RING as i32], Ring::Hypervisor as i8
            ; je >readable
            ; cmp BYTE [rbp + layout::RING as i32], Ring::User as i8
            ; jne >kernel
            ; test BYTE [rbp + layout::SCOUNTEREN as i32], 1 << (number & 31)
            ; jz =>cold
            ; kernel:
        );
        self.not_filtered(trap_filter::MSR, cold);
        dynasm!(self.code ; .arch x64
            ; cmp QWORD [rbp + layout::MSR_MAP as i32], BYTE 0
            ; jne =>cold
            ; readable:
        );
        if number == msr::CYCLE {
            dynasm!(self.code ; .arch x64 ; cmp BYTE [rbp + layout::CYCLE_IS_MODELLED as i32], BYTE 0 ; jne =>cold);
        }
        if number == msr::TIME {
            constant(&mut self.code, RAX, left as u64);
            dynasm!(self.code ; .arch x64 ; call extern self.trampolines.time);
            self.floats.clear();
        } else {
            dynasm!(self.code ; .arch x64
                ; mov rax, [rsp]
                ; mov rax, [rax + field::BASE]
                ; sub rax, Rq(BUDGET)
                ; sub rax, left as i32
            );
        }
        self.set(i.rd, RAX);
    }

    /// Goes on if a bit of the trap filter is not in force, wherever the hart is. Spoils RAX.
    pub(super) fn not_filtered(&mut self, bit: u64, cold: DynamicLabel) {
        dynasm!(self.code ; .arch x64
            ; mov rax, [rbp + layout::TRAP_FILTER as i32]
            ; or rax, [rbp + layout::FORCED_FILTER as i32]
            ; test eax, bit as i32
            ; jnz =>cold
        );
    }
}
