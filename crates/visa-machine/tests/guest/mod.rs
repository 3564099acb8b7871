//! A machine with a program in Ring -1 and a guest, put together by hand: for tests of costs and of features.
//!
//! ```text
//! 0x8000_0000  the program, Ring -1's and the guest's
//! 0x8010_0000  VMCS
//! 0x8020_0000  first-stage tables (Sv39, 4 KiB pages, each address to itself)
//! 0x8040_0000  second-stage tables (Sv39, each address to itself)
//! 0x8200_0000  data
//! ```
#![allow(dead_code)]

use visa_cycles::{Parameters, Preset};
use visa_isa::paging::{
    Mode, PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN_SHIFT, PTE_READ, PTE_USER,
    PTE_VALID, PTE_WRITE, TableBase,
};
use visa_isa::{Ring, vmcs};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::machine::{End, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;
use visa_state::Features;

pub const VMCS: u64 = 0x8010_0000;
const FIRST_STAGE: u64 = 0x8020_0000;
const SECOND_STAGE: u64 = 0x8040_0000;
pub const DATA: u64 = 0x8200_0000;
const RAM_BYTES: u64 = 128 << 20;

const MEGABYTE2: u64 = 2 << 20;
const GIGABYTE: u64 = 1 << 30;

/// How the second stage maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nested {
    /// Not at all.
    Off,
    /// With pages of 4 KiB.
    Small,
    /// With pages of 2 MiB.
    Large,
}

/// What to make.
#[derive(Clone)]
pub struct Setup<'a> {
    /// The program; `_start` in Ring -1, `guest` in the guest.
    pub source: &'a str,
    /// The guest's CR3 translates.
    pub paging: bool,
    /// The second stage.
    pub nested: Nested,
    /// VMTRAPCFG.
    pub trap_filter: u64,
    /// The ring of the guest.
    pub ring: Ring,
    /// Features.
    pub features: Features,
    /// The cycle model, and what of it is overridden.
    pub cycles: Option<(Preset, &'a [&'a str])>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup {
            source: "",
            paging: false,
            nested: Nested::Off,
            trap_filter: 0,
            ring: Ring::Kernel,
            features: Features::default(),
            cycles: None,
        }
    }
}

/// Ring -1's half of a program that enters the guest once and ends with it.
pub const ENTER_ONCE: &str = "
_start: li      R1, 0x80100000
        VMENTER R1
        li      t0, 0x100000            ; the finisher
        li      t1, 0x5555
        sw      t1, (t0)
1:      j       1b
";

impl Setup<'_> {
    /// The machine, ready to run.
    pub fn machine(&self) -> Machine {
        let config = BoardConfig { ram_bytes: RAM_BYTES, harts: 1, start_time_ns: 0 };
        let object = visa_asm::assemble(self.source, "test.s", &visa_asm::Options::default());
        let object = object.unwrap_or_else(|errors| panic!("{errors}"));
        let board = Board::new(&config).expect("a board");
        let mut machine = Machine::new(board, object.entry, 0, TimeSource::Instructions);
        write(&mut machine, RAM_BASE, &object.to_flat());
        self.write_vmcs(&mut machine, object.symbol("guest").unwrap_or(0));
        machine.set_features(self.features);
        if let Some((preset, assignments)) = self.cycles {
            let mut parameters = Parameters::preset(preset);
            assignments.iter().for_each(|assignment| parameters.set(assignment).expect("a parameter"));
            machine.model_cycles(&parameters).expect("it can be built");
        }
        machine
    }

    fn write_vmcs(&self, machine: &mut Machine, guest: u64) {
        let first = TableBase { mode: Mode::Sv39, tag: 7, root: FIRST_STAGE };
        let second = TableBase { mode: Mode::Sv39, tag: 5, root: SECOND_STAGE };
        map(machine, FIRST_STAGE, true);
        map(machine, SECOND_STAGE, self.nested == Nested::Small);
        for (field, value) in [
            (vmcs::REVISION, vmcs::REVISION_VALUE),
            (vmcs::TRAPCFG, self.trap_filter),
            (vmcs::NESTED_BASE, if self.nested == Nested::Off { 0 } else { second.value() }),
            (vmcs::TIME_SCALE, 1 << 32),
            (vmcs::PC, guest),
            (vmcs::RING, self.ring as u64),
            (vmcs::PAGE_TABLE_BASE, if self.paging { first.value() } else { 0 }),
            (vmcs::GUEST_STIMECMP, u64::MAX),
        ] {
            write(machine, VMCS + field as u64, &value.to_le_bytes());
        }
    }
}

/// Maps RAM to itself, and the gigabyte of devices with one page.
fn map(machine: &mut Machine, root: u64, small: bool) {
    let leaf = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_ACCESSED | PTE_DIRTY;
    let leaf = if root == FIRST_STAGE { leaf } else { leaf | PTE_USER };
    let entry = |address: u64, bits: u64| (address >> PAGE_SHIFT << PTE_PPN_SHIFT | bits).to_le_bytes();
    write(machine, root, &entry(0, leaf));
    let middle = root + PAGE_SIZE;
    write(machine, root + RAM_BASE / GIGABYTE * 8, &entry(middle, PTE_VALID));
    for index in 0..RAM_BYTES / MEGABYTE2 {
        let page = RAM_BASE + index * MEGABYTE2;
        if !small {
            write(machine, middle + index * 8, &entry(page, leaf));
            continue;
        }
        let table = middle + (index + 1) * PAGE_SIZE;
        write(machine, middle + index * 8, &entry(table, PTE_VALID));
        let entries = (0..512).flat_map(|number| entry(page + number * PAGE_SIZE, leaf));
        write(machine, table, &entries.collect::<Vec<u8>>());
    }
}

pub fn write(machine: &mut Machine, address: u64, bytes: &[u8]) {
    machine.write_physical(address, bytes).expect("it is RAM");
}

/// Runs to the end, which must be a pass, within so many instructions.
pub fn run(machine: &mut Machine, instructions: u64) {
    loop {
        match machine.run_slice(1_000_000, instructions.saturating_sub(machine.instructions())) {
            Progress::Running if machine.instructions() < instructions => {}
            Progress::Ended(End::Finished(0)) => return,
            other => {
                panic!(
                    "{other:?} at {:#x}, exit {:x?}",
                    machine.harts[0].state.bank.pc, machine.harts[0].state.exit
                )
            }
        }
    }
}
