//! A machine of several harts and two VMs for breaking things: on each hart a small hypervisor enters virtual CPUs of random
//! instructions, and does something random between an exit and the next entry. It sends interrupts, binds and unbinds ranges, sets
//! policies, flushes, writes MSRs, touches devices, sets a disk's queue up, and goes over to the virtual CPU that it has of the
//! other VM.
//!
//! ```text
//! 0x8000_0000  the hypervisor's code, all harts'
//! 0x8000_8000  descriptors for IOVMAP, each VM's
//! 0x8001_0000  VMCSs: each hart's of the first VM and of the second
//! 0x8002_0000  MSR map, MSR shadow table, I/O map
//! 0x8004_0000  the second stage's tables of the first VM; of the second from 0x8005_0000 on
//! 0x8020_0000  the first VM's memory, 2 MiB; the second's follows
//! ```
//!
//! Second stages also lead to devices, the test finisher aside. What Ring -1 does may be wrong: then it traps, and goes on behind the
//! instruction. A run needs a limit of instructions.

use crate::code::{Code, Label, register::*};
use crate::wild_guest::{
    CODE, FINISHER_PASS, GUEST_PHYSICAL, GUEST_SIZE, Home, STREAM_SIZE, Segment, Stage, TABLE_COUNT,
    control_structure, finish, guest_memory, set_out, sparse, start_again, tables, value,
};
use crate::{Random, values, wild};
use std::ops::Range;
use visa_isa::cause::ExitCause;
use visa_isa::exit::qualification;
use visa_isa::io::{self, IO_MAP_BYTES, MSR_MAP_BYTES, MSR_SHADOW_BYTES, RANGE_BYTES, RangeKind};
use visa_isa::paging::{PAGE_SIZE, PTE_PPN_SHIFT, PTE_READ, PTE_VALID, PTE_WRITE};
use visa_isa::vmcs::Action;
use visa_isa::{Instruction, Op, msr};

const DESCRIPTORS: u64 = 0x8000_8000;
const VMCS: u64 = 0x8001_0000;
const MAPS: [(u64, u64); 3] =
    [(0x8002_0000, MSR_MAP_BYTES), (0x8002_1000, MSR_SHADOW_BYTES), (0x8002_9000, IO_MAP_BYTES)];
const NESTED_TABLES: u64 = 0x8004_0000;
const NESTED_TABLES_SPACING: u64 = 0x1_0000;
/// The VMs' memories.
pub const MEMORIES: Range<u64> = 0x8020_0000..0x8020_0000 + VMS * GUEST_SIZE;

const VMS: u64 = 2;
const HARTS_MAX: u64 = 3;
/// Descriptors of each VM.
const DESCRIPTOR_COUNT: u64 = 32;
/// Things that the hypervisor of a run may do.
const ACTIONS: u64 = 16;
/// Devices: clock, PLIC's enables and a context, UART, the slots of virtio-mmio.
const DEVICES: [u64; 8] =
    [0x10_1000, 0xc00_2000, 0xc20_0000, 0x1000_0000, 0x1000_1000, 0x1000_1000, 0x1000_2000, 0x1000_8000];
/// The slot that has the disk.
const DISK: u64 = 0x1000_1000;
/// Where a queue of the disk is in a VM's memory: its three parts, a page each.
const QUEUE: u64 = STREAM_SIZE as u64;
const QUEUE_ENTRIES: u64 = 16;
/// Headers of its requests, from its start on.
const HEADERS: u64 = 3 * PAGE_SIZE;
/// Memory that no VM has.
const NOBODYS: u64 = MEMORIES.end;
/// A multiplier of a congruential generator (L'Ecuyer, 1999).
const MULTIPLIER: u64 = 0x27bb_2ee6_87b0_b0fd;

/// The memory of such a machine.
#[derive(Clone, Debug)]
pub struct WildMachine {
    /// What is where. All other memory may hold anything.
    pub segments: Vec<Segment>,
    /// Where every hart starts.
    pub entry: u64,
    /// How many there are.
    pub harts: usize,
}

