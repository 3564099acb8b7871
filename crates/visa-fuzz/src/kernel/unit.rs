//! The kernel's units.

use super::handler::Entry;
use super::space::{A, C, H_PAGES, SPACES, Spaces, Target};
use super::{
    DATA, DATA_PAGES, FRAME, FUNCTIONS, IMAGE, LOG, LOG_BYTES, RECORD_BYTES, TABLES, USER_CODE,
    USER_CODE_BYTES, VALUE, clear_msr, frame, get, msr_name, put, set_msr, user, word,
};
use crate::code::{Code, register::*};
use crate::unit::Generator;
use crate::{Random, values};
use visa_isa::cause::interrupt;
use visa_isa::msr::{self, sstatus};
use visa_isa::paging::{PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_USER, PTE_WRITE};
use visa_isa::{Instruction, Op, encode};

/// SBI extensions.
mod sbi {
    pub const BASE: u64 = 0x10;
    pub const TIME: u64 = 0x5449_4d45;
    pub const IPI: u64 = 0x0073_5049;
    pub const RFENCE: u64 = 0x5246_4e43;
    pub const HSM: u64 = 0x0048_534d;
    pub const SRST: u64 = 0x5352_5354;
    pub const DBCN: u64 = 0x4442_434e;
}

/// Bytes between two functions in their page: one instruction that counts, and a return.
const FUNCTION_BYTES: u64 = 16;

/// What a kernel is put together with.
pub struct Builder<'a> {
    /// The code so far.
    pub code: Code,
    /// What each unit does.
    pub units: Vec<String>,
    /// Where the registers of user programs are loaded, in the handler.
    pub restore_user: u64,
    random: &'a mut Random,
    spaces: Spaces,
    generator: Generator,
    user_code: Vec<u8>,
    /// The space in use; none: no translation.
    current: Option<usize>,
}

