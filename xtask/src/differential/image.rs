//! The memory image that both engines run: programs one after another, and a tail that only one engine has.
//!
//! ```text
//! 0x8000_0000  V-ISA's head: sets the trap vector, goes to the first program
//! +0x40        the handler of unexpected traps: notes them in the trap record, goes to the tail
//! +0x100       programs, one after another
//!              the tail: writes the results out, ends the run
//! 0x8020_0d00  the blocks, which are the results; every fourth's scratch memory straddles a page
//!              the trap record
//! 0x8030_0000  the pool
//! ```

use super::engine::Results;
use object::elf;
use object::write::elf::{FileHeader, ProgramHeader, Writer};
use visa_fuzz::program::{self, Program, block};
use visa_isa::{Instruction, Op, encode, msr};

const CODE_ADDRESS: u64 = 0x8000_0000;
const TRAP_OFFSET: u64 = 0x40;
const PROGRAMS_OFFSET: u64 = 0x100;
const BLOCKS_ADDRESS: u64 = 0x8020_0d00;

/// Where the pool of values is.
pub const POOL_ADDRESS: u64 = 0x8030_0000;

/// Cause, address and value of an unexpected trap; all ones if there was none.
const TRAP_RECORD_SIZE: u64 = 24;

const PAGE: u64 = 4096;

/// Where a program's block is.
pub fn block_address(index: u64) -> u64 {
    BLOCKS_ADDRESS + index * block::SIZE
}

/// A program, and how much of it runs.
pub struct Placed {
    /// The program.
    pub program: Program,
    /// Its number in the batch, which says where its block is.
    pub index: u64,
    /// How many of its units run.
    pub unit_count: usize,
}

/// What both engines have alike.
pub struct Image {
    /// Head, trap handler and programs.
    code: Vec<u8>,
    /// Blocks and trap record, as they are at the start.
    blocks: Vec<u8>,
    /// The pool of values.
    pool: Vec<u8>,
    /// How many instructions the programs have.
    pub instruction_count: usize,
}

impl Image {
    /// Lays out programs, whose indices ascend.
    pub fn of(programs: &[Placed], seed: u64) -> Self {
        let mut code = Vec::new();
        let mut blocks = Vec::new();
        let mut instruction_count = 0;
        let tail = Self::programs_end(programs);
        head(&mut code);
        pad(&mut code, TRAP_OFFSET);
        let record_address = BLOCKS_ADDRESS + blocks_size(programs);
        trap_handler(&mut code, record_address, tail);
        pad(&mut code, PROGRAMS_OFFSET);
        for placed in programs {
            let lines = placed.program.lay_out(CODE_ADDRESS + code.len() as u64, placed.unit_count);
            instruction_count += lines.len();
            code.extend(program::code_bytes(&lines));
            blocks.resize((placed.index * block::SIZE) as usize, 0);
            blocks.extend(placed.program.initial_block());
        }
        assert_eq!(CODE_ADDRESS + code.len() as u64, tail);
        blocks.extend([0xff; TRAP_RECORD_SIZE as usize]);
        Self { code, blocks, pool: program::pool(seed), instruction_count }
    }

    fn programs_end(programs: &[Placed]) -> u64 {
        // A program's size does not depend on where it is.
        let sizes = programs.iter().map(|placed| {
            program::code_bytes(&placed.program.lay_out(CODE_ADDRESS, placed.unit_count)).len() as u64
        });
        CODE_ADDRESS + PROGRAMS_OFFSET + sizes.sum::<u64>()
    }

    /// Bytes of the results that a run leaves.
    pub fn results_size(&self) -> usize {
        self.blocks.len()
    }

    /// The program for QEMU: starts with the first program, ends with system calls.
    pub fn for_qemu(&self) -> Vec<u8> {
        self.executable(CODE_ADDRESS + PROGRAMS_OFFSET, &linux_tail(self.results_size() as u64))
    }

    /// The program for V-ISA's Ring -1: starts with the head, ends with the test finisher.
    pub fn for_visa(&self) -> Vec<u8> {
        self.executable(CODE_ADDRESS, &visa_tail(self.results_size() as u64))
    }

