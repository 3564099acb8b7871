//! Units: the smallest pieces of a program that make sense on their own, such as a pointer and the load that
//! uses it. A branch goes from unit to unit, never into one.

use crate::Random;
use crate::instruction::{self, Reserved, Role};
use visa_isa::operand::{Operand, Target};
use visa_isa::table::Row;
use visa_isa::{Group, Instruction, Op, compressed, msr};

/// What a unit consists of.
#[derive(Clone, Debug)]
pub enum Piece {
    /// An instruction, in a compressed form if there is one given.
    Plain(Instruction, Option<&'static compressed::Row>),
    /// Two instructions that put an address into a register, relative to where they are.
    Point {
        /// The register.
        register: u8,
        /// The address.
        to: u64,
    },
    /// A branch or jump, over so many of the units that follow.
    Over(Instruction, Option<&'static compressed::Row>, usize),
    /// Three instructions that jump over so many units through this register, linking to another one.
    OverByRegister {
        /// The register that the jump goes through.
        through: u8,
        /// The register that is linked.
        link: u8,
        /// How many units.
        over: usize,
        /// C.JR or C.JALR instead of JALR; the link is implied then.
        row: Option<&'static compressed::Row>,
    },
}

impl Piece {
    /// The bytes that the piece takes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Plain(_, row) | Self::Over(_, row, _) => instruction_size(*row),
            Self::Point { .. } => 8,
            Self::OverByRegister { row, .. } => 8 + instruction_size(*row),
        }
    }
}

fn instruction_size(row: Option<&'static compressed::Row>) -> u64 {
    if row.is_some() { 2 } else { 4 }
}

/// Pieces that stay together.
pub type Unit = Vec<Piece>;

/// Where a program may read and write.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// First address of scratch memory.
    pub scratch: u64,
    /// Bytes of scratch memory.
    pub scratch_size: u64,
    /// First address of the pool of values, which is only read.
    pub pool: u64,
    /// How many values of 8 bytes the pool has.
    pub pool_values: u64,
}

/// The largest access.
const ACCESS_SIZE_MAX: u64 = 8;

/// How many units a branch goes over at most: few enough for a compressed branch's reach of 256 bytes.
const OVER_MAX: u64 = 4;

/// The rows to choose from, sorted once.
pub struct Generator {
    integer: Vec<&'static Row>,
    float: Vec<&'static Row>,
    memory: Vec<&'static Row>,
    atomic: Vec<&'static Row>,
    branch: Vec<&'static Row>,
    compressed_compute: Vec<&'static compressed::Row>,
    compressed_memory: Vec<&'static compressed::Row>,
    compressed_branch: Vec<&'static compressed::Row>,
    compressed_jump: Vec<&'static compressed::Row>,
}

impl Default for Generator {
    fn default() -> Self {
        let all = Group::ALL;
        Self {
            integer: instruction::rows(&[Group::Base, Group::Muldiv, Group::Bitmanip], |role| {
                role == Role::Compute
            }),
            float: instruction::rows(&[Group::Float], |role| role == Role::Compute),
            memory: instruction::rows(&all, |role| role == Role::Memory),
            atomic: instruction::rows(&all, |role| matches!(role, Role::Atomic(_))),
            branch: instruction::rows(&all, |role| role == Role::Branch),
            compressed_compute: instruction::compressed_rows(|role| role == Role::Compute),
            compressed_memory: instruction::compressed_rows(|role| role == Role::Memory),
            compressed_branch: instruction::compressed_rows(|role| role == Role::Branch),
            compressed_jump: instruction::compressed_rows(|role| role == Role::JumpRegister),
        }
    }
}

impl Generator {
    /// Everything but these instructions.
    pub fn without(excluded: &[Op]) -> Self {
        let mut generator = Self::default();
        let lists = [
            &mut generator.integer,
            &mut generator.float,
            &mut generator.memory,
            &mut generator.atomic,
            &mut generator.branch,
        ];
        for rows in lists {
            rows.retain(|row| !excluded.contains(&row.op));
        }
        generator
    }

    /// A random unit.
    pub fn unit(&self, random: &mut Random, reserved: Reserved, places: &Places) -> Unit {
        match random.below(32) {
            0..8 => vec![plain(random.pick(&self.integer), random, reserved)],
            8..16 => vec![plain(random.pick(&self.float), random, reserved)],
            16..19 => self.compressed_compute(random, reserved),
            19..22 => memory(random.pick(&self.memory), random, reserved, places),
            22..24 => self.compressed_memory(random, reserved, places),
            24..26 => self.atomic(random, reserved, places),
            26..28 => self.branch(random, reserved),
            28..30 => float_state(random, reserved),
            _ => refresh(random, reserved, places),
        }
    }

    fn compressed_compute(&self, random: &mut Random, reserved: Reserved) -> Unit {
        loop {
            let row = random.pick(&self.compressed_compute);
            let instruction = instruction::of_compressed_row(row, random, reserved);
            if !instruction::writes_reserved(&instruction, reserved) {
                return vec![Piece::Plain(instruction, Some(row))];
            }
        }
    }

    fn compressed_memory(&self, random: &mut Random, reserved: Reserved, places: &Places) -> Unit {
        loop {
            let row = random.pick(&self.compressed_memory);
            let instruction = instruction::of_compressed_row(row, random, reserved);
            if instruction.rs1 != reserved.0 {
                let address = somewhere(random, places, 1);
                let base = address.wrapping_sub(instruction.imm as u64);
                return vec![
                    Piece::Point { register: instruction.rs1, to: base },
                    Piece::Plain(instruction, Some(row)),
                ];
            }
        }
    }