impl WildMachine {
    /// The machine that follows from a seed; each hart's hypervisor ends the run after so many exits.
    pub fn random(seed: u64, exit_count: u32) -> WildMachine {
        let random = &mut Random::fork(seed, 99);
        let harts = 1 + random.below(HARTS_MAX);
        // The disk is told of the first VM's memory as that sees it, or as Ring -1 does.
        let view = random.pick(&[GUEST_PHYSICAL, memory(0)]);
        let mut segments = vec![
            Segment { address: CODE, bytes: hypervisor(random, exit_count, harts, view) },
            Segment {
                address: DESCRIPTORS,
                bytes: (0..VMS).flat_map(|vm| descriptors(random, vm)).collect(),
            },
        ];
        segments.extend(MAPS.map(|(address, size)| Segment { address, bytes: sparse(random, size) }));
        for vm in 0..VMS {
            let address = NESTED_TABLES + vm * NESTED_TABLES_SPACING;
            segments.push(Segment { address, bytes: nested_tables(random, address, vm) });
            segments.push(Segment { address: memory(vm), bytes: memory_of(random, view) });
            for hart in 0..harts {
                let home = Home {
                    nested_tables: address,
                    memory: memory(vm),
                    maps: MAPS.map(|(map, _)| map),
                    // Their own: the hypervisor goes over to the other VM without a flush.
                    vmid: Some(1 + vm as u16),
                    virtual_cpu: hart,
                    trap_vector: None,
                };
                let bytes = control_structure(random, &home);
                segments.push(Segment { address: VMCS + (2 * hart + vm) * PAGE_SIZE, bytes });
            }
        }
        WildMachine { segments, entry: CODE, harts: harts as usize }
    }

    /// Memory that a run may change: the VMs', VMCSs, the I/O map, and the second stages' tables.
    pub fn may_change() -> [Range<u64>; 4] {
        let (map, size) = MAPS[2];
        let tables_end = NESTED_TABLES + (VMS - 1) * NESTED_TABLES_SPACING + TABLE_COUNT * PAGE_SIZE;
        [MEMORIES, VMCS..VMCS + 2 * HARTS_MAX * PAGE_SIZE, map..map + size, NESTED_TABLES..tables_end]
    }
}

fn memory(vm: u64) -> u64 {
    MEMORIES.start + vm * GUEST_SIZE
}

/// Where a disk may be asked to write: in a VM, in the hypervisor, in memory of nobody's.
fn anywhere(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => CODE + random.below(MEMORIES.start - CODE),
        1 => NOBODYS + random.below(GUEST_SIZE),
        _ => value(random),
    }
}

/// As of a guest alone, with a queue of a disk, which finds that memory at `view`.
fn memory_of(random: &mut Random, view: u64) -> Vec<u8> {
    let mut bytes = guest_memory(random, wild::stream);
    let mut put = |offset: u64, value: &[u8]| {
        let offset = offset as usize;
        bytes[offset..offset + value.len()].copy_from_slice(value);
    };
    // Chains of three: header, data, status; one in so many is something else.
    for entry in 0..QUEUE_ENTRIES {
        let (address, bytes, flags) = match entry % 3 {
            0 => (view + QUEUE + HEADERS + 16 * entry, 16, 1),
            1 => (anywhere(random), random.pick(&[512, 512, 1024, 4096]), random.pick(&[1, 3, 3])),
            _ => (anywhere(random), 1, 2),
        };
        let next = if random.once_in(16) { random.below(QUEUE_ENTRIES + 1) } else { entry + 1 };
        let wild = random.once_in(16);
        let bytes = if wild { random.bits() as u32 } else { bytes };
        let flags = if wild { random.below(8) as u16 } else { flags };
        let at = QUEUE + 16 * entry;
        put(at, &address.to_le_bytes());
        put(at + 8, &bytes.to_le_bytes());
        put(at + 12, &flags.to_le_bytes());
        put(at + 14, &(next as u16).to_le_bytes());
        // Read, write, flush, identify; of one of the first sectors.
        put(QUEUE + HEADERS + 16 * entry, &random.pick(&[0u32, 0, 1, 4, 8]).to_le_bytes());
        put(QUEUE + HEADERS + 16 * entry + 4, &[0; 4]);
        put(QUEUE + HEADERS + 16 * entry + 8, &random.below(130).to_le_bytes());
    }
    put(QUEUE + PAGE_SIZE, &0u16.to_le_bytes());
    put(QUEUE + PAGE_SIZE + 2, &(random.below(QUEUE_ENTRIES) as u16).to_le_bytes());
    for entry in 0..QUEUE_ENTRIES {
        let head = if random.once_in(16) { random.below(QUEUE_ENTRIES + 1) } else { entry * 3 % 15 };
        put(QUEUE + PAGE_SIZE + 4 + 2 * entry, &(head as u16).to_le_bytes());
    }
    bytes
}

