//! Random kernels: supervisor-mode programs that boot like any kernel, and whose every result follows from the
//! architecture, so that they must come to the same in every mode that runs them.
//!
//! A kernel is a list of *units*, a few instructions each: accesses through random page tables, changes of these tables with
//! the fences that they need, CSRs, exceptions, interrupts, SBI calls, runs of random user programs. Any unit may trap; the
//! handler writes a record into the log, and goes on behind the unit. So the log tells what happened, and a kernel
//! always comes to its end, where it hashes its log and its data, writes the hash to the console, and asks for a
//! shutdown with the hash's lowest bit as its code.
//!
//! What the architecture leaves open is left out: no access meets a change of tables before its fence, LR and SC stand in
//! loops, no time is read, and interrupts come only where a write of sip, sie or sstatus, or an SRET, has to bring
//! them. In between there is nothing that two correct modes may do differently, A and D bits included.
//!
//! ```text
//! 0x8000_0000  two megabytes for large pages        0x8027_0000  the frame: registers in a trap, and the kernel's variables
//! 0x8020_0000  the kernel's code                    0x8028_0000  page tables
//! 0x8024_0000  user programs                        0x8030_0000  the log
//! 0x8026_0000  functions that kernel units call     0x8040_0000  data
//! ```

mod handler;
mod space;
mod unit;
mod user;

use crate::code::{Code, register::*};
use crate::{Random, values};
use space::{Kernel, Spaces};
use std::fmt;
use visa_isa::{Instruction, Op, msr};

/// Physical address of the image, 2 MiB into the memory.
pub const IMAGE: u64 = 0x8020_0000;
const USER_CODE: u64 = 0x8024_0000;
const USER_CODE_BYTES: u64 = 0x1_0000;
const FUNCTIONS: u64 = 0x8026_0000;
const FRAME: u64 = 0x8027_0000;
const TABLES: u64 = 0x8028_0000;
/// The log.
pub const LOG: u64 = 0x8030_0000;
const LOG_BYTES: u64 = 0x8_0000;
const DATA: u64 = 0x8040_0000;
const DATA_PAGES: u64 = 64;

/// Bytes of a record of the log.
pub const RECORD_BYTES: u64 = 64;
const RECORD_WORDS: usize = 8;
/// In place of scause, in a record that a unit made.
const VALUE: u64 = 0x45_554c_4156;

/// Offsets in the frame.
mod frame {
    /// The registers of user programs, then those of the kernel in a trap of its own.
    pub const USER: i32 = 0;
    pub const KERNEL: i32 = 256;
    /// Address of the next record.
    pub const LOG: i32 = 512;
    /// The number of the unit.
    pub const UNIT: i32 = 520;
    /// Where the kernel goes on after a user program.
    pub const RESUME: i32 = 528;
    /// Bytes for the console.
    pub const TEXT: i32 = 536;
}

/// R17 of the ECALL that ends a user program.
const EXIT_CALL: u64 = 93;

/// A record of the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record([u64; RECORD_WORDS]);

impl Record {
    /// The records in the bytes of a log, up to the first that was not written.
    pub fn all(log: &[u8]) -> Vec<Record> {
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let records = log.chunks_exact(RECORD_BYTES as usize).map(|record| {
            let mut words = record.chunks_exact(8).map(word);
            Record(std::array::from_fn(|_| words.next().unwrap_or(0)))
        });
        records.take_while(|record| record.0 != [0; RECORD_WORDS]).collect()
    }

    /// The unit that it is of.
    pub fn unit(&self) -> usize {
        self.0[0] as usize
    }

    /// scause, if it is of a trap.
    pub fn cause(&self) -> Option<u64> {
        (self.0[1] != VALUE).then_some(self.0[1])
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [unit, cause, a, b, c, d, e, g] = self.0;
        match self.cause() {
            None => write!(to, "unit {unit}: values {a:#x} {b:#x}"),
            Some(_) => write!(
                to,
                "unit {unit}: scause {cause:#x} sepc {a:#x} stval {b:#x} sstatus {c:#x} sip {d:#x} hash of registers {e:#x} \
                 R27 {g:#x}"
            ),
        }
    }
}

/// A kernel that follows from a seed.
pub struct RandomKernel {
    image: Vec<u8>,
    units: Vec<String>,
    /// The kernel's address in its own tables.
    pub base: u64,
}

impl RandomKernel {
    /// The kernel of a seed, with this many units.
    pub fn random(seed: u64, unit_count: usize) -> RandomKernel {
        let mut random = Random::fork(seed, u64::from_le_bytes(*b"kernels "));
        let kernel = Kernel::random(&mut random);
        let spaces = Spaces::random(&mut random, kernel);
        let mut builder = unit::Builder::new(&mut random, spaces);
        let start = builder.code.label();
        builder.code.jump(start);
        // The rest of the header's first 64 bytes is written below.
        while builder.code.size() < HEADER_BYTES {
            builder.code.push(Instruction::new(Op::Ebreak));
        }
        let handler = handler::emit(&mut builder.code, kernel.style);
        builder.restore_user = handler.restore_user;
        builder.code.place(start);
        builder.prologue(handler.entry);
        for _ in 0..unit_count {
            builder.unit();
        }
        builder.epilogue();
        let units = std::mem::take(&mut builder.units);
        let image = builder.image();
        RandomKernel { image: with_header(image), units, base: kernel.virtual_address(IMAGE) }
    }

    /// The kernel as a flat image with a header, for address [`IMAGE`].
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// What a unit does.
    pub fn describe(&self, unit: usize) -> &str {
        self.units.get(unit).map_or("no unit", String::as_str)
    }
}

/// Bytes of the header of a flat kernel image.
const HEADER_BYTES: u64 = 64;

/// Writes the fields of the header behind its first instructions (Linux, Documentation/arch/riscv/boot-image-header.rst).
fn with_header(mut image: Vec<u8>) -> Vec<u8> {
    const TEXT_OFFSET: (usize, u64) = (8, 0x20_0000);
    const IMAGE_SIZE: usize = 16;
    const VERSION: (usize, u64) = (32, 2);
    const MAGIC_2: (usize, u64) = (56, 0x0543_5352);
    let size = image.len() as u64;
    for word in 1..HEADER_BYTES / 8 {
        image[word as usize * 8..][..8].fill(0);
    }
    for (at, value) in [TEXT_OFFSET, (IMAGE_SIZE, size), VERSION, MAGIC_2] {
        image[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    image
}

/// A word of random memory: a value at an edge, of either kind.
fn word(random: &mut Random) -> u64 {
    if random.once_in(2) { values::integer(random) } else { values::float(random) }
}

/// A store to the frame.
fn put(code: &mut Code, value: u8, offset: i32) {
    code.store(Op::Sd, value, TP, offset);
}

/// A load from the frame.
fn get(code: &mut Code, register: u8, offset: i32) {
    code.immediate(Op::Ld, register, TP, offset);
}

/// Sets bits of an MSR.
fn set_msr(code: &mut Code, number: u16, bits: u8) {
    code.immediate(Op::Csrrs, ZERO, bits, number.into());
}

/// Clears bits of an MSR.
fn clear_msr(code: &mut Code, number: u16, bits: u8) {
    code.immediate(Op::Csrrc, ZERO, bits, number.into());
}

/// MSRs by name, for descriptions.
fn msr_name(number: u16) -> &'static str {
    msr::MSRS.iter().find(|row| row.number == number).map_or("?", |row| row.name)
}
