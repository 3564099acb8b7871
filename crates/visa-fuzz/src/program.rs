//! Programs for comparing engines: user-mode instructions that cannot trap, between a block of memory that they
//! start from and the same block as they leave it.

use crate::Random;
use crate::instruction::{self, Reserved};
use crate::unit::{Generator, Piece, Places, Unit};
use crate::values;
use visa_isa::{Instruction, Op, msr};

/// What a block of memory holds, by byte offset.
pub mod block {
    /// R0 to R31, 8 bytes each; the place of R0 and that of the reserved register are not used.
    pub const INTEGER: u64 = 0;
    /// F0 to F31, 8 bytes each.
    pub const FLOAT: u64 = 32 * 8;
    /// fcsr.
    pub const FCSR: u64 = 64 * 8;
    /// Scratch memory.
    pub const SCRATCH: u64 = 640;
    /// Bytes of scratch memory.
    pub const SCRATCH_SIZE: u64 = 256;
    /// Bytes from one block to the next. All of a block is within reach of an instruction's offset.
    pub const SIZE: u64 = 1024;

    /// What is at an offset, for messages.
    pub fn describe(offset: u64) -> String {
        match offset {
            INTEGER..FLOAT => format!("R{}", offset / 8),
            FLOAT..FCSR => format!("F{}", (offset - FLOAT) / 8),
            FCSR..SCRATCH => "fcsr".to_owned(),
            _ => format!("scratch memory + {:#x}", offset - SCRATCH),
        }
    }
}

/// How many values of 8 bytes [`pool`] has.
pub const POOL_VALUES: u64 = 128;

/// A pool of values for programs to refresh their registers from.
pub fn pool(seed: u64) -> Vec<u8> {
    let mut random = Random::fork(seed, u64::MAX);
    let pool = (0..POOL_VALUES).map(|index| match index % 2 {
        0 => values::integer(&mut random),
        _ => values::float(&mut random),
    });
    pool.flat_map(u64::to_le_bytes).collect()
}

/// Where a program's parts are.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The first instruction.
    pub code: u64,
    /// Its block.
    pub block: u64,
    /// The pool.
    pub pool: u64,
}

/// A program, not yet laid out: the same units give the same behaviour at any address.
pub struct Program {
    reserved: Reserved,
    units: Vec<Unit>,
    initial: Vec<u8>,
    addresses: Addresses,
}

/// One instruction as it was laid out, for listings.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its address.
    pub address: u64,
    /// The instruction, with its distance if it has one.
    pub instruction: Instruction,
    /// Its bits; the low half alone if it has two bytes.
    pub bits: u32,
}

impl Program {
    /// The program of this index that follows from a seed, with this many units.
    pub fn random(
        generator: &Generator,
        seed: u64,
        index: u64,
        unit_count: usize,
        block: u64,
        pool: u64,
    ) -> Self {
        let mut random = Random::fork(seed, index);
        let reserved = Reserved(random.between(1, 31) as u8);
        let places = Places {
            scratch: block + block::SCRATCH,
            scratch_size: block::SCRATCH_SIZE,
            pool,
            pool_values: POOL_VALUES,
        };
        let initial = initial_block(&mut random);
        let units = (0..unit_count).map(|_| generator.unit(&mut random, reserved, &places)).collect();
        Self { reserved, units, initial, addresses: Addresses { code: 0, block, pool } }
    }

    /// What the block must hold when the program starts.
    pub fn initial_block(&self) -> &[u8] {
        &self.initial
    }

    /// How many units it has.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The program's instructions when it starts at this address; only the first `unit_count` units, with the
    /// reading and writing of the block around them. A branch beyond the last unit goes to its end.
    pub fn lay_out(&self, code: u64, unit_count: usize) -> Vec<Line> {
        let mut lines = Lines { address: code, lines: Vec::new() };
        self.read_block(&mut lines);
        let units = &self.units[..unit_count.min(self.units.len())];
        let mut starts = Vec::with_capacity(units.len() + 1);
        let mut address = lines.address;
        for unit in units {
            starts.push(address);
            address += unit.iter().map(Piece::size).sum::<u64>();
        }
        starts.push(address);
        for (index, unit) in units.iter().enumerate() {
            assert_eq!(lines.address, starts[index], "a piece is as long as it says");
            for piece in unit {
                lines.piece(piece, |over| starts[(index + 1 + over).min(units.len())]);
            }
        }
        self.write_block(&mut lines);
        lines.lines
    }

    /// The instructions of one unit, without those around it.
    pub fn unit_lines(&self, code: u64, index: usize) -> Vec<Line> {
        let without = self.lay_out(code, index);
        let with = self.lay_out(code, index + 1);
        let epilogue = self.epilogue_length();
        with[without.len() - epilogue..with.len() - epilogue].to_vec()
    }

    /// All registers and fcsr from the block; the reserved register points to the block from then on.
    fn read_block(&self, lines: &mut Lines) {
        let base = self.reserved.0;
        lines.piece(&Piece::Point { register: base, to: self.addresses.block }, |_| 0);
        let temporary = self.other_register();
        lines.plain(load(Op::Ld, temporary, base, block::FCSR));
        lines.plain(Instruction { rs1: temporary, imm: msr::FCSR.into(), ..Instruction::new(Op::Csrrw) });
        for register in 0..32 {
            lines.plain(load(Op::Fld, register, base, block::FLOAT + u64::from(register) * 8));
        }
        for register in (1..32).filter(|&register| register != base) {
            lines.plain(load(Op::Ld, register, base, block::INTEGER + u64::from(register) * 8));
        }
    }