    fn executable(&self, entry: u64, tail: &[u8]) -> Vec<u8> {
        let code = [self.code.as_slice(), tail].concat();
        elf_file(
            entry,
            &[
                (CODE_ADDRESS, elf::PF_R | elf::PF_X, &code),
                (BLOCKS_ADDRESS, elf::PF_R | elf::PF_W, &self.blocks),
                (POOL_ADDRESS, elf::PF_R, &self.pool),
            ],
        )
    }
}

impl Results {
    /// What a program left: its block.
    pub fn of(&self, placed: &Placed) -> &[u8] {
        let start = (placed.index * block::SIZE) as usize;
        &self.bytes[start..start + block::SIZE as usize]
    }

    /// Cause, address and value of the trap that ended the run, if one did.
    pub fn trap(&self) -> Option<[u64; 3]> {
        let record = &self.bytes[self.bytes.len() - TRAP_RECORD_SIZE as usize..];
        let word = |index: usize| {
            let bytes = record[index * 8..index * 8 + 8].try_into().expect("a slice of eight bytes");
            u64::from_le_bytes(bytes)
        };
        let words = [word(0), word(1), word(2)];
        (words != [u64::MAX; 3]).then_some(words)
    }
}

fn blocks_size(programs: &[Placed]) -> u64 {
    programs.last().map_or(0, |placed| (placed.index + 1) * block::SIZE)
}

// Registers of the code around the programs.
const ZERO: u8 = 0;
const T0: u8 = 5;
const T1: u8 = 6;
const T2: u8 = 7;
const A0: u8 = 10;
const A1: u8 = 11;
const A2: u8 = 12;
const A7: u8 = 17;

/// One instruction by its operands; those that its format lacks are not looked at.
fn emit(code: &mut Vec<u8>, op: Op, rd: u8, rs1: u8, rs2: u8, imm: i64) {
    let instruction = Instruction { rd, rs1, rs2, imm: imm as i32, ..Instruction::new(op) };
    let word = encode(&instruction).expect("the code around the programs has valid operands");
    code.extend(word.to_le_bytes());
}

/// `register = value`, for values below 2^32 that are a multiple of 2^4 if they are large.
fn load_constant(code: &mut Vec<u8>, register: u8, value: u64) {
    const LOW_BITS: u32 = 4;
    if value < 1 << 11 {
        return emit(code, Op::Addi, register, ZERO, 0, value as i64);
    }
    // LUI and ADDIW make a number of 28 bits, which a shift moves up: nothing is sign-extended on the way.
    assert!(value >> 32 == 0 && value.trailing_zeros() >= LOW_BITS, "{value:#x}");
    let shifted = (value >> LOW_BITS) as i64;
    let low = shifted << 52 >> 52;
    emit(code, Op::Lui, register, 0, 0, shifted - low);
    emit(code, Op::Addiw, register, register, 0, low);
    emit(code, Op::Slli, register, register, 0, LOW_BITS.into());
}

fn head(code: &mut Vec<u8>) {
    load_constant(code, T0, CODE_ADDRESS + TRAP_OFFSET);
    emit(code, Op::Csrrw, ZERO, T0, 0, msr::HVVEC.into());
    let here = code.len() as u64;
    emit(code, Op::Jal, ZERO, 0, 0, (PROGRAMS_OFFSET - here) as i64);
}

fn trap_handler(code: &mut Vec<u8>, record: u64, tail: u64) {
    load_constant(code, T0, record);
    for (index, msr) in [msr::HVCAUSE, msr::HVEPC, msr::HVTVAL].into_iter().enumerate() {
        emit(code, Op::Csrrs, T1, ZERO, 0, msr.into());
        emit(code, Op::Sd, 0, T0, T1, index as i64 * 8);
    }
    load_constant_unaligned(code, T0, tail);
    emit(code, Op::Jalr, ZERO, T0, 0, 0);
}

/// As [`load_constant`], for any even address.
fn load_constant_unaligned(code: &mut Vec<u8>, register: u8, value: u64) {
    const LOW_MASK: u64 = 0xf;
    load_constant(code, register, value & !LOW_MASK);
    emit(code, Op::Addi, register, register, 0, (value & LOW_MASK) as i64);
}

