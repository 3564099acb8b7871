//! Branches and jumps.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;
use visa_isa::shape::Condition;
use visa_isa::{Instruction, Shape};

use super::{Assembler, Cold, Emitter, Label, Point, Tier, constant, coverage, match_tag, place_of_page};
use crate::registers::{Place, RAX, RCX, RDX};
use crate::trampolines::JUMPS_SLOT;

impl Emitter<'_> {
    /// Emits a branch or a jump; false if it is none.
    pub(super) fn control(&mut self, index: usize, i: &Instruction) -> bool {
        match i.op.shape() {
            Shape::Branch(condition) => self.branch(index, i, condition),
            Shape::Jump => {
                self.set_constant(i.rd, self.records[index].next);
                self.go(index, self.records[index].pc.wrapping_add(i.imm as i64 as u64), 0);
            }
            Shape::JumpRegister => self.indirect(index, i),
            _ => return false,
        }
        true
    }

    /// Compares what a branch at a record compares.
    pub(super) fn compare(&mut self, index: usize, i: &Instruction, temporary: u8) {
        let a = self.get(i.rs1, temporary);
        match (self.mapping.place(i.rs2), self.extensions.are_words(index, &[i.rs1, i.rs2])) {
            (Place::Zero, true) => dynasm!(self.code ; .arch x64 ; test Rd(a), Rd(a)),
            (Place::Host(b), true) => dynasm!(self.code ; .arch x64 ; cmp Rd(a), Rd(b)),
            (Place::Memory(offset), true) => dynasm!(self.code ; .arch x64 ; cmp Rd(a), [rbp + offset]),
            (Place::Zero, false) => dynasm!(self.code ; .arch x64 ; test Rq(a), Rq(a)),
            (Place::Host(b), false) => dynasm!(self.code ; .arch x64 ; cmp Rq(a), Rq(b)),
            (Place::Memory(offset), false) => dynasm!(self.code ; .arch x64 ; cmp Rq(a), [rbp + offset]),
        }
    }

    fn branch(&mut self, index: usize, i: &Instruction, condition: Condition) {
        let target = self.records[index].pc.wrapping_add(i.imm as i64 as u64);
        let left = self.records[index].left - 1;
        let taken = match self.label(target) {
            Some(Label { label, mapping, .. }) if left == 0 && mapping == self.current => label,
            _ => {
                let from = self.code.new_dynamic_label();
                self.push_cold(Cold::Branch { from, index, left, target });
                from
            }
        };
        self.compare(index, i, RAX);
        match condition {
            Condition::Equal => dynasm!(self.code ; .arch x64 ; je =>taken),
            Condition::NotEqual => dynasm!(self.code ; .arch x64 ; jne =>taken),
            Condition::Less => dynasm!(self.code ; .arch x64 ; jl =>taken),
            Condition::GreaterOrEqual => dynasm!(self.code ; .arch x64 ; jge =>taken),
            Condition::LessUnsigned => dynasm!(self.code ; .arch x64 ; jb =>taken),
            Condition::GreaterOrEqualUnsigned => dynasm!(self.code ; .arch x64 ; jae =>taken),
        }
    }

    /// JALR: finds the target in the page's own table, or in the table of jumps if the TLB's first level knows its page.
    fn indirect(&mut self, index: usize, i: &Instruction) {
        self.settle(index);
        let address = self.address(i);
        if address != RCX {
            dynasm!(self.code ; .arch x64 ; mov rcx, Rq(address));
        }
        dynasm!(self.code ; .arch x64 ; and rcx, BYTE -2);
        self.set_constant(i.rd, self.records[index].next);
        if let Some(table) = self.table {
            constant(&mut self.code, RDX, self.start & !(PAGE_SIZE - 1));
            // Targets are even: half their place in the page, times the size of an entry.
            dynasm!(self.code ; .arch x64
                ; mov rax, rcx
                ; xor rax, rdx
                ; cmp rax, PAGE_SIZE as i32
                ; jae >elsewhere
                ; mov rdx, QWORD table as i64
            );
            self.reach(Point::TableOfPage);
            dynasm!(self.code ; .arch x64 ; jmp QWORD [rdx + rax * 4] ; elsewhere:);
        }
        jump_by_table(&mut self.code, self.trampolines.fetch, self.trampolines.exit_indirect);
    }
}

/// Jumps to the code for the address in RCX, if the TLB's first level knows its page and the table of jumps the code;
/// to `fetch` if the one does not, to `exit` if the other does not.
pub fn jump_by_table(code: &mut Assembler, fetch: usize, exit: usize) {
    let [missed, unknown] = std::array::from_fn(|_| code.new_dynamic_label());
    place_of_page(code, RCX);
    dynasm!(code ; .arch x64 ; mov rdx, rcx);
    match_tag(code, Access::Fetch, missed);
    let jumps = ((crate::cache::JUMPS - 1) << 1) as i32;
    dynasm!(code ; .arch x64
        ; mov rax, [rbp + rax * 8 + layout::addends(Access::Fetch) as i32]
        ; add rax, rcx
        ; mov edx, ecx
        ; and edx, jumps
        ; shl edx, 4
        ; add rdx, [rsp + JUMPS_SLOT]
        ; cmp rax, [rdx]
        ; jne =>unknown
        ; cmp rcx, [rdx + 8]
        ; jne =>unknown
    );
    coverage::emit_point(code, Tier::Shared, Point::TableOfJumps);
    dynasm!(code ; .arch x64 ; jmp QWORD [rdx + 16] ; =>unknown);
    coverage::emit_point(code, Tier::Shared, Point::JumpUnknown);
    dynasm!(code ; .arch x64 ; jmp extern exit ; =>missed);
    coverage::emit_point(code, Tier::Shared, Point::JumpMissed);
    dynasm!(code ; .arch x64 ; jmp extern fetch);
}
