//! The kernel's units.

mod memory;
mod privileged;

use super::handler::Entry;
use super::space::{A, H_PAGES, Spaces};
use super::{
    DATA, DATA_PAGES, FRAME, FUNCTIONS, IMAGE, LOG, LOG_BYTES, RECORD_BYTES, TABLES, USER_CODE, VALUE, frame,
    get, put, set_msr, user, word,
};
use crate::code::{Code, register::*};
use crate::unit::Generator;
use crate::{Random, values};
use visa_isa::msr::{self, sstatus};
use visa_isa::paging::PAGE_SIZE;
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
