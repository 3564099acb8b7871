//! MSRs of a kernel that are plain values: what trap handlers save and restore.
//!
//! They have code for Ring 0 as long as nothing intercepts them; that is looked at each time, in the fields that decide it. A write of
//! sstatus that changes more than it says, and every other register and ring, is interpreted. So are the counters, whose values
//! the scale of time and a cycle model decide, and fcsr, whose flags are in MXCSR meanwhile.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::msr::{self, sstatus};
use visa_isa::operand::Target;
use visa_isa::shape::MsrChange;
use visa_isa::{Instruction, Ring, trap_filter};

use super::{Emitter, constant};
use crate::registers::{RAX, RCX, RDX};
use crate::runtime::field;

/// A register of the supervisor that is a field of the hart, which an instruction may only read here, or write too.
struct Plain {
    /// Its offset in the hart.
    offset: i32,
    /// The bits that exist, as the host's instruction takes them, if nothing follows from a write.
    writable: Option<i32>,
}

/// What MSR there is code for, but for sstatus.
fn plain(number: u16) -> Option<Plain> {
    let register = msr::by_number(number)?;
    if msr::ring(number) != Ring::Kernel || msr::is_visa(number) {
        return None;
    }
    let offset = layout::msr(number)? as i32;
    let writable = i32::try_from(register.kept as i64).ok().filter(|_| register.is_inert());
    Some(Plain { offset, writable })
}

/// The fields that code writes as registers, by their offsets in the hart.
pub(crate) fn written_fields() -> impl Iterator<Item = usize> {
    let plain = msr::MSRS.iter().filter_map(|register| plain(register.number));
    plain.filter(|it| it.writable.is_some()).map(|it| it.offset as usize).chain([layout::SSTATUS])
}

impl Emitter<'_> {
    /// Emits an access to an MSR; false if it has no code here.
    pub(super) fn msr(&mut self, index: usize, i: &Instruction) -> bool {
        let Some(change) = i.msr_change() else { return false };
        let number = i.imm as u16;
        let known = plain(number);
        let writes = change == MsrChange::Write && known.as_ref().is_some_and(|it| it.writable.is_some());
        if number != msr::SSTATUS && !(known.is_some() && (writes || change == MsrChange::None)) {
            return false;
        }
        let cold = self.code.new_dynamic_label();
        self.not_intercepted(cold);
        match known {
            Some(Plain { offset, writable: Some(bits) }) if writes => self.replace_msr(i, offset, bits),
            Some(Plain { offset, .. }) => {
                dynasm!(self.code ; .arch x64 ; mov rax, [rbp + offset]);
                self.set(i.rd, RAX);
            }
            None => self.change_sstatus(index, i, change, cold),
        }
        let back = self.code.new_dynamic_label();
        dynasm!(self.code ; .arch x64 ; =>back);
        self.push_interpreted(cold, index, back);
        true
    }

    /// Goes on if a kernel runs whose accesses nobody wants to see (specification, 3.3). Spoils RAX.
    fn not_intercepted(&mut self, cold: DynamicLabel) {
        dynasm!(self.code ; .arch x64
            ; cmp BYTE [rbp + layout::RING as i32], Ring::Kernel as i8
            ; jne =>cold
        );
        self.not_filtered(trap_filter::MSR, cold);
        dynasm!(self.code ; .arch x64
            ; cmp QWORD [rbp + layout::MSR_MAP as i32], BYTE 0
            ; jne =>cold
        );
    }

    /// CSRRW of a register with nothing behind it.
    fn replace_msr(&mut self, i: &Instruction, offset: i32, bits: i32) {
        self.operand(i);
        if bits != -1 {
            dynasm!(self.code ; .arch x64 ; and rdx, bits);
        }
        if i.rd != 0 {
            dynasm!(self.code ; .arch x64 ; mov rax, [rbp + offset]);
        }
        dynasm!(self.code ; .arch x64 ; mov [rbp + offset], rdx);
        self.set(i.rd, RAX);
    }

    /// RDX becomes what an instruction takes.
    fn operand(&mut self, i: &Instruction) {
        match i.op.file(Target::Rs1) {
            Some(_) => self.load(RDX, i.rs1),
            None => constant(&mut self.code, RDX, i.rs1 as u64),
        }
    }

    /// A change of SUM and MXR changes what translations may be used, SIE lets interrupts in, and FS decides whether the host may
    /// go on computing, if it does: all others change nothing but what is read.
    fn change_sstatus(&mut self, index: usize, i: &Instruction, change: MsrChange, cold: DynamicLabel) {
        const _: () = assert!(sstatus::WRITABLE <= i32::MAX as u64);
        const TRANSLATION: u64 = sstatus::SUM | sstatus::MXR;
        dynasm!(self.code ; .arch x64 ; mov rax, [rbp + layout::SSTATUS as i32]);
        if change != MsrChange::None {
            self.operand(i);
            match change {
                MsrChange::Set => dynasm!(self.code ; .arch x64 ; or rdx, rax),
                MsrChange::Clear => dynasm!(self.code ; .arch x64 ; not rdx ; and rdx, rax),
                MsrChange::Write | MsrChange::None => {}
            }
            dynasm!(self.code ; .arch x64
                ; and edx, sstatus::WRITABLE as i32
                ; mov ecx, eax
                ; xor ecx, edx
                ; test ecx, TRANSLATION as i32
                ; jnz =>cold
                ; test ecx, sstatus::FS as i32
                ; jz >same
                ; mov rax, [rsp]
                ; cmp DWORD [rax + field::FLOAT], BYTE 0
                ; jne =>cold
                ; mov rax, [rbp + layout::SSTATUS as i32]
                ; same:
                ; and ecx, edx
                ; test cl, sstatus::SIE as i8
                ; jz >masked
                ; mov eax, self.records[index].left as i32
                ; call extern self.trampolines.interrupt
                ; test eax, eax
                ; jnz =>cold
                ; mov rax, [rbp + layout::SSTATUS as i32]
                ; masked:
                ; mov [rbp + layout::SSTATUS as i32], rdx
            );
            self.floats.clear();
        }
        if i.rd == 0 {
            return;
        }
        // What only reads: UXL, and SD if FS is dirty.
        constant(&mut self.code, RCX, sstatus::UXL);
        dynasm!(self.code ; .arch x64
            ; or rcx, rax
            ; not eax
            ; test eax, sstatus::FS as i32
            ; setz al
            ; movzx eax, al
            ; shl rax, sstatus::SD.trailing_zeros() as i8
            ; or rax, rcx
        );
        self.set(i.rd, RAX);
    }
}