/// Tables that keep a VM in its memory, or lead it to devices.
fn nested_tables(random: &mut Random, at: u64, vm: u64) -> Vec<u8> {
    let mut bytes = tables(random, at, GUEST_PHYSICAL, memory(vm), Stage::Second);
    let leaves = (TABLE_COUNT as usize - 1) * PAGE_SIZE as usize;
    for leaf in bytes[leaves..].chunks_exact_mut(8) {
        if random.once_in(16) {
            let page = random.pick(&DEVICES) / PAGE_SIZE;
            let entry = page << PTE_PPN_SHIFT | PTE_VALID | PTE_READ | PTE_WRITE | visa_isa::paging::PTE_USER;
            leaf.copy_from_slice(&entry.to_le_bytes());
        }
    }
    bytes
}

/// What IOVMAP may be given for a VM: mostly what it takes, within the VM's own memory, or devices.
fn descriptors(random: &mut Random, vm: u64) -> Vec<u8> {
    let pages = GUEST_SIZE / PAGE_SIZE;
    let descriptor = |_| {
        let kinds = [RangeKind::Unmap, RangeKind::Trap, RangeKind::Passthrough, RangeKind::Passthrough];
        let kind = random.pick(&kinds) as u64;
        let guest = GUEST_PHYSICAL + random.below(pages + 32) * PAGE_SIZE;
        let length = PAGE_SIZE * (1 + random.below(4));
        let (length, target) = match random.below(3) {
            0 => (PAGE_SIZE, random.pick(&DEVICES)),
            _ => (length, memory(vm) + random.below(pages - 4) * PAGE_SIZE),
        };
        let target = if kind == RangeKind::Trap as u64 { random.bits() } else { target };
        let mut fields = [kind, guest, length, target];
        if random.once_in(16) && kind != RangeKind::Passthrough as u64 {
            fields[random.below(3) as usize] = values::integer(random);
        }
        fields
    };
    let fields: Vec<[u64; 4]> = (0..DESCRIPTOR_COUNT).map(descriptor).collect();
    fields.into_iter().flatten().flat_map(u64::to_le_bytes).collect()
}

/// Ring -1's code. S0 counts exits down, S1 says where the guest starts again after a shutdown, S2 holds what is random, S3 the VMCS that
/// is current.
fn hypervisor(random: &mut Random, exit_count: u32, harts: u64, view: u64) -> Vec<u8> {
    let mut code = Code::at(CODE);
    let (after_exit, done, start) = (code.label(), code.label(), code.label());
    code.jump(start);
    // The trap handler is the second instruction.
    code.read_msr(T0, msr::HVEPC);
    code.immediate(Op::Addi, T0, T0, 4);
    code.write_msr(msr::HVEPC, T0);
    code.push(Instruction::new(Op::Hvret));
    code.place(done);
    finish(&mut code, FINISHER_PASS);

    code.place(start);
    set_out(random, &mut code, exit_count);
    code.constant(S2, random.bits());
    code.registers(Op::Add, S2, S2, A0);
    // Every hart begins with the VM of its number, so that one may have several of them.
    code.immediate(Op::Slli, S3, A0, 13);
    code.constant(T0, VMCS);
    code.registers(Op::Add, S3, S3, T0);
    code.immediate(Op::Andi, T0, A0, 1);
    code.immediate(Op::Slli, T0, T0, 12);
    code.registers(Op::Add, S3, S3, T0);
    code.push(Instruction { rs1: S3, ..Instruction::new(Op::Vmenter) });

    code.place(after_exit);
    code.immediate(Op::Addi, S0, S0, -1);
    code.branch(Op::Beq, S0, ZERO, done);
    let answered = code.label();
    act(random, &mut code, answered, (harts, view));
    code.place(answered);
    answer(&mut code);
    code.push(Instruction::new(Op::Vmresume));
    code.jump(after_exit);
    assert!(code.size() < DESCRIPTORS - CODE, "it is short");
    code.bytes()
}

