//! Programs that look like a compiler's: functions with prologue and epilogue that call each other, loops in loops that are
//! left early, tables of jumps, strings and lists; each part with a few registers of its own.
//!
//! Purely random programs use every register everywhere. In those of compilers a register is set here and read a few loops further on,
//! and nothing in between names it: engines that move registers around are wrong there first. So each scope, a function or a
//! loop, has registers that it writes and others that it reads; what loops inside of it have may overlap with that, or not.
//!
//! Programs cannot trap and never end, but come back to their start again and again.

mod compute;
mod control;
mod function;
mod nests;
mod strings;
mod style;

use crate::code::{Code, Label, LaidOut};
use crate::instruction::{Role, rows};
use crate::{Random, values};
use style::Style;
use visa_isa::table::Row;
use visa_isa::{Group, Op};

/// Where a program's parts are.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The first instruction.
    pub code: u64,
    /// [`DATA_SIZE`] bytes that are only read.
    pub data: u64,
    /// [`SCRATCH_SIZE`] bytes that are read and written.
    pub scratch: u64,
    /// The end of the stack, which grows downwards, by less than a page.
    pub stack: u64,
}

/// Bytes of data: strings, a list, and addresses of code.
pub const DATA_SIZE: u64 = 4096;
/// Bytes of scratch memory: what an instruction's offset reaches.
pub const SCRATCH_SIZE: u64 = 2048;

/// Where the list is in the data, how many cells it has, and the bytes of one: address of the next, and a value.
const LIST: u64 = 1024;
const CELLS: u64 = 24;
const CELL: u64 = 16;
/// Where addresses of code are in the data.
const TABLES: u64 = 2048;

/// Small functions that all others call, at most.
const SMALL: u64 = 3;
/// Registers of a program that has few, at most.
const FEW: u32 = 8;
/// Registers that a function keeps around a call, at most.
const KEPT: usize = 10;

/// A program, laid out.
pub struct Structured {
    /// Its code.
    pub code: Vec<u8>,
    /// Its data.
    pub data: Vec<u8>,
}

/// Registers, a bit each.
type Registers = u32;

/// Every register but R0.
const ALL: Registers = !1;
/// Those that compressed instructions name, return address and stack pointer: engines may treat them specially.
const USUAL: Registers = 0xff06;

/// What code at a place may use.
#[derive(Clone, Copy)]
struct Scope {
    writes: Registers,
    reads: Registers,
    /// Loops around it.
    depth: u32,
    /// How often it is executed for each call of its function, about.
    rounds: u64,
}

/// A loop around the code that is being made.
#[derive(Clone, Copy)]
struct Around {
    /// Where its next round begins.
    again: Label,
    /// Behind it.
    end: Label,
}

/// The function that is being made.
struct Function {
    number: usize,
    /// Bytes of code before it.
    start: u64,
    /// Holds the scratch memory's address.
    base: u8,
    /// What it may name, and of that what it may write.
    pool: Registers,
    usable: Registers,
    /// Offset of the first of the places for what is kept around a call; `None`: it calls nothing.
    kept: Option<i32>,
    /// Where it ends.
    epilogue: Label,
    loops: Vec<Around>,
    /// Statements that it may still have.
    left: i64,
}

struct Maker<'a> {
    random: &'a mut Random,
    code: Code,
    places: Places,
    any: Vec<&'static Row>,
    float: Vec<&'static Row>,
    memory: Vec<&'static Row>,
    atomic: Vec<&'static Row>,
    style: Style,
    functions: Vec<Label>,
    /// From this one on, functions are small and call nothing.
    first_small: usize,
    /// Addresses of code, in the order in which the data has them.
    table: Vec<Label>,
    stack: u8,
    link: u8,
    /// Registers that functions use: all of them, or so few that the host has as many.
    pool: Registers,
    /// Those that small functions use, and loops that call them.
    small_pool: Registers,
    /// Registers that functions give back as they were.
    saved: Registers,
    /// Registers that must be left alone here: counters, pointers.
    busy: Registers,
    function: Function,
}