    /// All registers and fcsr to the block.
    fn write_block(&self, lines: &mut Lines) {
        let base = self.reserved.0;
        for register in (1..32).filter(|&register| register != base) {
            lines.plain(store(Op::Sd, register, base, block::INTEGER + u64::from(register) * 8));
        }
        for register in 0..32 {
            lines.plain(store(Op::Fsd, register, base, block::FLOAT + u64::from(register) * 8));
        }
        let temporary = self.other_register();
        lines.plain(Instruction { rd: temporary, imm: msr::FCSR.into(), ..Instruction::new(Op::Csrrs) });
        lines.plain(store(Op::Sd, temporary, base, block::FCSR));
    }

    /// Instructions that [`Self::write_block`] writes.
    fn epilogue_length(&self) -> usize {
        let mut lines = Lines { address: 0, lines: Vec::new() };
        self.write_block(&mut lines);
        lines.lines.len()
    }

    /// A register that is not the reserved one.
    fn other_register(&self) -> u8 {
        if self.reserved.0 == 1 { 2 } else { 1 }
    }
}

/// Instructions one after another.
pub(crate) struct Lines {
    pub(crate) address: u64,
    pub(crate) lines: Vec<Line>,
}

impl Lines {
    pub(crate) fn plain(&mut self, instruction: Instruction) {
        self.piece(&Piece::Plain(instruction, None), |_| 0);
    }

    /// Appends a piece; `target` says where so many units further is.
    pub(crate) fn piece(&mut self, piece: &Piece, target: impl Fn(usize) -> u64) {
        match *piece {
            Piece::Plain(instruction, row) => self.push(instruction, row),
            Piece::Point { register, to } => {
                self.point(register, to);
                let low = low_part(to.wrapping_sub(self.address - 4));
                self.push(
                    Instruction { rd: register, rs1: register, imm: low, ..Instruction::new(Op::Addi) },
                    None,
                );
            }
            Piece::Over(instruction, row, over) => {
                let distance = target(over) - self.address;
                self.push(Instruction { imm: distance as i32, ..instruction }, row);
            }
            Piece::OverByRegister { through, link, over, row } => {
                let to = target(over);
                let from = self.address;
                self.point(through, to);
                let low = low_part(to.wrapping_sub(from));
                // With a compressed jump the register must hold the target itself; else the jump adds the rest.
                let (now, later) = if row.is_some() { (low, 0) } else { (0, low) };
                self.push(
                    Instruction { rd: through, rs1: through, imm: now, ..Instruction::new(Op::Addi) },
                    None,
                );
                let jump = Instruction { rd: link, rs1: through, imm: later, ..Instruction::new(Op::Jalr) };
                self.push(jump, row);
            }
        }
    }

    /// The upper part of an address, relative to this instruction.
    fn point(&mut self, register: u8, to: u64) {
        let distance = to.wrapping_sub(self.address) as i32;
        let upper = distance.wrapping_sub(low_part(distance as u64));
        self.push(Instruction { rd: register, imm: upper, ..Instruction::new(Op::Auipc) }, None);
    }

    fn push(&mut self, instruction: Instruction, row: Option<&'static visa_isa::compressed::Row>) {
        let bytes = instruction::bytes(&instruction, row);
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(&bytes);
        let instruction = Instruction { length: bytes.len() as u8, ..instruction };
        self.lines.push(Line { address: self.address, instruction, bits: u32::from_le_bytes(word) });
        self.address += bytes.len() as u64;
    }
}

/// The lowest 12 bits of a distance, as the signed number that ADDI adds.
fn low_part(distance: u64) -> i32 {
    ((distance as i32) << 20) >> 20
}

fn load(op: Op, register: u8, base: u8, offset: u64) -> Instruction {
    Instruction { rd: register, rs1: base, imm: offset as i32, ..Instruction::new(op) }
}

fn store(op: Op, register: u8, base: u8, offset: u64) -> Instruction {
    Instruction { rs2: register, rs1: base, imm: offset as i32, ..Instruction::new(op) }
}

/// The bytes of instructions that stand one after another.
pub fn code_bytes(lines: &[Line]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bits.to_le_bytes()[..line.instruction.length.into()].to_vec()).collect()
}

/// A random block: registers, an fcsr with a valid rounding mode, scratch memory.
fn initial_block(random: &mut Random) -> Vec<u8> {
    const ROUNDING_MODES: u64 = 5;
    const FLAGS: u64 = 32;
    let mut words = vec![0; (block::SIZE / 8) as usize];
    for register in 0..32 {
        words[(block::INTEGER / 8) as usize + register] = values::integer(random);
        words[(block::FLOAT / 8) as usize + register] = values::float(random);
    }
    words[(block::FCSR / 8) as usize] = random.below(ROUNDING_MODES) << 5 | random.below(FLAGS);
    for word in 0..(block::SCRATCH_SIZE / 8) as usize {
        words[(block::SCRATCH / 8) as usize + word] = values::integer(random);
    }
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}
