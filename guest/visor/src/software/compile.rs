//! Compiling what a run of privileged instructions does.
//!
//! The code starts with R31 the [`Cpu`], R30 the [`Site`], and R28 to R30 of the guest in their places in the Cpu; all
//! other registers are the guest's. It first compares the guest's instructions with those that it was made of, since
//! a guest may change them and execute FENCE.I, which does not trap. Until an instruction's effects have begun, a way
//! out leaves it to Rust (the first one), or lets the guest trap at it (the others).

use super::cpu::{Cpu, RUN_MAX, Site};
use super::csr::{STATUS_LIVE, STATUS_VIRTUAL};
use super::emitter::register::{T3, T4, T5, T6, ZERO};
use super::emitter::{Csr, Emitter, SRET};
use crate::isolate::shadow::layout::View;
use core::mem::offset_of;
use visa_isa::msr::{self, sstatus};
use visa_isa::{Instruction, Op, decode_word};

/// Bytes of each instruction in a run: none of them has a compressed form.
const BYTES: usize = 4;

/// How compiled code is entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// By the trap of its first instruction.
    Trap,
    /// By the forwarding of a trap to the guest's vector, where it is.
    Vector,
}

/// Compiles as many of `words` as it can from the first on. Returns how many, and the code's length in instructions.
pub fn compile(words: &[u32], entry: Entry, counting: bool, buffer: &mut [u32]) -> Option<(usize, usize)> {
    let run = words.iter().take(RUN_MAX).enumerate().map_while(|(index, &word)| {
        let instruction = decode_word(word)?;
        can_compile(&instruction, index, entry).then_some(instruction)
    });
    let mut instructions = [Instruction::new(Op::Sret); RUN_MAX];
    let mut count = 0;
    for instruction in run {
        instructions[count] = instruction;
        count += 1;
        if ends_run(&instruction) {
            break;
        }
    }
    if count == 0 {
        return None;
    }
    let mut code = Code { emitter: Emitter::new(buffer), entry, index: 0 };
    code.compare(count);
    if counting {
        code.count(offset_of!(Cpu, site_traps), 1);
        code.count(offset_of!(Cpu, site_instructions), count as i32);
    }
    for (index, instruction) in instructions[..count].iter().enumerate() {
        code.index = index;
        code.instruction(instruction);
    }
    code.index = count;
    let last = &instructions[count - 1];
    if last.op != Op::Sret && !is_called(last) {
        code.resume();
    }
    Some((count, code.emitter.finish()?))
}

/// Whether it is worth to look at an instruction that traps.
pub fn may_be_site(word: u32) -> bool {
    decode_word(word).is_some_and(|instruction| can_compile(&instruction, 0, Entry::Trap))
}

/// Where a virtual CSR that is plain memory is.
const fn plain(number: u16) -> Option<usize> {
    Some(match number {
        msr::SSCRATCH => offset_of!(Cpu, sscratch),
        msr::SEPC => offset_of!(Cpu, sepc),
        msr::SCAUSE => offset_of!(Cpu, scause),
        msr::STVAL => offset_of!(Cpu, stval),
        _ => return None,
    })
}

/// Where a virtual CSR that can be read without more is.
const fn readable(number: u16) -> Option<usize> {
    Some(match number {
        msr::SATP => offset_of!(Cpu, satp),
        msr::STVEC => offset_of!(Cpu, stvec),
        msr::SIE => offset_of!(Cpu, sie),
        msr::SCOUNTEREN => offset_of!(Cpu, scounteren),
        _ => return plain(number),
    })
}

fn can_compile(i: &Instruction, index: usize, entry: Entry) -> bool {
    let number = i.imm as u16;
    if entry == Entry::Vector {
        return i.op == Op::Csrrw && number == msr::SSCRATCH;
    }
    let only_reads = i.rs1 == 0 && !matches!(i.op, Op::Csrrw | Op::Csrrwi);
    match i.op {
        Op::Csrrs | Op::Csrrc | Op::Csrrsi | Op::Csrrci if only_reads => {
            readable(number).is_some() || number == msr::SSTATUS
        }
        Op::Csrrw | Op::Csrrwi if plain(number).is_some() => true,
        Op::Csrrw if number == msr::STIMECMP => i.rd == 0,
        Op::Csrrw | Op::Csrrs | Op::Csrrc if number == msr::SSTATUS => true,
        Op::Csrrsi | Op::Csrrci if number == msr::SSTATUS => i.rs1 as u64 == sstatus::SIE,
        Op::Csrrs | Op::Csrrc if number == msr::SIE => i.rd == 0,
        Op::Sret => index == 0,
        Op::Csrrw if number == msr::SATP => i.rd == 0,
        Op::SfenceVma | Op::Wfi => true,
        _ => false,
    }
}

