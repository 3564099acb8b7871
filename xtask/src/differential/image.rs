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

use object::elf;
use object::write::elf::{FileHeader, ProgramHeader, Writer};
use visa_fuzz::code::{Code, register::*};
use visa_fuzz::program::{self, Program, block};
use visa_isa::{Instruction, Op, msr};

const CODE_ADDRESS: u64 = 0x8000_0000;
const TRAP_OFFSET: u64 = 0x40;
const PROGRAMS_OFFSET: u64 = 0x100;
const BLOCKS_ADDRESS: u64 = 0x8020_0d00;

/// Where the pool of values is.
pub const POOL_ADDRESS: u64 = 0x8030_0000;

/// Cause, address and value of an unexpected trap; all ones if there was none.
pub const TRAP_RECORD_SIZE: u64 = 24;

const PAGE: u64 = 4096;

/// Numbers of Linux system calls.
const LINUX_WRITE: u64 = 64;
const LINUX_EXIT: u64 = 93;

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
        let mut blocks = Vec::new();
        let mut instruction_count = 0;
        let tail = Self::programs_end(programs);
        let mut code = head();
        pad(&mut code, TRAP_OFFSET);
        code.extend(trap_handler(BLOCKS_ADDRESS + blocks_size(programs), tail));
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

fn blocks_size(programs: &[Placed]) -> u64 {
    programs.last().map_or(0, |placed| (placed.index + 1) * block::SIZE)
}

fn head() -> Vec<u8> {
    let mut code = Code::at(CODE_ADDRESS);
    code.constant(T0, CODE_ADDRESS + TRAP_OFFSET);
    code.write_msr(msr::HVVEC, T0);
    code.jump_to(CODE_ADDRESS + PROGRAMS_OFFSET);
    code.bytes()
}

fn trap_handler(record: u64, tail: u64) -> Vec<u8> {
    let mut code = Code::at(CODE_ADDRESS + TRAP_OFFSET);
    code.constant(T0, record);
    for (index, msr) in [msr::HVCAUSE, msr::HVEPC, msr::HVTVAL].into_iter().enumerate() {
        code.read_msr(T1, msr);
        code.store(Op::Sd, T1, T0, index as i32 * 8);
    }
    code.jump_to(tail);
    code.bytes()
}

/// write(1, blocks, size); exit(0)
fn linux_tail(size: u64) -> Vec<u8> {
    const STANDARD_OUTPUT: u64 = 1;
    let mut code = Code::at(0);
    code.constant(A0, STANDARD_OUTPUT);
    code.constant(A1, BLOCKS_ADDRESS);
    code.constant(A2, size);
    code.constant(A7, LINUX_WRITE);
    code.push(Instruction::new(Op::Ecall));
    code.constant(A0, 0);
    code.constant(A7, LINUX_EXIT);
    code.push(Instruction::new(Op::Ecall));
    code.bytes()
}

/// A program for QEMU whose exit code is what an instruction of one source makes of an operand.
pub fn probe(op: Op, operand: u64) -> Vec<u8> {
    let mut code = Code::at(CODE_ADDRESS);
    code.constant(T0, operand);
    code.immediate(op, A0, T0, 0);
    code.constant(A7, LINUX_EXIT);
    code.push(Instruction::new(Op::Ecall));
    elf_file(CODE_ADDRESS, &[(CODE_ADDRESS, elf::PF_R | elf::PF_X, &code.bytes())])
}

/// Every byte as two hexadecimal digits to the UART, a line feed, then pass to the test finisher.
fn visa_tail(size: u64) -> Vec<u8> {
    const UART: u64 = 0x1000_0000;
    const FINISHER: u64 = 0x10_0000;
    const FINISHER_PASS: u64 = 0x5555;
    /// From the digit after '9' to 'a'.
    const LETTERS: i32 = b'a' as i32 - b'9' as i32 - 1;
    let mut code = Code::at(0);
    code.constant(A0, BLOCKS_ADDRESS);
    code.constant(A1, BLOCKS_ADDRESS + size);
    code.constant(A2, UART);
    let next_byte = code.placed();
    code.immediate(Op::Lbu, T0, A0, 0);
    for (op, operand) in [(Op::Srli, 4), (Op::Andi, 0xf)] {
        let decimal = code.label();
        code.immediate(op, T1, T0, operand);
        code.immediate(Op::Sltiu, T2, T1, 10);
        code.immediate(Op::Addi, T1, T1, b'0'.into());
        code.branch(Op::Bne, T2, ZERO, decimal);
        code.immediate(Op::Addi, T1, T1, LETTERS);
        code.place(decimal);
        code.store(Op::Sb, T1, A2, 0);
    }
    code.immediate(Op::Addi, A0, A0, 1);
    code.branch(Op::Bne, A0, A1, next_byte);
    code.constant(T0, b'\n'.into());
    code.store(Op::Sb, T0, A2, 0);
    code.constant(T0, FINISHER);
    code.constant(T1, FINISHER_PASS);
    code.store(Op::Sw, T1, T0, 0);
    let forever = code.placed();
    code.jump(forever);
    code.bytes()
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