    /// An atomic operation, a pair of LR and SC, or an SC that must fail. A reservation never outlives its
    /// unit, because what ends one is left to the implementation.
    fn atomic(&self, random: &mut Random, reserved: Reserved, places: &Places) -> Unit {
        let row = random.pick(&self.atomic);
        let Role::Atomic(size) = instruction::role(row.op) else {
            unreachable!("the rows were chosen by this role");
        };
        let mut operation = instruction::of_row(row, random, reserved);
        operation.rs1 = pointer(random, reserved);
        let point = Piece::Point { register: operation.rs1, to: somewhere(random, places, size.into()) };
        let store = match row.op {
            Op::LrW => Op::ScW,
            Op::LrD => Op::ScD,
            _ => return vec![point, Piece::Plain(operation, None)],
        };
        if operation.rd == operation.rs1 {
            // The pointer must outlive the load.
            operation.rd = 0;
        }
        let store = instruction::of_row(store.row(), random, reserved);
        let store = Instruction { rs1: operation.rs1, ..store };
        vec![point, Piece::Plain(operation, None), Piece::Plain(store, None)]
    }

    fn branch(&self, random: &mut Random, reserved: Reserved) -> Unit {
        let over = random.below(OVER_MAX + 1) as usize;
        match random.below(4) {
            0 | 1 => {
                let row = random.pick(&self.branch);
                vec![Piece::Over(instruction::of_row(row, random, reserved), None, over)]
            }
            2 => {
                let row = random.pick(&self.compressed_branch);
                vec![Piece::Over(instruction::of_compressed_row(row, random, reserved), Some(row), over)]
            }
            _ => self.jump_register(random, reserved, over),
        }
    }

    fn jump_register(&self, random: &mut Random, reserved: Reserved, over: usize) -> Unit {
        let through = pointer(random, reserved);
        if random.once_in(2) {
            let row = random.pick(&self.compressed_jump);
            let links = row.operands.contains(&Operand::ImpliedRdRa);
            let link = if links { Operand::ImpliedRdRa.bias() as u8 } else { 0 };
            if link == 0 || link != reserved.0 {
                return vec![Piece::OverByRegister { through, link, over, row: Some(row) }];
            }
        }
        let link = instruction::of_row(Op::Jalr.row(), random, reserved).rd;
        vec![Piece::OverByRegister { through, link, over, row: None }]
    }
}

fn plain(row: &Row, random: &mut Random, reserved: Reserved) -> Piece {
    let mut instruction = instruction::of_row(row, random, reserved);
    // Equal sources are a case of their own.
    if random.once_in(8) {
        instruction.rs2 = if has(row, Target::Rs2) { instruction.rs1 } else { instruction.rs2 };
    }
    Piece::Plain(instruction, None)
}

fn has(row: &Row, target: Target) -> bool {
    row.op.file(target).is_some()
}

/// A load or store at any alignment, through a pointer that makes up for its offset.
fn memory(row: &Row, random: &mut Random, reserved: Reserved, places: &Places) -> Unit {
    let mut access = instruction::of_row(row, random, reserved);
    access.rs1 = pointer(random, reserved);
    let base = somewhere(random, places, 1).wrapping_sub(access.imm as u64);
    vec![Piece::Point { register: access.rs1, to: base }, Piece::Plain(access, None)]
}

/// An address in scratch memory where any access fits.
fn somewhere(random: &mut Random, places: &Places, alignment: u64) -> u64 {
    let offset = random.below(places.scratch_size - ACCESS_SIZE_MAX + 1);
    // Often aligned, to as much as any access.
    let alignment = if random.once_in(2) { ACCESS_SIZE_MAX } else { alignment };
    places.scratch + offset / alignment * alignment
}

/// A register that may hold a pointer.
fn pointer(random: &mut Random, reserved: Reserved) -> u8 {
    loop {
        let register = random.between(1, 31) as u8;
        if register != reserved.0 {
            return register;
        }
    }
}

/// An instruction on fcsr, frm or fflags that leaves a valid rounding mode.
fn float_state(random: &mut Random, reserved: Reserved) -> Unit {
    const ROUNDING_MODES: u64 = 5;
    let any = random.pick(&[Op::Csrrw, Op::Csrrs, Op::Csrrc, Op::Csrrwi, Op::Csrrsi, Op::Csrrci]);
    let (op, msr) = match random.below(4) {
        0 => (Op::Csrrwi, msr::FRM),
        // Clearing bits of a valid mode leaves a valid one; setting might not.
        1 => (random.pick(&[Op::Csrrc, Op::Csrrci]), random.pick(&[msr::FRM, msr::FCSR])),
        _ => (any, msr::FFLAGS),
    };
    let mut instruction = instruction::of_row(op.row(), random, reserved);
    instruction.imm = msr.into();
    if (op, msr) == (Op::Csrrwi, msr::FRM) {
        instruction.rs1 = random.below(ROUNDING_MODES) as u8;
    }
    vec![Piece::Plain(instruction, None)]
}

/// Loads a register with a value of the pool, so that values do not wear out to zeros and NaNs.
fn refresh(random: &mut Random, reserved: Reserved, places: &Places) -> Unit {
    let op = random.pick(&[Op::Ld, Op::Lw, Op::Fld, Op::Fld, Op::Flw]);
    let mut load = instruction::of_row(op.row(), random, reserved);
    load.rs1 = pointer(random, reserved);
    let address = places.pool + random.below(places.pool_values) * ACCESS_SIZE_MAX;
    vec![
        Piece::Point { register: load.rs1, to: address.wrapping_sub(load.imm as u64) },
        Piece::Plain(load, None),
    ]
}