/// After SRET there is nothing, what is called changes sepc, and after SIE has been set an interrupt may come first.
fn ends_run(i: &Instruction) -> bool {
    i.op == Op::Sret || is_called(i) || i.op == Op::Csrrsi && i.rs1 != 0
}

/// Whether an instruction is left to a function in Rust.
fn is_called(i: &Instruction) -> bool {
    matches!(i.op, Op::SfenceVma | Op::Wfi) || i.op == Op::Csrrw && i.imm as u16 == msr::SATP
}

struct Code<'a> {
    emitter: Emitter<'a>,
    entry: Entry,
    index: usize,
}

impl Code<'_> {
    /// Compares the guest's instructions with the site's.
    fn compare(&mut self, count: usize) {
        if count == 1 && self.entry == Entry::Trap {
            self.emitter.csr(Csr::Set, T3, msr::STVAL, ZERO);
            self.emitter.load_word(T4, T5, offset_of!(Site, words));
            return self.compare_one();
        }
        for pair in 0..count.div_ceil(2) {
            let theirs = pair * 2 * BYTES;
            let ours = offset_of!(Site, words) + theirs;
            self.emitter.load(T4, T5, offset_of!(Site, physical));
            if pair * 2 + 1 == count {
                self.emitter.load_word(T3, T4, theirs);
                self.emitter.load_word(T4, T5, ours);
            } else {
                self.emitter.load(T3, T4, theirs);
                self.emitter.load(T4, T5, ours);
            }
            self.compare_one();
        }
    }

    fn compare_one(&mut self) {
        let same = self.emitter.branch(true, T3, T4);
        self.leave();
        self.emitter.land(same);
    }

    fn count(&mut self, counter: usize, by: i32) {
        self.emitter.load(T4, T6, counter);
        self.emitter.add_immediate(T4, T4, by);
        self.emitter.store(T4, T6, counter);
    }

    /// The way out before an instruction's effects.
    fn leave(&mut self) {
        if self.index == 0 && self.entry == Entry::Trap {
            return self.go(offset_of!(Cpu, slow));
        }
        self.resume();
    }

    fn go(&mut self, pointer: usize) {
        self.emitter.load(T5, T6, pointer);
        self.emitter.jump(T5);
    }

    /// The real sepc, which is at the run's first instruction, goes to the current one.
    fn advance(&mut self) {
        if self.index != 0 {
            self.emitter.csr(Csr::Set, T4, msr::SEPC, ZERO);
            self.emitter.add_immediate(T4, T4, (self.index * BYTES) as i32);
            self.emitter.csr(Csr::Write, ZERO, msr::SEPC, T4);
        }
    }

    /// The guest goes on at the current instruction.
    fn resume(&mut self) {
        self.advance();
        for register in [T3, T4, T5] {
            self.emitter.load(register, T6, place(register));
        }
        self.emitter.csr(Csr::Write, T6, msr::SSCRATCH, T6);
        self.emitter.word(SRET);
    }

    /// If the real sie is masked, the guest goes on at the next instruction with it as it should be.
    fn unmask(&mut self) {
        self.emitter.load(T5, T6, offset_of!(Cpu, masked));
        let not_masked = self.emitter.branch(true, T5, ZERO);
        self.index += 1;
        self.advance();
        self.index -= 1;
        self.go(offset_of!(Cpu, unmask));
        self.emitter.land(not_masked);
    }

    /// The guest's register in a register: its own, or `scratch`.
    fn source(&mut self, number: u8, scratch: u8) -> u8 {
        match number {
            T3..=T5 => {
                self.emitter.load(scratch, T6, place(number));
                scratch
            }
            // R31's place is the real sscratch.
            T6 => {
                self.emitter.csr(Csr::Set, scratch, msr::SSCRATCH, ZERO);
                scratch
            }
            other => other,
        }
    }

    /// The guest's register gets a value.
    fn set(&mut self, number: u8, value: u8) {
        match number {
            ZERO => {}
            T3..=T5 => self.emitter.store(value, T6, place(number)),
            T6 => self.emitter.csr(Csr::Write, ZERO, msr::SSCRATCH, value),
            other => self.emitter.copy(other, value),
        }
    }

    /// The guest's register gets what is in memory.
    fn set_from(&mut self, number: u8, offset: usize) {
        match number {
            ZERO => {}
            T3..=T5 => {
                self.emitter.load(T5, T6, offset);
                self.emitter.store(T5, T6, place(number));
            }
            T6 => {
                self.emitter.load(T5, T6, offset);
                self.emitter.csr(Csr::Write, ZERO, msr::SSCRATCH, T5);
            }
            other => self.emitter.load(other, T6, offset),
        }
    }

    fn instruction(&mut self, i: &Instruction) {
        let number = i.imm as u16;
        let only_reads = i.rs1 == 0 && !matches!(i.op, Op::Csrrw | Op::Csrrwi);
        match (i.op, number) {
            (Op::Sret, _) => self.go(offset_of!(Cpu, sret)),
            (Op::SfenceVma, _) => self.fence(i),
            (Op::Wfi, _) => self.call(offset_of!(Cpu, wait)),
            (Op::Csrrw, msr::SATP) => {
                let value = self.source(i.rs1, T3);
                self.emitter.store(value, T6, offset_of!(Cpu, operands));
                self.call(offset_of!(Cpu, space));
            }
            (_, msr::SSTATUS) if only_reads => {
                self.read_status();
                self.set(i.rd, T5);
            }
            _ if only_reads => self.set_from(i.rd, readable(number).unwrap_or_default()),
            (_, msr::STIMECMP) => {
                let value = self.source(i.rs1, T4);
                self.emitter.csr(Csr::Write, ZERO, msr::STIMECMP, value);
            }
            (Op::Csrrsi | Op::Csrrci, msr::SSTATUS) => self.interrupts(i),
            (_, msr::SSTATUS) => self.status(i),
            (_, msr::SIE) => self.enable(i),
            _ => self.write_plain(i, plain(number).unwrap_or_default()),
        }
    }

    /// SFENCE.VMA: its operands to the Cpu, and a call.
    fn fence(&mut self, i: &Instruction) {
        const OPERANDS: usize = offset_of!(Cpu, operands);
        for (register, offset) in [(i.rs1, OPERANDS), (i.rs2, OPERANDS + 8)] {
            let value = self.source(register, T3);
            self.emitter.store(value, T6, offset);
        }
        let given = (i.rs1 != 0) as i32 | ((i.rs2 != 0) as i32) << 1;
        self.emitter.add_immediate(T5, ZERO, given);
        self.emitter.store(T5, T6, offset_of!(Cpu, fence_given));
        self.call(offset_of!(Cpu, fence));
    }

    /// Calls a function in Rust, after which the guest goes on behind the instruction.
    fn call(&mut self, function: usize) {
        self.index += 1;
        self.advance();
        self.emitter.load(T5, T6, function);
        self.emitter.load(T4, T6, offset_of!(Cpu, call));
        self.emitter.jump(T4);
    }

    /// CSRRW and CSRRWI of what is plain memory.
    fn write_plain(&mut self, i: &Instruction, offset: usize) {
        let mut value = match i.op {
            Op::Csrrwi => {
                self.emitter.add_immediate(T4, ZERO, i.rs1 as i32);
                T4
            }
            _ => self.source(i.rs1, T4),
        };
        if offset == offset_of!(Cpu, sepc) {
            self.emitter.and_immediate(T4, value, -2);
            value = T4;
        }
        if i.rd == ZERO {
            return self.emitter.store(value, T6, offset);
        }
        self.emitter.load(T5, T6, offset);
        self.emitter.store(value, T6, offset);
        self.set(i.rd, T5);
    }

    /// The virtual sstatus into R30.
    fn read_status(&mut self) {
        self.emitter.csr(Csr::Set, T5, msr::SSTATUS, ZERO);
        self.emitter.load(T4, T6, offset_of!(Cpu, status_real));
        self.emitter.and(T5, T5, T4);
        self.emitter.load(T4, T6, offset_of!(Cpu, status));
        self.emitter.or(T5, T5, T4);
    }

    /// CSRRSI and CSRRCI of sstatus.SIE.
    fn interrupts(&mut self, i: &Instruction) {
        if i.rd != ZERO {
            self.read_status();
            self.set(i.rd, T5);
        } else {
            self.emitter.load(T4, T6, offset_of!(Cpu, status));
        }
        match i.op {
            Op::Csrrsi => self.emitter.or_immediate(T4, T4, sstatus::SIE as i32),
            _ => self.emitter.and_immediate(T4, T4, !(sstatus::SIE as i32)),
        }
        self.emitter.store(T4, T6, offset_of!(Cpu, status));
        if i.op == Op::Csrrsi {
            self.unmask();
        }
    }

    /// CSRRS and CSRRC of sie without a result.
    fn enable(&mut self, i: &Instruction) {
        let bits = self.source(i.rs1, T3);
        self.emitter.load(T5, T6, offset_of!(Cpu, sie));
        self.combine(i.op, T4, T5, bits);
        const MASK: i32 = visa_isa::cause::interrupt::SUPERVISOR_MASK as i32;
        self.emitter.and_immediate(T4, T4, MASK);
        self.emitter.store(T4, T6, offset_of!(Cpu, sie));
        self.emitter.load(T5, T6, offset_of!(Cpu, masked));
        let masked = self.emitter.branch(false, T5, ZERO);
        self.emitter.csr(Csr::Write, ZERO, msr::SIE, T4);
        self.emitter.land(masked);
    }

    /// What CSRRW, CSRRS or CSRRC make of an old value. The result may be in none of the operands' registers.
    fn combine(&mut self, op: Op, result: u8, old: u8, bits: u8) {
        match op {
            Op::Csrrw => self.emitter.copy(result, bits),
            Op::Csrrs => self.emitter.or(result, old, bits),
            _ => {
                self.emitter.not(result, bits);
                self.emitter.and(result, old, result);
            }
        }
    }

    /// CSRRW, CSRRS and CSRRC of sstatus with a register.
    fn status(&mut self, i: &Instruction) {
        if i.op == Op::Csrrs && i.rd == ZERO {
            return self.restore_interrupts(i);
        }
        self.change_status(i);
    }

    /// CSRRS without a result, which mostly sets SIE or nothing.
    fn restore_interrupts(&mut self, i: &Instruction) {
        let bits = self.source(i.rs1, T3);
        self.emitter.and_immediate(T4, bits, !(sstatus::SIE as i32));
        let more = self.emitter.branch(false, T4, ZERO);
        self.emitter.load(T4, T6, offset_of!(Cpu, status));
        self.emitter.or(T4, T4, bits);
        self.emitter.store(T4, T6, offset_of!(Cpu, status));
        self.emitter.and_immediate(T4, T4, sstatus::SIE as i32);
        let disabled = self.emitter.branch(true, T4, ZERO);
        self.unmask();
        self.emitter.land(disabled);
        let done = self.emitter.branch(true, ZERO, ZERO);
        self.emitter.land(more);
        self.change_status(i);
        self.emitter.land(done);
    }

    fn change_status(&mut self, i: &Instruction) {
        self.read_status();
        let bits = self.source(i.rs1, T3);
        self.combine(i.op, T4, T5, bits);
        // MXR is for Rust.
        self.emitter.xor(T3, T5, T4);
        self.emitter.load_upper(T5, sstatus::MXR);
        self.emitter.and(T5, T5, T3);
        let same = self.emitter.branch(true, T5, ZERO);
        self.leave();
        self.emitter.land(same);
        if i.rd != ZERO {
            // Old is new with the difference.
            self.emitter.xor(T5, T3, T4);
        }
        self.change_float(i, T5);
        self.emitter.load_upper(T5, sstatus::SUM);
        self.emitter.and(T3, T3, T5);
        self.emitter.and(T5, T5, T4);
        let same_view = self.emitter.branch(true, T3, ZERO);
        self.emitter.load(T3, T6, view(View::Kernel));
        let without = self.emitter.branch(true, T5, ZERO);
        self.emitter.load(T3, T6, view(View::KernelSum));
        self.emitter.land(without);
        self.emitter.store(T3, T6, offset_of!(Cpu, kernel_satp));
        self.emitter.csr(Csr::Write, ZERO, msr::SATP, T3);
        self.emitter.land(same_view);
        // SIE, SPIE and SPP are in reach of an immediate, SUM is in R30.
        const LOW: i32 = (STATUS_VIRTUAL & !sstatus::SUM) as i32;
        self.emitter.and_immediate(T3, T4, LOW);
        self.emitter.or(T3, T3, T5);
        self.emitter.store(T3, T6, offset_of!(Cpu, status));
        if i.op != Op::Csrrc {
            self.emitter.and_immediate(T4, T4, sstatus::SIE as i32);
            let disabled = self.emitter.branch(true, T4, ZERO);
            self.unmask();
            self.emitter.land(disabled);
        }
    }

    /// FS, if the difference (R28) has it, from the new value (R29); then the guest's result, from `old`.
    fn change_float(&mut self, i: &Instruction, old: u8) {
        // The guest's result first, while R30 has it; where it goes is none of the operands.
        self.set(i.rd, old);
        const LIVE: u64 = STATUS_LIVE & !sstatus::MXR;
        self.emitter.load_upper(T5, LIVE);
        self.emitter.and(T5, T5, T3);
        let same = self.emitter.branch(true, T5, ZERO);
        // The bits that differ: set those that are now set, clear the others.
        self.emitter.csr(Csr::Clear, ZERO, msr::SSTATUS, T5);
        self.emitter.and(T5, T5, T4);
        self.emitter.csr(Csr::Set, ZERO, msr::SSTATUS, T5);
        self.emitter.land(same);
    }
}

/// Where a guest's register is while compiled code uses its own.
const fn place(number: u8) -> usize {
    offset_of!(Cpu, registers) + number as usize * 8
}

const fn view(view: View) -> usize {
    offset_of!(Cpu, views) + view as usize * 8
}
