//! A whole machine's memory for breaking things: a small hypervisor in Ring -1 that enters a guest of random
//! instructions, in Ring 0 or 3, under a random trap filter and random page tables of both stages.
//!
//! ```text
//! 0x8000_0000  the hypervisor's code
//! 0x8000_2000  the VMCS
//! 0x8000_3000  MSR map, MSR shadow table, I/O map
//! 0x8001_0000  the second stage's tables
//! 0x8020_0000  the guest's memory, 2 MiB: code, data, its own tables in the last pages
//! ```
//!
//! The hypervisor answers every exit in some way (steps past the instruction, injects an exception, starts again elsewhere)
//! until it has seen as many as it was told, then passes the test finisher. If Ring -1 itself traps, it fails the
//! finisher: nothing that a guest does may cause that. A guest may also run for ever without an exit, so a run needs
//! a limit of instructions.

use crate::code::{Code, register::*};
use crate::{Random, touches, values, wild};
use std::ops::Range;
use visa_isa::cause::{EXCEPTION_MAP_VALID, Exception, ExitCause};
use visa_isa::exit::qualification;
use visa_isa::io::{IO_MAP_BYTES, MSR_MAP_BYTES, MSR_SHADOW_BYTES, RANGE_BYTES, RangeKind, range};
use visa_isa::paging::{self, Mode, PAGE_SIZE, TableBase};
use visa_isa::vmcs::{self, Action};
use visa_isa::{Instruction, Op, msr, trap_filter};

pub(crate) const CODE: u64 = 0x8000_0000;
const VMCS: u64 = 0x8000_2000;
const MSR_MAP: u64 = 0x8000_3000;
const MSR_SHADOW: u64 = 0x8000_4000;
const IO_MAP: u64 = 0x8000_c000;
const NESTED_TABLES: u64 = 0x8001_0000;

/// Where a virtual CPU and its VM are.
pub(crate) struct Home {
    /// The second stage's tables.
    pub nested_tables: u64,
    /// The VM's memory.
    pub memory: u64,
    /// MSR map, MSR shadow table, I/O map.
    pub maps: [u64; 3],
    /// The VMID; `None`: any.
    pub vmid: Option<u16>,
    pub virtual_cpu: u64,
    /// Where in its memory the guest's kernel traps to; `None`: anywhere.
    pub trap_vector: Option<u64>,
}

const HOME: Home = Home {
    nested_tables: NESTED_TABLES,
    memory: GUEST_MEMORY.start,
    maps: [MSR_MAP, MSR_SHADOW, IO_MAP],
    vmid: None,
    virtual_cpu: 0,
    trap_vector: None,
};

/// The guest's memory, as the machine has it.
pub const GUEST_MEMORY: Range<u64> = 0x8020_0000..0x8040_0000;
/// The guest's memory, as the guest's physical addresses have it.
pub(crate) const GUEST_PHYSICAL: u64 = 0x4000_0000;
/// The guest's memory, as its Sv39 table maps it.
const GUEST_VIRTUAL: u64 = 0x0040_0000;
pub(crate) const GUEST_SIZE: u64 = GUEST_MEMORY.end - GUEST_MEMORY.start;
/// Where the guest's tables are in its memory.
pub(crate) const GUEST_TABLES: u64 = GUEST_SIZE - TABLE_COUNT * PAGE_SIZE;
/// How much of the guest's memory holds instructions.
pub(crate) const STREAM_SIZE: usize = 64 << 10;

/// From one start of the guest to the next: even, and without a common factor with the stream's halves.
pub(crate) const RESTART_DISTANCE: u64 = 0x1236;

/// Turns the place of a start into a trap filter.
const FILTER_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the hypervisor writes to the test finisher: that all is well, or that it trapped itself.
pub(crate) const FINISHER_PASS: u64 = 0x5555;
pub(crate) const FINISHER_FAIL: u64 = 1 << 16 | 0x3333;

/// A root, one table below it, and one below that.
pub(crate) const TABLE_COUNT: u64 = 3;
const ENTRIES: u64 = PAGE_SIZE / 8;

/// Bytes that belong at a physical address.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The address.
    pub address: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The memory of a machine with a wild guest, and what must be true of it.
#[derive(Clone, Debug)]
pub struct WildGuest {
    /// What is where. All other memory may hold anything.
    pub segments: Vec<Segment>,
    /// Where Ring -1 starts.
    pub entry: u64,
}

impl WildGuest {
    /// The machine that follows from a seed; its hypervisor ends the run after this many exits.
    pub fn random(seed: u64, exit_count: u32) -> Self {
        Self::with(seed, exit_count, None, wild::stream)
    }