/// Makes a program.
pub fn program(random: &mut Random, places: Places) -> Structured {
    let mut code = Code::at(places.code);
    let style = Style::random(random);
    let first_small = 1 + random.below(style.functions) as usize;
    let small = random.below(SMALL + 1) as usize;
    let functions = (0..first_small + small).map(|_| code.label()).collect();
    let epilogue = code.label();
    let (stack, link) = if random.once_in(4) { (some_register(random), 5) } else { (2, 1) };
    let saved = match random.below(3) {
        // The usual convention: s0 to s11.
        0 => 0x0ffc_0300,
        _ => random.bits() as u32 & random.bits() as u32,
    };
    let pool = match random.below(5) {
        0 | 1 => (0..FEW).fold(0, |few, _| few | 1 << random.between(1, 31)),
        _ => ALL,
    };
    let small_pool = (0..FEW).fold(0, |few, _| few | 1 << random.between(1, 31));
    let float = rows(&[Group::Float], |role| role == Role::Compute);
    let groups = [Group::Base, Group::Float];
    let function = Function {
        number: 0,
        start: 0,
        base: 0,
        pool,
        usable: 0,
        kept: None,
        epilogue,
        loops: Vec::new(),
        left: 0,
    };
    let mut maker = Maker {
        // A third of the others compute no floating point.
        float: if pool != ALL || random.once_in(3) { Vec::new() } else { float },
        any: rows(&[Group::Base, Group::Muldiv, Group::Bitmanip], |role| role == Role::Compute),
        memory: rows(if random.once_in(2) { &groups } else { &groups[..1] }, |role| role == Role::Memory),
        atomic: rows(&[Group::Atomic], |role| matches!(role, Role::Atomic(_))),
        random,
        code,
        places,
        style,
        functions,
        first_small,
        table: Vec::new(),
        pool,
        small_pool: if pool == ALL { small_pool } else { pool },
        stack,
        link,
        saved: saved & !(1 << stack | 1 << link | 1),
        busy: 0,
        function,
    };
    maker.main();
    for number in 0..maker.functions.len() {
        maker.function(number);
    }
    maker.finish()
}

/// One of the registers that are neither R0 nor, mostly, a link register.
fn some_register(random: &mut Random) -> u8 {
    random.between(6, 31) as u8
}