/// write(1, blocks, size); exit(0)
fn linux_tail(size: u64) -> Vec<u8> {
    const WRITE: u64 = 64;
    const EXIT: u64 = 93;
    const STANDARD_OUTPUT: u64 = 1;
    let mut code = Vec::new();
    load_constant(&mut code, A0, STANDARD_OUTPUT);
    load_constant(&mut code, A1, BLOCKS_ADDRESS);
    load_constant_unaligned(&mut code, A2, size);
    load_constant(&mut code, A7, WRITE);
    emit(&mut code, Op::Ecall, 0, 0, 0, 0);
    load_constant(&mut code, A0, 0);
    load_constant(&mut code, A7, EXIT);
    emit(&mut code, Op::Ecall, 0, 0, 0, 0);
    code
}

/// Every byte as two hexadecimal digits to the UART, a line feed, then pass to the test finisher.
fn visa_tail(size: u64) -> Vec<u8> {
    const UART: u64 = 0x1000_0000;
    const FINISHER: u64 = 0x10_0000;
    const FINISHER_PASS: u64 = 0x5555;
    /// From the digit after '9' to 'a'.
    const LETTERS: i64 = b'a' as i64 - b'9' as i64 - 1;
    let mut code = Vec::new();
    load_constant(&mut code, A0, BLOCKS_ADDRESS);
    load_constant_unaligned(&mut code, A1, size);
    emit(&mut code, Op::Add, A1, A0, A1, 0);
    load_constant(&mut code, A2, UART);
    let byte = code.len();
    emit(&mut code, Op::Lbu, T0, A0, 0, 0);
    for digit in [Op::Srli, Op::Andi] {
        let operand = if digit == Op::Srli { 4 } else { 0xf };
        emit(&mut code, digit, T1, T0, 0, operand);
        emit(&mut code, Op::Sltiu, T2, T1, 0, 10);
        emit(&mut code, Op::Addi, T1, T1, 0, b'0'.into());
        // Over the next instruction if it is a decimal digit.
        emit(&mut code, Op::Bne, 0, T2, ZERO, 8);
        emit(&mut code, Op::Addi, T1, T1, 0, LETTERS);
        emit(&mut code, Op::Sb, 0, A2, T1, 0);
    }
    emit(&mut code, Op::Addi, A0, A0, 0, 1);
    let back = byte as i64 - code.len() as i64;
    emit(&mut code, Op::Bne, 0, A0, A1, back);
    load_constant(&mut code, T0, b'\n'.into());
    emit(&mut code, Op::Sb, 0, A2, T0, 0);
    load_constant(&mut code, T0, FINISHER);
    load_constant_unaligned(&mut code, T1, FINISHER_PASS);
    emit(&mut code, Op::Sw, 0, T0, T1, 0);
    emit(&mut code, Op::Jal, ZERO, 0, 0, 0);
    code
}

/// Fills up to an offset.
fn pad(code: &mut Vec<u8>, offset: u64) {
    assert!(code.len() as u64 <= offset, "the code before {offset:#x} does not fit");
    code.resize(offset as usize, 0);
}

/// A static executable of these segments: address, flags, contents.
fn elf_file(entry: u64, segments: &[(u64, elf::ProgramFlags, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(object::Endianness::Little, true, &mut file);
    writer.reserve_file_header();
    writer.reserve_program_headers(segments.len() as u32);
    let mut offsets = Vec::new();
    for &(address, _, contents) in segments {
        // Address and offset are alike within a page, as the loader maps pages.
        let gap = (address % PAGE + PAGE - writer.reserved_len() % PAGE) % PAGE;
        writer.reserve(gap, 1);
        offsets.push(writer.reserve(contents.len() as u64, 1));
    }
    writer
        .write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_RISCV,
            e_entry: entry,
            e_flags: elf::EF_RISCV_RVC | elf::EF_RISCV_FLOAT_ABI_DOUBLE,
        })
        .expect("a file without sections has nothing to refuse");
    writer.write_align_program_headers();
    for (&(address, flags, contents), &offset) in segments.iter().zip(&offsets) {
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: flags,
            p_offset: offset,
            p_vaddr: address,
            p_paddr: address,
            p_filesz: contents.len() as u64,
            p_memsz: contents.len() as u64,
            p_align: PAGE,
        });
    }
    for (&(_, _, contents), &offset) in segments.iter().zip(&offsets) {
        writer.pad_until(offset);
        writer.write(contents);
    }
    file
}