    /// The same with a guest whose instructions are loops that touch all of its memory. In two of three its kernel has what faults
    /// passed over, so that the loops go on.
    pub fn touching(seed: u64, exit_count: u32) -> Self {
        let memory_bits = GUEST_SIZE.trailing_zeros() as i32;
        let passes_over = !seed.is_multiple_of(3);
        Self::with(seed, exit_count, passes_over.then_some(0), |random, size| {
            let mut bytes = if passes_over { touches::pass_over() } else { Vec::new() };
            bytes.extend(touches::stream(random, size - bytes.len(), memory_bits));
            bytes
        })
    }

    fn with(
        seed: u64,
        exit_count: u32,
        trap_vector: Option<u64>,
        stream: impl Fn(&mut Random, usize) -> Vec<u8>,
    ) -> Self {
        let home = Home { trap_vector, ..HOME };
        let mut random = Random::new(seed);
        let random = &mut random;
        let segments = vec![
            Segment { address: CODE, bytes: hypervisor(random, exit_count, trap_vector) },
            Segment { address: VMCS, bytes: control_structure(random, &home) },
            Segment { address: MSR_MAP, bytes: sparse(random, MSR_MAP_BYTES) },
            Segment { address: MSR_SHADOW, bytes: sparse(random, MSR_SHADOW_BYTES) },
            Segment { address: IO_MAP, bytes: sparse(random, IO_MAP_BYTES) },
            Segment {
                address: NESTED_TABLES,
                bytes: tables(random, NESTED_TABLES, GUEST_PHYSICAL, GUEST_MEMORY.start, Stage::Second),
            },
            Segment { address: GUEST_MEMORY.start, bytes: guest_memory(random, stream) },
        ];
        Self { segments, entry: CODE }
    }

    /// Memory that a run may change: the guest's, the VMCS (exits store into it), and the accessed and dirty bits
    /// of the second stage's tables. Everything else must stay as it was.
    pub fn may_change(&self) -> [Range<u64>; 3] {
        let tables_end = NESTED_TABLES + TABLE_COUNT * PAGE_SIZE;
        [GUEST_MEMORY, VMCS..VMCS + vmcs::SIZE, NESTED_TABLES..tables_end]
    }
}

/// Random bytes of which most are zero.
pub(crate) fn sparse(random: &mut Random, size: u64) -> Vec<u8> {
    (0..size).map(|_| if random.once_in(8) { random.bits() as u8 } else { 0 }).collect()
}

/// Instructions, then values that may serve as data or as pointers, then the guest's tables.
pub(crate) fn guest_memory(random: &mut Random, stream: impl Fn(&mut Random, usize) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = stream(random, STREAM_SIZE);
    while (bytes.len() as u64) < GUEST_TABLES {
        bytes.extend(value(random).to_le_bytes());
    }
    let at = GUEST_PHYSICAL + GUEST_TABLES;
    bytes.extend(tables(random, at, GUEST_VIRTUAL, GUEST_PHYSICAL, Stage::First));
    bytes
}

/// Whose tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The guest's own, which may say anything.
    First,
    /// The hypervisor's, which keep the guest in: no entry leads out of its memory.
    Second,
}