/// How the guest goes on: behind an instruction that exited, or elsewhere, or where it is.
fn answer(code: &mut Code) {
    let (restart, resume) = (code.label(), code.label());
    code.push(Instruction { rd: A0, ..Instruction::new(Op::Vmcause) });
    for cause in [ExitCause::Shutdown, ExitCause::EntryFailure] {
        code.constant(T0, cause as u64);
        code.branch(Op::Beq, A0, T0, restart);
    }
    code.constant(T0, ExitCause::SingleStep as u64);
    code.branch(Op::Beq, A0, T0, resume);
    code.read_msr(T0, msr::VMQUAL);
    code.immediate(Op::Srli, T1, T0, qualification::LENGTH_SHIFT as i32);
    code.immediate(Op::Andi, T1, T1, 0xf);
    code.constant(T0, Action::Complete as u64);
    code.write_msr(msr::VMACTION, T0);
    code.branch(Op::Bne, T1, ZERO, resume);
    code.write_msr(msr::VMACTION, ZERO);
    code.place(restart);
    start_again(code, None);
    code.place(resume);
}

/// One of the actions of this run.
fn act(random: &mut Random, code: &mut Code, then: Label, (harts, view): (u64, u64)) {
    code.constant(T0, MULTIPLIER);
    code.registers(Op::Mul, S2, S2, T0);
    code.immediate(Op::Addi, S2, S2, 1);
    code.immediate(Op::Srli, T0, S2, 60);
    for action in 0..ACTIONS {
        let next = code.label();
        code.constant(T1, action);
        code.branch(Op::Bne, T0, T1, next);
        match random.below(10) {
            0 => send(random, code, harts),
            1 => {
                code.push(Instruction { rd: A1, ..Instruction::new(Op::VintAck) });
                code.push(Instruction { rd: A2, ..Instruction::new(Op::VintStat) });
            }
            2 | 3 => map(random, code),
            4 => mask(random, code),
            5 => flush(random, code),
            6 => write(random, code),
            7 => device(random, code),
            8 => disk(code, view),
            _ => switch(code),
        }
        code.jump(then);
        code.place(next);
    }
}

fn send(random: &mut Random, code: &mut Code, harts: u64) {
    let nobody = u64::from(random.once_in(8));
    let target = random.below(harts + nobody);
    let operand = match random.below(8) {
        0 => io::INTERRUPT_TO_HOST | target << 16,
        1 => random.bits() & random.bits(),
        _ => io::interrupt(random.below(64) as u8, target as u16),
    };
    code.constant(A1, operand);
    code.push(Instruction { rs1: A1, ..Instruction::new(Op::VintSend) });
}

/// One of the current VM's descriptors, which the low bits of what is random choose.
fn map(random: &mut Random, code: &mut Code) {
    code.constant(A1, DESCRIPTORS + if random.once_in(32) { 8 } else { 0 });
    code.immediate(Op::Srli, A2, S2, 40);
    code.immediate(Op::Andi, A2, A2, DESCRIPTOR_COUNT as i32 - 1);
    code.immediate(Op::Slli, A2, A2, RANGE_BYTES.trailing_zeros() as i32);
    code.registers(Op::Add, A1, A1, A2);
    // The second VM's follow.
    code.immediate(Op::Srli, A2, S3, 12);
    code.immediate(Op::Andi, A2, A2, 1);
    code.immediate(Op::Slli, A2, A2, (RANGE_BYTES * DESCRIPTOR_COUNT).trailing_zeros() as i32);
    code.registers(Op::Add, A1, A1, A2);
    code.push(Instruction { rs1: A1, ..Instruction::new(Op::Iovmap) });
}