impl Maker<'_> {
    /// The program's start: sets every register, then calls functions for ever.
    fn main(&mut self) {
        for register in 1..32 {
            let value = values::integer(self.random);
            self.code.constant(register, value);
        }
        self.code.constant(self.stack, self.places.stack);
        let head = self.code.placed();
        let free = ALL & !(1 << self.stack | 1 << self.link);
        let scope = Scope { writes: free, reads: free, depth: 0, rounds: 1 };
        for _ in 0..1 + self.random.below(4) {
            self.arguments(free);
            for _ in 0..self.random.below(4) {
                self.compute(&scope);
            }
            let function = self.random.pick(&self.functions);
            self.code.call(self.link, function);
        }
        self.code.jump(head);
    }

    /// Sets most registers to other values than the last time: those that stay the same show no mistake, and computations alone wear
    /// values out.
    fn arguments(&mut self, free: Registers) {
        const MULTIPLIER: u64 = 0x5851_f42d_4c95_7f2d;
        const STATE: i32 = SCRATCH_SIZE as i32 - 8;
        let state = self.one_of(free);
        let other = self.one_of(free & !(1 << state));
        self.code.constant(other, self.places.scratch);
        self.code.immediate(Op::Ld, state, other, STATE);
        self.code.constant(other, MULTIPLIER);
        self.code.registers(Op::Mul, state, state, other);
        self.code.immediate(Op::Addi, state, state, 1 + self.random.below(1000) as i32);
        self.code.constant(other, self.places.scratch);
        self.code.store(Op::Sd, state, other, STATE);
        for register in (1..32).filter(|register| free & !(1 << state) & 1 << register != 0) {
            let shift = self.random.below(32) as i32;
            match self.random.below(8) {
                0 => {}
                1 => self.code.registers(Op::Add, register, register, state),
                2 => self.code.registers(Op::Xor, register, register, state),
                3 => self.code.immediate(Op::Srai, register, state, 24 + shift),
                4 => self.code.immediate(Op::Sraiw, register, state, shift),
                5 => self.code.immediate(Op::Andi, register, state, shift),
                _ => self.code.immediate(Op::Addi, register, state, shift),
            }
        }
    }

    /// Some of the registers, at least one if there is any; those that engines treat specially more often.
    fn some_of(&mut self, of: Registers) -> Registers {
        let bits = self.random.bits();
        let chosen = match self.random.below(4) {
            0 => bits as u32 & (bits >> 32) as u32,
            1 => bits as u32,
            2 => bits as u32 & USUAL | (bits >> 32) as u32 & (bits >> 16) as u32 & !USUAL,
            _ => bits as u32 & !USUAL | (bits >> 32) as u32 & (bits >> 16) as u32 & USUAL,
        };
        match of & chosen {
            0 => of,
            some => some,
        }
    }

    /// One of the registers; R0 if there is none.
    fn one_of(&mut self, of: Registers) -> u8 {
        match of & ALL {
            0 => 0,
            of => loop {
                let register = self.random.between(1, 31) as u8;
                if of >> register & 1 != 0 {
                    break register;
                }
            },
        }
    }

    /// A register to write.
    fn target(&mut self, scope: &Scope) -> u8 {
        self.one_of(scope.writes & !self.busy)
    }

    /// A register to read: of the scope's, or now and then any.
    fn source(&mut self, scope: &Scope) -> u8 {
        match self.random.below(16) {
            0 => self.one_of(self.function.pool | 1 << self.stack),
            1..10 => self.one_of(scope.writes),
            _ => self.one_of(scope.reads),
        }
    }

    /// A register that nothing else writes until it is let go; `None` if there is none.
    fn take(&mut self, of: Registers) -> Option<u8> {
        let register = self.one_of(of & !self.busy);
        self.busy |= 1 << register;
        (register != 0).then_some(register)
    }

    fn let_go(&mut self, register: u8) {
        self.busy &= !(1 << register);
    }

    fn finish(self) -> Structured {
        let Maker { random, code, places, table, .. } = self;
        let share = random.pick(&[0, 1, 3, 4]);
        let laid_out = code.lay_out(|| random.below(4) < share);
        Structured { data: data(random, places.data, &table, &laid_out), code: laid_out.bytes }
    }
}

/// Strings, a list in random order, and the addresses of code.
fn data(random: &mut Random, at: u64, table: &[Label], code: &LaidOut) -> Vec<u8> {
    const LONGEST: u64 = 30;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < LIST - LONGEST {
        bytes.extend((0..random.below(LONGEST)).map(|_| 1 + random.below(255) as u8));
        bytes.push(0);
    }
    bytes.resize(LIST as usize, 0);
    let mut order: Vec<u64> = (0..CELLS).collect();
    for place in (1..order.len()).rev() {
        order.swap(place, random.below(place as u64 + 1) as usize);
    }
    let mut cells = vec![[0; 2]; CELLS as usize];
    for (place, &cell) in order.iter().enumerate() {
        let next = order.get(place + 1).map_or(0, |next| at + LIST + CELL * next);
        cells[cell as usize] = [next, values::integer(random)];
    }
    bytes.extend(cells.into_iter().flatten().flat_map(u64::to_le_bytes));
    bytes.resize(TABLES as usize, 0);
    bytes.extend(table.iter().flat_map(|&label| code.address_of(label).to_le_bytes()));
    assert!(bytes.len() as u64 <= DATA_SIZE, "programs are too short to have so many tables");
    bytes
}