/// Tables, found at `at` by their user, that map the guest's memory from `from` to `to` in pages of 4 KiB. Most
/// entries allow everything; some lack a permission, some are garbage.
pub(crate) fn tables(random: &mut Random, at: u64, from: u64, to: u64, stage: Stage) -> Vec<u8> {
    const LEVEL_2_SHIFT: u32 = 30;
    const LEVEL_1_SHIFT: u32 = 21;
    let mut words = vec![0u64; (TABLE_COUNT * ENTRIES) as usize];
    let entry = |address: u64, flags: u64| (address >> paging::PAGE_SHIFT) << paging::PTE_PPN_SHIFT | flags;
    words[(from >> LEVEL_2_SHIFT) as usize] = entry(at + PAGE_SIZE, paging::PTE_VALID);
    let middle = ENTRIES + (from >> LEVEL_1_SHIFT) % ENTRIES;
    words[middle as usize] = entry(at + 2 * PAGE_SIZE, paging::PTE_VALID);
    for page in 0..ENTRIES {
        let all = paging::PTE_VALID | paging::PTE_READ | paging::PTE_WRITE | paging::PTE_EXECUTE;
        let good = entry(to + page * PAGE_SIZE, all | if random.once_in(2) { paging::PTE_USER } else { 0 });
        words[(2 * ENTRIES + page) as usize] = match random.below(32) {
            0 if stage == Stage::First => random.bits(),
            0 => random.bits() & !paging::PTE_VALID,
            1..4 => good & !(1 << random.below(4)),
            _ => good,
        };
    }
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// A value that is often an address, or close to one, in one of the guest's address spaces.
pub(crate) fn value(random: &mut Random) -> u64 {
    let within = random.below(GUEST_SIZE);
    match random.below(8) {
        0 | 1 => GUEST_VIRTUAL + within,
        2 | 3 => GUEST_PHYSICAL + within,
        4 => GUEST_MEMORY.start + within,
        5 => values::float(random),
        _ => values::integer(random),
    }
}

/// A VMCS that an entry accepts.
pub(crate) fn control_structure(random: &mut Random, home: &Home) -> Vec<u8> {
    let mut page = vec![0; vmcs::SIZE as usize];
    let mut set = |offset: u16, value: u64| {
        page[usize::from(offset)..usize::from(offset) + 8].copy_from_slice(&value.to_le_bytes());
    };
    let translated = !random.once_in(3);
    let start = if translated { GUEST_VIRTUAL } else { GUEST_PHYSICAL };
    let base = |root, tag| TableBase { mode: Mode::Sv39, tag, root }.value();
    let any = random.bits() as u16 & ((1 << paging::VMID_BITS) - 1);
    set(vmcs::REVISION, vmcs::REVISION_VALUE);
    // Single step would make every instruction an exit: rarely.
    let step = if random.once_in(8) { 0 } else { trap_filter::STEP };
    set(vmcs::TRAPCFG, random.bits() & random.bits() & trap_filter::VALID & !step);
    set(vmcs::NESTED_BASE, base(home.nested_tables, home.vmid.unwrap_or(any)));
    set(vmcs::VIRTUAL_CPU, home.virtual_cpu);
    set(vmcs::EXCEPTION_MAP, random.bits() & random.bits() & EXCEPTION_MAP_VALID);
    for (field, map) in [vmcs::MSR_MAP, vmcs::MSR_SHADOW, vmcs::IO_MAP].into_iter().zip(home.maps) {
        set(field, if random.once_in(2) { map } else { 0 });
    }
    set(vmcs::TIME_OFFSET, values::integer(random));
    set(vmcs::TIME_SCALE, values::integer(random).max(1));
    set(vmcs::PC, start + (random.below(STREAM_SIZE as u64) & !1));
    set(vmcs::RING, random.pick(&[0, 3]));
    set(vmcs::GUEST_FCSR, random.bits() & 0xff);
    set(vmcs::GUEST_SSTATUS, random.bits() | msr::sstatus::FS);
    set(vmcs::GUEST_SIE, random.bits());
    let anywhere = random.below(STREAM_SIZE as u64) & !3;
    set(vmcs::GUEST_STVEC, start + home.trap_vector.unwrap_or(anywhere));
    set(vmcs::GUEST_SCOUNTEREN, random.bits() & 7);
    set(vmcs::GUEST_SEPC, start + random.below(STREAM_SIZE as u64));
    set(vmcs::GUEST_STIMECMP, random.below(1 << 20));
    let guest_base = base(GUEST_PHYSICAL + GUEST_TABLES, random.bits() as u16);
    set(vmcs::PAGE_TABLE_BASE, if translated { guest_base } else { 0 });
    set(vmcs::VIC_PENDING, random.bits() & !1);
    set(vmcs::VIC_ENABLED, random.bits() & !1);
    set(vmcs::VIC_THRESHOLD, random.below(64));
    for (index, [kind, address, length, target]) in ranges(random, home.memory).into_iter().enumerate() {
        let at = vmcs::RANGES + (index as u64 * RANGE_BYTES) as u16;
        set(at + range::KIND as u16, kind);
        set(at + range::GUEST_ADDRESS as u16, address);
        set(at + range::LENGTH as u16, length);
        set(at + range::TARGET as u16, target);
    }
    for register in 1..32 {
        set(vmcs::REGISTERS + register * 8, value(random));
        set(vmcs::FLOAT_REGISTERS + register * 8, values::float(random));
    }
    page
}

/// IOVMAP ranges over pages of the guest's memory that do not overlap: trapped, or passed through to another page of it.
fn ranges(random: &mut Random, memory: u64) -> Vec<[u64; 4]> {
    const SPACING_PAGES: u64 = 16;
    let page = |page: u64, base: u64| base + page * PAGE_SIZE;
    (0..random.below(5))
        .map(|index| {
            let first = index * SPACING_PAGES + random.below(SPACING_PAGES / 2);
            let length = PAGE_SIZE * (1 + random.below(SPACING_PAGES / 2));
            let (kind, target) = match random.below(3) {
                0 => {
                    let pages = (GUEST_TABLES / PAGE_SIZE) - SPACING_PAGES;
                    (RangeKind::Passthrough, page(random.below(pages), memory))
                }
                _ => (RangeKind::Trap, random.bits()),
            };
            [kind as u64, page(first, GUEST_PHYSICAL), length, target]
        })
        .collect()
}

/// Ring -1's code. S0 counts exits down, S1 says where the guest starts again after a shutdown.
fn hypervisor(random: &mut Random, exit_count: u32, trap_vector: Option<u64>) -> Vec<u8> {
    let mut code = Code::at(CODE);
    let (after_exit, done) = (code.label(), code.label());
    let start = code.label();
    code.jump(start);

    // The trap handler is the second instruction.
    finish(&mut code, FINISHER_FAIL);
    code.place(done);
    finish(&mut code, FINISHER_PASS);

    code.place(start);
    set_out(random, &mut code, exit_count);
    code.constant(A0, VMCS);
    code.push(Instruction { rs1: A0, ..Instruction::new(Op::Vmenter) });

    code.place(after_exit);
    code.immediate(Op::Addi, S0, S0, -1);
    code.branch(Op::Beq, S0, ZERO, done);
    code.push(Instruction { rd: A0, ..Instruction::new(Op::Vmcause) });
    let (restart, no_instruction, resume) = (code.label(), code.label(), code.label());
    code.constant(T0, ExitCause::Shutdown as u64);
    code.branch(Op::Beq, A0, T0, restart);
    // An entry that fails would fail again.
    code.constant(T0, ExitCause::EntryFailure as u64);
    code.branch(Op::Beq, A0, T0, done);
    // A step is done: take the next.
    code.constant(T0, ExitCause::SingleStep as u64);
    code.branch(Op::Beq, A0, T0, resume);
    // With an instruction: step past it, with whatever is in VMRESULT. Without one, as of a fetch: inject an
    // exception, or start again, in turns.
    code.read_msr(T0, msr::VMQUAL);
    code.immediate(Op::Srli, T0, T0, qualification::LENGTH_SHIFT as i32);
    code.immediate(Op::Andi, T0, T0, 0xf);
    code.branch(Op::Beq, T0, ZERO, no_instruction);
    code.constant(T0, Action::Complete as u64);
    code.write_msr(msr::VMACTION, T0);
    code.jump(resume);

    code.place(no_instruction);
    code.immediate(Op::Andi, T0, S0, 1);
    code.branch(Op::Beq, T0, ZERO, restart);
    code.constant(T0, Exception::FetchAccessFault as u64);
    code.write_msr(msr::VMINJECT, T0);
    code.constant(T0, Action::Inject as u64);
    code.write_msr(msr::VMACTION, T0);
    code.jump(resume);

    code.place(restart);
    start_again(&mut code, trap_vector);
    code.place(resume);
    code.push(Instruction::new(Op::Vmresume));
    code.jump(after_exit);
    code.bytes()
}

/// Ring -1 traps to its second instruction from now on; S0 and S1 are as its code wants them.
pub(crate) fn set_out(random: &mut Random, code: &mut Code, exit_count: u32) {
    code.constant(T0, CODE + 4);
    code.write_msr(msr::HVVEC, T0);
    code.constant(S0, exit_count.into());
    code.constant(S1, random.below(STREAM_SIZE as u64) & !1);
}

/// The guest goes on elsewhere in its stream: in the other ring, without its own translation, with another trap
/// filter, its trap vector where it starts or where it belongs, and its timer off.
pub(crate) fn start_again(code: &mut Code, trap_vector: Option<u64>) {
    code.constant(T0, RESTART_DISTANCE);
    code.registers(Op::Add, S1, S1, T0);
    code.constant(T0, STREAM_SIZE as u64 - 2);
    code.registers(Op::And, S1, S1, T0);
    code.constant(T0, GUEST_PHYSICAL);
    code.registers(Op::Add, T0, T0, S1);
    code.write_msr(msr::VMPC, T0);
    match trap_vector {
        Some(offset) => code.constant(T0, GUEST_PHYSICAL + offset),
        None => code.immediate(Op::Andi, T0, T0, -4),
    }
    code.write_msr(msr::STVEC, T0);
    code.push(Instruction { rs1: ZERO, ..Instruction::new(Op::Ldgptbr) });
    code.read_msr(T0, msr::VMRING);
    code.immediate(Op::Xori, T0, T0, 3);
    code.write_msr(msr::VMRING, T0);
    // Some bits of a product are as good as random.
    code.constant(T0, FILTER_MULTIPLIER);
    code.registers(Op::Mul, T0, T0, S1);
    code.immediate(Op::Srli, T0, T0, 24);
    code.constant(T1, trap_filter::VALID & !trap_filter::STEP);
    code.registers(Op::And, T0, T0, T1);
    code.write_msr(msr::VMTRAPCFG, T0);
    code.constant(T0, u64::MAX);
    code.write_msr(msr::STIMECMP, T0);
}

/// Ends the run with a word to the test finisher.
pub(crate) fn finish(code: &mut Code, word: u64) {
    const FINISHER: u64 = 0x10_0000;
    code.constant(T0, FINISHER);
    code.constant(T1, word);
    code.store(Op::Sw, T1, T0, 0);
    let forever = code.placed();
    code.jump(forever);
}
