//! The trap handler: it saves the registers, writes a record, and goes on where R27 says.

use super::{EXIT_CALL, RECORD_BYTES, clear_msr, frame, get, put, set_msr};
use crate::Random;
use crate::code::{Code, Label, register::*};
use visa_isa::cause::{Exception, interrupt};
use visa_isa::msr::{self, sstatus};
use visa_isa::{Instruction, Op};

/// How the handler finds the frame, and how it is entered.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// As Linux does it: sscratch is 0 in the kernel, and the frame's address in user programs. Else it is the frame's address
    /// in both, and sstatus.SPP tells them apart.
    pub scratch_tells: bool,
    /// stvec points to a table of jumps.
    pub vectored: bool,
}

impl Style {
    /// One of the four.
    pub fn random(random: &mut Random) -> Style {
        Style { scratch_tells: !random.once_in(3), vectored: random.once_in(3) }
    }
}

/// Places in the handler.
pub struct Handler {
    /// What stvec is to point to.
    pub entry: Entry,
    /// Address of what loads the registers of user programs and returns from the trap.
    pub restore_user: u64,
}

/// The value of stvec, relative to the code's start.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Offset of the handler, or of the table.
    pub offset: u64,
    /// The mode bits.
    pub mode: u64,
}

/// stvec's mode for a table.
const VECTORED: u64 = 1;
/// Entries of the table: enough for every interrupt.
const VECTORS: usize = 12;

/// Registers that the handler loads and stores one after another.
fn saved() -> impl Iterator<Item = u8> {
    (1..32).filter(|&register| register != TP)
}

/// Writes the handler's code.
pub fn emit(code: &mut Code, style: Style) -> Handler {
    let handler = code.label();
    let entry = Entry { offset: code.size(), mode: if style.vectored { VECTORED } else { 0 } };
    if style.vectored {
        (0..VECTORS).for_each(|_| code.jump(handler));
    }
    let common = code.label();
    code.place(handler);
    enter(code, style, common);
    code.place(common);
    record(code);
    let restore_user = leave(code, style);
    Handler { entry, restore_user }
}

/// Saves the registers. Afterwards R4 is the frame, R13 where the registers are in it, and R14 whether they are a user
/// program's.
fn enter(code: &mut Code, style: Style, common: Label) {
    let from_user = code.label();
    code.immediate(Op::Csrrw, TP, TP, msr::SSCRATCH.into());
    if style.scratch_tells {
        code.branch(Op::Bne, TP, ZERO, from_user);
        code.read_msr(TP, msr::SSCRATCH);
    } else {
        put(code, T0, frame::KERNEL + 8 * i32::from(T0));
        code.read_msr(T0, msr::SSTATUS);
        code.immediate(Op::Andi, T0, T0, sstatus::SPP as i32);
        let from_kernel = code.label();
        code.branch(Op::Bne, T0, ZERO, from_kernel);
        get(code, T0, frame::KERNEL + 8 * i32::from(T0));
        code.jump(from_user);
        code.place(from_kernel);
        get(code, T0, frame::KERNEL + 8 * i32::from(T0));
    }
    saved().for_each(|register| put(code, register, frame::KERNEL + 8 * i32::from(register)));
    put(code, TP, frame::KERNEL + 8 * i32::from(TP));
    code.write_msr(msr::SSCRATCH, if style.scratch_tells { ZERO } else { TP });
    code.immediate(Op::Addi, A3, TP, frame::KERNEL);
    code.immediate(Op::Addi, A4, ZERO, 0);
    code.jump(common);
    code.place(from_user);
    saved().for_each(|register| put(code, register, frame::USER + 8 * i32::from(register)));
    code.read_msr(T0, msr::SSCRATCH);
    put(code, T0, frame::USER + 8 * i32::from(TP));
    code.write_msr(msr::SSCRATCH, if style.scratch_tells { ZERO } else { TP });
    code.immediate(Op::Addi, A3, TP, frame::USER);
    code.immediate(Op::Addi, A4, ZERO, 1);
}