fn mask(random: &mut Random, code: &mut Code) {
    let any = random.bits() as u16;
    let first = random.pick(&[0, 0x3f8, 0xcf8, any]);
    let last = first.saturating_add(random.pick(&[0, 7, 300, 65535]));
    let ports = if random.once_in(16) { values::integer(random) } else { io::ports(first, last) };
    code.constant(A1, ports);
    code.constant(A2, random.below(5));
    code.push(Instruction { rs1: A1, rs2: A2, ..Instruction::new(Op::Iovmask) });
}

fn flush(random: &mut Random, code: &mut Code) {
    code.constant(A1, 1 + random.below(3));
    code.constant(A2, GUEST_PHYSICAL + random.below(GUEST_SIZE));
    let rs1 = random.pick(&[ZERO, A1]);
    let rs2 = random.pick(&[ZERO, A2]);
    code.push(Instruction { rs1, rs2, ..Instruction::new(Op::Tlbflushv) });
}

/// An MSR of the VM, or one of Ring -1's that does not say where it traps to.
fn write(random: &mut Random, code: &mut Code) {
    const NUMBERS: [u16; 16] = [
        msr::HVIE,
        msr::HVIP,
        msr::HVTIMECMP,
        msr::EXCMAP,
        msr::VICPEND,
        msr::VICENAB,
        msr::VICTHRESH,
        msr::VMACTION,
        msr::VMINJECT,
        msr::VMTRAPCFG,
        msr::TIMEOFF,
        msr::TIMESCALE,
        msr::VCPUID,
        msr::SSTATUS,
        msr::SIE,
        msr::STIMECMP,
    ];
    let number = random.pick(&NUMBERS);
    let step = visa_isa::trap_filter::STEP;
    let value = match number {
        msr::VCPUID => random.below(4),
        msr::HVTIMECMP | msr::STIMECMP => random.below(2_000),
        msr::VMTRAPCFG => random.bits() & random.bits() & !step,
        _ => values::integer(random),
    };
    code.constant(A1, value);
    code.write_msr(number, A1);
}

fn device(random: &mut Random, code: &mut Code) {
    let at = random.pick(&DEVICES) + 4 * random.below(64);
    code.constant(A1, at);
    if random.once_in(2) {
        code.immediate(random.pick(&[Op::Lb, Op::Lw, Op::Lw, Op::Ld]), A2, A1, 0);
    } else {
        let any = random.bits();
        code.constant(A2, random.pick(&[0, 1, 0xff, any]));
        code.store(random.pick(&[Op::Sb, Op::Sw, Op::Sw, Op::Sd]), A2, A1, 0);
    }
}

/// Sets the disk's queue up in the first VM's memory, and tells the disk of requests.
fn disk(code: &mut Code, view: u64) {
    const STATUS: u64 = 0x70;
    let part = |number: u64| view + QUEUE + number * PAGE_SIZE;
    code.constant(A1, DISK);
    let mut registers =
        vec![(STATUS, 0), (STATUS, 3), (0x24, 1), (0x20, 1), (STATUS, 11), (0x30, 0), (0x38, QUEUE_ENTRIES)];
    for (number, register) in [0x80, 0x90, 0xa0].into_iter().enumerate() {
        registers.push((register, part(number as u64)));
        registers.push((register + 4, part(number as u64) >> 32));
    }
    registers.extend([(0x44, 1), (STATUS, 15), (0x50, 0)]);
    for (register, value) in registers {
        code.constant(A2, value);
        code.store(Op::Sw, A2, A1, register as i32);
    }
}

/// Goes over to this hart's virtual CPU of the other VM.
fn switch(code: &mut Code) {
    code.push(Instruction { rs1: S3, ..Instruction::new(Op::Vmsave) });
    code.constant(A1, PAGE_SIZE);
    code.registers(Op::Xor, S3, S3, A1);
    code.push(Instruction { rs1: S3, ..Instruction::new(Op::Vmload) });
}