impl<'a> Builder<'a> {
    /// Nothing yet.
    pub fn new(random: &'a mut Random, spaces: Spaces) -> Builder<'a> {
        let code = Code::at(spaces.kernel.virtual_address(IMAGE));
        Builder {
            code,
            units: Vec::new(),
            restore_user: 0,
            random,
            spaces,
            generator: user::generator(),
            user_code: Vec::new(),
            current: Some(0),
        }
    }

    /// Where the kernel has a physical address.
    fn at(&self, physical: u64) -> u64 {
        self.spaces.kernel.virtual_address(physical)
    }

    /// From the first instruction, which runs at its physical address, to the first unit.
    pub fn prologue(&mut self, entry: Entry) {
        let satp = self.spaces.satp(0);
        let (frame, handler) = (self.at(FRAME), (self.at(IMAGE) + entry.offset) | entry.mode);
        let code = &mut self.code;
        code.constant(T1, satp);
        code.constant(TP, frame);
        code.write_msr(msr::SIE, ZERO);
        // If this is not where the kernel is mapped, the next fetch is a page fault that leads there.
        let behind = code.here() + 4 * 16;
        code.constant(T0, behind);
        code.write_msr(msr::STVEC, T0);
        code.write_msr(msr::SATP, T1);
        code.push(Instruction::new(Op::SfenceVma));
        assert!(code.here() <= behind, "the way into the tables is longer than it has room");
        while code.here() < behind {
            code.immediate(Op::Addi, ZERO, ZERO, 0);
        }
        code.constant(T0, handler);
        code.write_msr(msr::STVEC, T0);
        code.write_msr(msr::SSCRATCH, if self.spaces.kernel.style.scratch_tells { ZERO } else { TP });
        code.constant(T0, u64::MAX);
        code.write_msr(msr::STIMECMP, T0);
        code.constant(T0, sstatus::FS);
        set_msr(code, msr::SSTATUS, T0);
        for register in (1..32).filter(|&register| ![TP, S11].contains(&register)) {
            code.constant(register, values::integer(self.random));
        }
    }

    /// Appends a unit.
    pub fn unit(&mut self) {
        let (body, what) = self.random_unit();
        let number = self.units.len() as u64;
        self.units.push(what);
        self.code.constant(T0, number);
        put(&mut self.code, T0, frame::UNIT);
        let behind = self.code.here() + 8 + body.size();
        self.code.address_of(S11, behind);
        self.code.append(body);
    }

    fn random_unit(&mut self) -> (Code, String) {
        match self.random.below(32) {
            0..8 => self.access(),
            8..12 => self.change_tables(),
            12..15 => self.switch_space(),
            15..19 => self.run_user(),
            19 | 20 => self.status(),
            21 | 22 => self.registers(),
            23 => self.illegal(),
            24 => self.call_function(),
            25 => self.change_function(),
            26 => self.return_to_itself(),
            27 => self.interrupt(),
            28 => self.fence(),
            29 => self.environment(),
            30 => self.float(),
            _ => self.sbi(),
        }
    }

    /// A record with R10 and R11.
    fn log(&self, code: &mut Code) {
        get(code, T0, frame::LOG);
        get(code, T1, frame::UNIT);
        code.store(Op::Sd, T1, T0, 0);
        code.constant(T1, VALUE);
        code.store(Op::Sd, T1, T0, 8);
        code.store(Op::Sd, A0, T0, 16);
        code.store(Op::Sd, A1, T0, 24);
        code.immediate(Op::Addi, T0, T0, RECORD_BYTES as i32);
        put(code, T0, frame::LOG);
    }

    /// A load, store or atomic anywhere.
    fn access(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let what = self.emit_access(&mut code, None);
        self.log(&mut code);
        (code, what)
    }

    fn emit_access(&mut self, code: &mut Code, at: Option<u64>) -> String {
        const LOADS: [Op; 8] = [Op::Lb, Op::Lbu, Op::Lh, Op::Lhu, Op::Lw, Op::Lwu, Op::Ld, Op::Fld];
        const STORES: [Op; 5] = [Op::Sb, Op::Sh, Op::Sw, Op::Sd, Op::Fsd];
        const ATOMICS: [Op; 4] = [Op::AmoaddW, Op::AmoswapD, Op::AmoorD, Op::AmominuW];
        let what = self.random.below(12);
        let stores = what >= 5;
        let address = at.unwrap_or_else(|| self.spaces.address(self.random, stores));
        code.constant(T0, address);
        code.constant(A1, word(self.random));
        code.immediate(Op::Addi, A0, ZERO, 0);
        let op = match what {
            0..5 => {
                let op = self.random.pick(&LOADS);
                code.immediate(op, A0, T0, 0);
                op
            }
            5..9 => {
                let op = self.random.pick(&STORES);
                code.store(op, A1, T0, 0);
                op
            }
            9 | 10 => {
                let op = self.random.pick(&ATOMICS);
                code.registers(op, A0, T0, A1);
                op
            }
            _ => {
                let again = code.placed();
                code.registers(Op::LrD, A0, T0, ZERO);
                code.registers(Op::ScD, T1, T0, A1);
                code.branch(Op::Bne, T1, ZERO, again);
                Op::ScD
            }
        };
        format!("{} at {address:#x}", op.row().mnemonic)
    }

    /// Changes entries of tables, does the fences, and often makes an access there.
    fn change_tables(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let mut what = String::new();
        let count = self.random.pick(&[1, 1, 1, 2, 3]);
        let targets: Vec<_> = (0..count).map(|_| self.spaces.target(self.random)).collect();
        for target in &targets {
            what += &self.change(&mut code, target);
        }
        let several = targets.len() > 1;
        what += &self.emit_fence(&mut code, targets[0], several);
        let reached = targets[0];
        let is_code = (C..C + USER_CODE_BYTES).contains(&reached.address);
        if !is_code && reached.space.is_some() && self.random.once_in(2) {
            let offset = self.random.below(PAGE_SIZE / 8) * 8;
            what += ", ";
            what += &self.emit_access(&mut code, Some(reached.address + offset));
            self.log(&mut code);
        }
        (code, what)
    }

    fn change(&mut self, code: &mut Code, target: &Target) -> String {
        let entry = self.at(target.entry);
        code.constant(T0, entry);
        let random = &mut *self.random;
        let (op, value) = match random.below(8) {
            // A and D off, or a permission; never what would make a leaf of a higher level a table.
            0 | 1 => (Op::AmoandD, !random.pick(&[PTE_ACCESSED, PTE_DIRTY, PTE_ACCESSED | PTE_DIRTY])),
            2 if target.level == 0 => (Op::AmoxorD, random.pick(&[PTE_READ, PTE_WRITE, PTE_EXECUTE])),
            3 => (Op::AmoxorD, PTE_USER),
            _ => (Op::Sd, self.spaces.leaf(random, target)),
        };
        code.constant(T1, value);
        if op == Op::Sd {
            code.store(op, T1, T0, 0);
        } else {
            code.registers(op, A0, T0, T1);
        }
        format!(
            "{} {value:#x} to the entry of {:#x} in {:?}; ",
            op.row().mnemonic,
            target.address,
            target.space
        )
    }

    /// One of the fences that will do for changes of which `target` is the first. (Privileged, SFENCE.VMA: an address is enough
    /// for leaves alone, an ASID for what only its spaces have.)
    fn emit_fence(&mut self, code: &mut Code, target: Target, several: bool) -> String {
        // A pointer to a table may have been changed into a leaf above the lowest level.
        let by_address = !several && target.level == 0;
        let by_space = if several { None } else { target.space };
        let address =
            (by_address && self.random.once_in(2)).then(|| target.address + self.random.below(PAGE_SIZE));
        let asid = by_space.filter(|_| self.random.once_in(2)).map(|space| self.spaces.asid(space));
        if let Some(address) = address {
            code.constant(A0, address);
        }
        if let Some(asid) = asid {
            code.constant(A1, asid.into());
        }
        code.push(Instruction {
            rs1: if address.is_some() { A0 } else { ZERO },
            rs2: if asid.is_some() { A1 } else { ZERO },
            ..Instruction::new(Op::SfenceVma)
        });
        format!("SFENCE.VMA {address:x?} {asid:?}")
    }

    /// A fence that nothing asks for.
    fn fence(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let target = self.spaces.target(self.random);
        let what = self.emit_fence(&mut code, target, false);
        (code, what)
    }

    /// Another value for satp.
    fn switch_space(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        if self.spaces.kernel.is_identity() && random.once_in(6) {
            self.current = None;
            code.write_msr(msr::SATP, ZERO);
            return (code, "no translation".into());
        }
        if random.once_in(8) {
            // A mode that there is not: nothing is written.
            code.constant(A0, 5 << 60 | random.bits() >> 8);
            code.immediate(Op::Csrrw, A0, A0, msr::SATP.into());
            code.read_msr(A1, msr::SATP);
            self.log(&mut code);
            return (code, "satp with an unknown mode".into());
        }
        let space = random.below(SPACES as u64) as usize;
        self.current = Some(space);
        code.constant(A0, self.spaces.satp(space));
        code.immediate(Op::Csrrw, A0, A0, msr::SATP.into());
        code.read_msr(A1, msr::SATP);
        // Spaces with the same ASID may not be confused.
        if self.spaces.shares_asid(space) || self.random.once_in(6) {
            let by_asid = self.random.once_in(2);
            code.constant(T2, self.spaces.asid(space).into());
            code.push(Instruction {
                rs2: if by_asid { T2 } else { ZERO },
                ..Instruction::new(Op::SfenceVma)
            });
        }
        self.log(&mut code);
        (code, format!("space {space}, {:#x}", self.spaces.satp(space)))
    }

    /// Runs a new user program, or one from before.
    fn run_user(&mut self) -> (Code, String) {
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
    fn status(&mut self) -> (Code, String) {
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
    fn registers(&mut self) -> (Code, String) {
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
    fn illegal(&mut self) -> (Code, String) {
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

    /// Calls a function wherever it may be mapped.
    fn call_function(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let index = self.random.below(PAGE_SIZE / FUNCTION_BYTES) * FUNCTION_BYTES;
        let page = self.spaces.function(self.random).unwrap_or(A);
        // A has data: its pages may be executable, so only an address that is not mapped will do there.
        let address = if page == A { 8 } else { page + index };
        code.constant(A0, word(self.random));
        code.constant(T0, address);
        code.immediate(Op::Jalr, RA, T0, 0);
        self.log(&mut code);
        (code, format!("call of {address:#x}"))
    }

    /// Writes another first instruction at a physical address of code, and FENCE.I.
    fn patch(&mut self, code: &mut Code, physical: u64) {
        let imm = self.random.between(-2000, 2000) as i32;
        let instruction = Instruction { rd: A0, rs1: A0, imm, ..Instruction::new(Op::Addi) };
        code.constant(T0, self.at(physical));
        code.constant(T1, encode(&instruction).unwrap_or(0).into());
        code.store(Op::Sw, T1, T0, 0);
        code.push(Instruction::new(Op::FenceI));
    }

    /// Changes a function, and calls it by another address.
    fn change_function(&mut self) -> (Code, String) {
        let index = self.random.below(PAGE_SIZE / FUNCTION_BYTES) * FUNCTION_BYTES;
        let mut patch = Code::at(0);
        self.patch(&mut patch, FUNCTIONS + index);
        let (call, what) = self.call_function();
        patch.append(call);
        (patch, format!("change of function {index:#x}, {what}"))
    }

    /// SRET into this ring.
    fn return_to_itself(&mut self) -> (Code, String) {
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
    fn interrupt(&mut self) -> (Code, String) {
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
    fn environment(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let bits = self.random.below(8);
        code.constant(A0, bits);
        code.write_msr(msr::SCOUNTEREN, A0);
        code.read_msr(A1, msr::SENVCFG);
        self.log(&mut code);
        (code, format!("scounteren {bits}"))
    }

    /// Floating point, if it is on.
    fn float(&mut self) -> (Code, String) {
        const OPS: [Op; 4] = [Op::FaddD, Op::FmulD, Op::FdivD, Op::FsubS];
        let mut code = Code::at(0);
        let op = self.random.pick(&OPS);
        let (left, right) = (values::float(self.random), values::float(self.random));
        code.constant(A0, left);
        code.constant(A1, right);
        code.registers(Op::FmvDX, 1, A0, 0);
        code.registers(Op::FmvDX, 2, A1, 0);
        code.registers(op, 3, 1, 2);
        code.registers(Op::FmvXD, A0, 3, 0);
        code.read_msr(A1, msr::FCSR);
        self.log(&mut code);
        code.read_msr(A0, msr::SSTATUS);
        self.log(&mut code);
        (code, format!("{} {left:#x} {right:#x}", op.row().mnemonic))
    }

    /// A call of the SBI.
    fn sbi(&mut self) -> (Code, String) {
        let mut code = Code::at(0);
        let random = &mut *self.random;
        let data = DATA + random.below(DATA_PAGES) * PAGE_SIZE + random.below(PAGE_SIZE);
        let (extension, function, arguments) = match random.below(12) {
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

    /// Hashes the log and the data, says the hash, and ends.
    pub fn epilogue(&mut self) {
        self.units.push("the end".into());
        let ranges = [(self.at(LOG), LOG_BYTES), (self.at(DATA), DATA_PAGES * PAGE_SIZE)];
        let code = &mut self.code;
        // FNV-1a, by words.
        code.constant(A0, 0xcbf2_9ce4_8422_2325);
        code.constant(A1, 0x100_0000_01b3);
        for (start, bytes) in ranges {
            code.constant(T0, start);
            code.constant(T1, start + bytes);
            let again = code.placed();
            code.immediate(Op::Ld, T2, T0, 0);
            code.registers(Op::Xor, A0, A0, T2);
            code.registers(Op::Mul, A0, A0, A1);
            code.immediate(Op::Addi, T0, T0, 8);
            code.branch(Op::Bne, T0, T1, again);
        }
        put(code, A0, frame::TEXT);
        code.immediate(Op::Andi, T2, A0, 1);
        code.constant(A0, 8);
        code.constant(A1, FRAME + frame::TEXT as u64);
        for (register, value) in [(A2, 0), (A6, 0), (A7, sbi::DBCN)] {
            code.constant(register, value);
        }
        code.push(Instruction::new(Op::Ecall));
        code.constant(A0, 0);
        code.registers(Op::Add, A1, T2, ZERO);
        code.constant(A6, 0);
        code.constant(A7, sbi::SRST);
        code.push(Instruction::new(Op::Ecall));
        let forever = code.placed();
        code.jump(forever);
    }

    /// All of the memory from [`IMAGE`] on.
    pub fn image(self) -> Vec<u8> {
        let mut image = self.code.bytes();
        assert!(image.len() as u64 <= USER_CODE - IMAGE, "the kernel has grown into the user programs");
        let mut place = |at: u64, bytes: &[u8]| {
            image.resize((at - IMAGE) as usize, 0);
            image.extend(bytes);
        };
        place(USER_CODE, &self.user_code);
        let functions: Vec<u8> = (0..PAGE_SIZE / FUNCTION_BYTES).flat_map(function).collect();
        place(FUNCTIONS, &functions);
        let mut words: Vec<u64> = (0..PAGE_SIZE / 8).map(|_| word(self.random)).collect();
        words[frame::LOG as usize / 8] = self.spaces.kernel.virtual_address(LOG);
        place(FRAME, &words.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>());
        let tables = self.spaces.bytes();
        assert!(TABLES + tables.len() as u64 <= LOG, "the tables have grown into the log");
        place(TABLES, &tables);
        place(LOG, &[]);
        let data = (0..DATA_PAGES * PAGE_SIZE / 8).flat_map(|_| word(self.random).to_le_bytes());
        let data: Vec<u8> = data.collect();
        place(DATA, &data);
        image
    }
}

/// A function: R10 changes by its number.
fn function(index: u64) -> Vec<u8> {
    let mut code = Code::at(0);
    code.immediate(Op::Addi, A0, A0, index as i32);
    code.immediate(Op::Jalr, ZERO, RA, 0);
    while code.size() < FUNCTION_BYTES {
        code.push(Instruction::new(Op::Ebreak));
    }
    code.bytes()
}

const _: () = assert!(H_PAGES * PAGE_SIZE < 1 << 21);