/// Writes the record.
fn record(code: &mut Code) {
    get(code, T0, frame::LOG);
    get(code, T1, frame::UNIT);
    code.store(Op::Sd, T1, T0, 0);
    let registers = [msr::SCAUSE, msr::SEPC, msr::STVAL, msr::SSTATUS, msr::SIP];
    for (number, offset) in registers.into_iter().zip((8..).step_by(8)) {
        code.read_msr(T1, number);
        code.store(Op::Sd, T1, T0, offset);
    }
    // All registers, mixed.
    code.immediate(Op::Addi, T2, ZERO, 0);
    code.immediate(Op::Addi, T3, A3, 8);
    code.immediate(Op::Addi, T4, A3, 256);
    let again = code.placed();
    code.immediate(Op::Ld, T5, T3, 0);
    code.registers(Op::Xor, T2, T2, T5);
    code.immediate(Op::Slli, T5, T2, 13);
    code.immediate(Op::Srli, T6, T2, 51);
    code.registers(Op::Add, T2, T5, T6);
    code.immediate(Op::Addi, T3, T3, 8);
    code.branch(Op::Bne, T3, T4, again);
    code.store(Op::Sd, T2, T0, 48);
    code.immediate(Op::Ld, T1, A3, 8 * i32::from(S11));
    code.store(Op::Sd, T1, T0, 56);
    code.immediate(Op::Addi, T0, T0, RECORD_BYTES as i32);
    put(code, T0, frame::LOG);
}

/// Goes on: after an interrupt where it came; after an exception where R27 says; or, at a user program's end, in the
/// kernel.
fn leave(code: &mut Code, style: Style) -> u64 {
    let (interrupted, restore, to_kernel, restore_user) =
        (code.label(), code.label(), code.label(), code.label());
    code.read_msr(T0, msr::SCAUSE);
    code.branch(Op::Blt, T0, ZERO, interrupted);
    let resume = code.label();
    code.branch(Op::Beq, A4, ZERO, resume);
    // A user program that cannot be fetched has ended.
    for exception in
        [Exception::FetchMisaligned, Exception::FetchAccessFault, Exception::FetchPageFault].map(|e| e as u64)
    {
        code.constant(T1, exception);
        code.branch(Op::Beq, T0, T1, to_kernel);
    }
    code.constant(T1, Exception::EcallUser as u64);
    code.branch(Op::Bne, T0, T1, resume);
    code.immediate(Op::Ld, T0, A3, 8 * i32::from(A7));
    code.constant(T1, EXIT_CALL);
    code.branch(Op::Beq, T0, T1, to_kernel);
    code.place(resume);
    code.immediate(Op::Ld, T0, A3, 8 * i32::from(S11));
    code.write_msr(msr::SEPC, T0);
    code.jump(restore);

    code.place(interrupted);
    code.constant(T0, 1 << interrupt::SUPERVISOR_SOFTWARE);
    clear_msr(code, msr::SIP, T0);
    code.constant(T0, u64::MAX);
    code.write_msr(msr::STIMECMP, T0);
    code.place(restore);
    code.branch(Op::Bne, A4, ZERO, restore_user);
    saved().for_each(|register| get(code, register, frame::KERNEL + 8 * i32::from(register)));
    code.push(Instruction::new(Op::Sret));

    code.place(restore_user);
    let address = code.here();
    code.write_msr(msr::SSCRATCH, TP);
    saved().for_each(|register| get(code, register, frame::USER + 8 * i32::from(register)));
    get(code, TP, frame::USER + 8 * i32::from(TP));
    code.push(Instruction::new(Op::Sret));

    code.place(to_kernel);
    if !style.scratch_tells {
        code.write_msr(msr::SSCRATCH, TP);
    }
    get(code, T0, frame::RESUME);
    code.write_msr(msr::SEPC, T0);
    code.constant(T0, sstatus::SPP);
    set_msr(code, msr::SSTATUS, T0);
    code.push(Instruction::new(Op::Sret));
    address
}
