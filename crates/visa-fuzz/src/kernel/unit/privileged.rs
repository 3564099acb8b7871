//! Units of what only a kernel does: user programs, its registers, traps, interrupts, calls of the firmware.

use super::{Builder, sbi};
use crate::code::{Code, register::*};
use crate::kernel::space::{A, C};
use crate::kernel::{
    DATA, DATA_PAGES, USER_CODE, USER_CODE_BYTES, clear_msr, frame, msr_name, put, set_msr, user, word,
};
use visa_isa::cause::interrupt;
use visa_isa::msr::{self, sstatus};
use visa_isa::paging::PAGE_SIZE;
use visa_isa::{Instruction, Op};

impl Builder<'_> {
    /// Runs a new user program, or one from before.
    pub(super) fn run_user(&mut self) -> (Code, String) {
        const BYTES_MAX: usize = 4096;
        let mut code = Code::at(0);
        let room = USER_CODE_BYTES as usize - self.user_code.len() > BYTES_MAX;
        let start = if room {
            let start = C + self.user_code.len() as u64;
            let parts = self.random.between(1, 16) as usize;
            let program = user::program(self.random, &self.generator, &self.spaces, start, parts);
            self.user_code.extend(program);
            self.user_code.resize(self.user_code.len().next_multiple_of(4), 0);
            start
        } else {
            C
        };
        let mut what = format!("user program at {start:#x}");
        if self.random.once_in(4) {
            self.patch(&mut code, USER_CODE + (start - C));
            what += ", changed";
        }
        // Where the handler returns to.
        let random = &mut *self.random;
        code.constant(T0, sstatus::SPP);
        clear_msr(&mut code, msr::SSTATUS, T0);
        code.constant(T0, sstatus::SPIE);
        let number = if random.once_in(2) { Op::Csrrs } else { Op::Csrrc };
        code.immediate(number, ZERO, T0, msr::SSTATUS.into());
        if random.once_in(8) {
            // An interrupt comes before the first instruction.
            code.constant(T0, 1 << interrupt::SUPERVISOR_SOFTWARE);
            set_msr(&mut code, msr::SIE, T0);
            set_msr(&mut code, msr::SIP, T0);
            what += ", with an interrupt";
        }
        code.constant(T0, start);
        code.write_msr(msr::SEPC, T0);
        // R27 is the end of this unit, which the kernel returns to.
        put(&mut code, S11, frame::RESUME);
        code.constant(T0, self.restore_user);
        code.immediate(Op::Jalr, ZERO, T0, 0);
        (code, what)
    }

    /// A status for accesses and floating point.
    pub(super) fn status(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let bits = self.random.bits() & (sstatus::SUM | sstatus::MXR | sstatus::FS);
        let op = self.random.pick(&[Op::Csrrs, Op::Csrrs, Op::Csrrc, Op::Csrrw]);
        code.constant(T2, bits);
        code.immediate(op, A0, T2, msr::SSTATUS.into());
        code.read_msr(A1, msr::SSTATUS);
        self.log(&mut code);
        (code, format!("{} sstatus {bits:#x}", op.row().mnemonic))
    }

    /// Registers that hold what is written, as far as they have the bits; each is put back.
    pub(super) fn registers(&mut self) -> (Code, String) {
        const NUMBERS: [u16; 9] = [
            msr::SSCRATCH,
            msr::SEPC,
            msr::SCAUSE,
            msr::STVAL,
            msr::STVEC,
            msr::SIE,
            msr::SCOUNTEREN,
            msr::STIMECMP,
            msr::SSTATUS,
        ];
        let mut code = Code::at(0);
        let number = self.random.pick(&NUMBERS);
        let value = word(self.random);
        let value = match number {
            // No interrupt comes while this is in use; and it is not to be enabled in user programs.
            msr::SSTATUS => value & !sstatus::SIE,
            _ => value,
        };
        code.read_msr(T2, number);
        code.constant(A0, value);
        let op = self.random.pick(&[Op::Csrrw, Op::Csrrs, Op::Csrrc]);
        code.immediate(op, A0, A0, number.into());
        code.read_msr(A1, number);
        code.write_msr(number, T2);
        self.log(&mut code);
        (code, format!("{} {} {value:#x}", op.row().mnemonic, msr_name(number)))
    }

    /// What is no instruction here, or has an exception of its own.
    pub(super) fn illegal(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        let instruction = match random.below(6) {
            0 => Instruction::new(Op::Ebreak),
            1 => Instruction { rd: A0, rs1: A0, imm: 0x5c5, ..Instruction::new(Op::Csrrs) },
            // A register of Ring -1, and one that is only read.
            2 => Instruction { rd: A0, rs1: ZERO, imm: msr::HVEPC.into(), ..Instruction::new(Op::Csrrs) },
            3 => Instruction { rd: A0, rs1: A0, imm: msr::INSTRET.into(), ..Instruction::new(Op::Csrrw) },
            4 => Instruction::new(Op::Vmresume),
            _ => Instruction::new(Op::Hvret),
        };
        code.push(instruction);
        (code, instruction.op.row().mnemonic.into())
    }

    /// SRET into this ring.
    pub(super) fn return_to_itself(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        code.constant(T0, sstatus::SPP);
        set_msr(&mut code, msr::SSTATUS, T0);
        code.constant(T0, sstatus::SPIE);
        let op = self.random.pick(&[Op::Csrrs, Op::Csrrc]);
        code.immediate(op, ZERO, T0, msr::SSTATUS.into());
        code.write_msr(msr::SEPC, S11);
        code.push(Instruction::new(Op::Sret));
        (code, "SRET to Ring 0".into())
    }

    /// An interrupt that is pending is enabled, or one that is enabled made pending; it comes at once, or not at all.
    pub(super) fn interrupt(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        let timer = random.once_in(3);
        let number = if timer { interrupt::SUPERVISOR_TIMER } else { interrupt::SUPERVISOR_SOFTWARE };
        let steps = match random.below(4) {
            0 => [1, 0, 2],
            1 => [1, 2, 0],
            2 if !timer => [0, 2, 1],
            _ => [1, 2, 3],
        };
        code.write_msr(msr::SIE, ZERO);
        code.constant(A2, 1 << number);
        for step in steps {
            match step {
                0 => set_msr(&mut code, msr::SIE, A2),
                1 if timer => {
                    code.write_msr(msr::STIMECMP, ZERO);
                    // Bounded time may pass before it is pending.
                    let again = code.placed();
                    code.read_msr(A1, msr::SIP);
                    code.registers(Op::And, A1, A1, A2);
                    code.branch(Op::Beq, A1, ZERO, again);
                }
                1 => set_msr(&mut code, msr::SIP, A2),
                2 => code.immediate(Op::Csrrsi, ZERO, sstatus::SIE as u8, msr::SSTATUS.into()),
                // Pending, but not enabled: WFI need not wait for long, and nothing comes.
                _ => {
                    code.immediate(Op::Csrrci, ZERO, sstatus::SIE as u8, msr::SSTATUS.into());
                    set_msr(&mut code, msr::SIE, A2);
                    code.push(Instruction::new(Op::Wfi));
                }
            }
        }
        code.immediate(Op::Csrrci, A0, sstatus::SIE as u8, msr::SSTATUS.into());
        code.immediate(Op::Csrrw, A1, ZERO, msr::SIE.into());
        self.log(&mut code);
        code.constant(A0, u64::MAX);
        code.write_msr(msr::STIMECMP, A0);
        clear_msr(&mut code, msr::SIP, A2);
        code.read_msr(A0, msr::SIP);
        self.log(&mut code);
        (code, format!("interrupt {number}, steps {steps:?}"))
    }

    /// What user programs may read.
    pub(super) fn environment(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let bits = self.random.below(8);
        code.constant(A0, bits);
        code.write_msr(msr::SCOUNTEREN, A0);
        code.read_msr(A1, msr::SENVCFG);
        self.log(&mut code);
        (code, format!("scounteren {bits}"))
    }

    /// A call of the SBI.
    pub(super) fn sbi(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        let data = DATA + random.below(DATA_PAGES) * PAGE_SIZE + random.below(PAGE_SIZE);
        let (extension, function, arguments) = match random.below(14) {
            0 => (sbi::BASE, random.below(8), [random.pick(&[sbi::TIME, sbi::DBCN, 0x999]), 0, 0]),
            1 => (sbi::DBCN, 2, [random.bits(), 0, 0]),
            2 => (sbi::DBCN, 0, [random.below(16), data, 0]),
            // Not the guest's memory.
            3 => (sbi::DBCN, 0, [random.below(16), random.pick(&[0, A, u64::MAX]), random.below(2)]),
            4 => (sbi::DBCN, 1, [random.below(16), data, 0]),
            5 => (sbi::TIME, random.below(2), [u64::MAX, 0, 0]),
            6 => (sbi::IPI, random.below(2), [random.below(3), 0, 0]),
            7 => (sbi::RFENCE, random.below(4), [1, 0, 0]),
            8 => (sbi::HSM, 2, [random.below(3), 0, 0]),
            9 => (1, 0, [random.below(256), 0, 0]),
            10 => (2, 0, [0; 3]),
            // The legacy timer, and the legacy calls whose mask is in memory: somewhere, nowhere, or left out.
            11 => (0, 0, [u64::MAX, 0, 0]),
            12 => (3 + random.below(5), 0, [random.pick(&[0, data, A, u64::MAX]), 0, 0]),
            _ => (random.bits(), random.bits(), [random.bits(), 0, 0]),
        };
        let arguments = arguments.into_iter().chain([0, 0]);
        for (register, value) in (A0..).zip(arguments) {
            code.constant(register, value);
        }
        code.constant(A6, function);
        code.constant(A7, extension);
        code.push(Instruction::new(Op::Ecall));
        self.log(&mut code);
        code.read_msr(A0, msr::SIP);
        code.constant(A1, 1 << interrupt::SUPERVISOR_SOFTWARE);
        clear_msr(&mut code, msr::SIP, A1);
        self.log(&mut code);
        (code, format!("SBI {extension:#x} {function:#x}"))
    }
}
