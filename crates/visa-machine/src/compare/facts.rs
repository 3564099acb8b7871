//! The facts that are compared of a hart, with names: everything that a guest, a hypervisor or a report can see of it.

use std::fmt;

use visa_core::Hart;
use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_isa::msr::MSRS;
use visa_isa::register::{FLOAT_ABI, INTEGER_ABI};
use visa_mem::Ram;
use visa_state::VirtualMachine;

/// A value of the state, as people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Bits: of a register, or an address.
    Bits(u64),
    /// A number of something.
    Count(u64),
    /// A word.
    Word(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bits(bits) => write!(f, "{bits:#018x}"),
            Value::Count(count) => write!(f, "{count}"),
            Value::Word(word) => f.write_str(word),
        }
    }
}

/// A named part of the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fact {
    pub name: String,
    pub value: Value,
}

/// Something that two machines do not have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The hart whose it is; `None`: the board's.
    pub hart: Option<usize>,
    /// What it is.
    pub name: String,
    /// Its value in the fast machine.
    pub fast: Value,
    /// Its value in the reference.
    pub reference: Value,
}

/// The first place of RAM in which two machines differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryMismatch {
    /// Physical address of the first byte that differs.
    pub address: u64,
    /// Physical address of the bytes shown.
    pub shown_from: u64,
    /// The bytes there in the fast machine.
    pub fast: [u8; SHOWN_BYTES],
    /// The same in the reference.
    pub reference: [u8; SHOWN_BYTES],
}

/// Bytes around a difference.
pub const SHOWN_BYTES: usize = 16;

/// What two harts do not have in common.
pub fn hart_differences(fast: &Hart, reference: &Hart) -> Vec<Mismatch> {
    if harts_agree(fast, reference) {
        return Vec::new();
    }
    let mut found = mismatches(hart_facts(fast), hart_facts(reference));
    if found.is_empty() {
        // Every field has a name above; should one be added and forgotten there, it is not passed over.
        let value = Value::Word("?".into());
        let name = "something that has no name here".into();
        found.push(Mismatch { hart: None, name, fast: value.clone(), reference: value });
    }
    found
}

fn harts_agree(a: &Hart, b: &Hart) -> bool {
    a.state == b.state && a.pending_work == b.pending_work
}

/// Those of facts, in the same order, that are not the same.
pub(crate) fn mismatches(fast: Vec<Fact>, reference: Vec<Fact>) -> Vec<Mismatch> {
    let both = fast.into_iter().zip(reference).filter(|(fast, reference)| fast != reference);
    both.map(|(fast, reference)| Mismatch {
        hart: None,
        name: fast.name,
        fast: fast.value,
        reference: reference.value,
    })
    .collect()
}

/// The facts of a hart, always the same ones in the same order.
pub(crate) fn hart_facts(hart: &Hart) -> Vec<Fact> {
    let mut facts = vec![
        count("retired instructions", hart.state.instructions),
        word("ring", hart.state.ring.name().to_string()),
    ];
    let (hypervisor, guest) = if hart.state.in_guest() {
        (&hart.state.inactive[0].bank, &hart.state.bank)
    } else {
        (&hart.state.bank, &hart.state.inactive[0].bank)
    };
    for (owner, bank) in [(Ring::Hypervisor.name(), hypervisor), ("guest", guest)] {
        facts.push(bits(format!("{owner}: PC"), bank.pc));
        let integer = bank.r.iter().zip(INTEGER_ABI).enumerate();
        facts.extend(integer.map(|(n, (&value, abi))| bits(format!("{owner}: R{n} ({abi})"), value)));
        let float = bank.f.iter().zip(FLOAT_ABI).enumerate();
        facts.extend(float.map(|(n, (&value, abi))| bits(format!("{owner}: F{n} ({abi})"), value)));
        facts.push(bits(format!("{owner}: fcsr"), bank.fcsr.into()));
    }
    let registers = MSRS.iter().filter(|register| !register.is_view);
    facts.extend(registers.map(|register| {
        bits(format!("MSR {}", register.name), hart.read_msr(register.number).unwrap_or_default())
    }));
    range_facts(&hart.state.vm, &mut facts);
    statistics_facts(hart, &mut facts);
    facts.extend([
        word("interrupt line to Ring -1", hart.state.external_to_hypervisor),
        word("interrupt line to Ring 0", hart.state.external_to_kernel),
        word("reservation", format!("{:?}", hart.state.reservation)),
        word("halts", hart.state.waiting),
        word("has pending work", hart.pending_work),
        word("messages to other harts", format!("{:?}", hart.state.outgoing)),
    ]);
    facts
}

fn range_facts(vm: &VirtualMachine, facts: &mut Vec<Fact>) {
    for (index, range) in vm.ranges.iter().enumerate() {
        let name = |part| format!("IOVMAP range {index}: {part}");
        facts.push(bits(name("kind"), range.kind));
        facts.push(bits(name("address"), range.guest_address));
        facts.push(bits(name("length"), range.length));
        facts.push(bits(name("target"), range.target));
    }
}

fn statistics_facts(hart: &Hart, facts: &mut Vec<Fact>) {
    let statistics = &hart.state.statistics;
    facts.extend([
        count("instructions in Ring -1", hart.state.instructions_ring_minus_1()),
        count("emulated instructions", statistics.emulated),
        count("combined TLB misses", statistics.tlb_misses),
        count("page-table entries read", statistics.walk_references),
        count("registers moved by world switches", statistics.register_moves),
    ]);
    for cause in ExitCause::ALL {
        let name = cause.name();
        facts.push(count(format!("exits: {name}"), statistics.exits.get(cause).copied().unwrap_or_default()));
        let spread = statistics.exit_instructions.get(cause).copied().unwrap_or_default();
        facts.push(count(format!("Ring -1's instructions after exits: {name}"), spread.total));
        facts.push(word(format!("entries after exits: {name}"), format!("{spread:?}")));
    }
}

pub(crate) fn bits(name: impl Into<String>, value: u64) -> Fact {
    Fact { name: name.into(), value: Value::Bits(value) }
}

pub(crate) fn count(name: impl Into<String>, value: u64) -> Fact {
    Fact { name: name.into(), value: Value::Count(value) }
}

pub(crate) fn word(name: impl Into<String>, value: impl ToString) -> Fact {
    Fact { name: name.into(), value: Value::Word(value.to_string()) }
}

/// The first byte in which two RAMs differ.
pub fn ram_difference(fast: &Ram, reference: &Ram) -> Option<MemoryMismatch> {
    const CHUNK: usize = 64 << 10;
    let size = fast.size().min(reference.size());
    let mut buffers = [vec![0; CHUNK], vec![0; CHUNK]];
    for offset in (0..size).step_by(CHUNK) {
        let length = (size - offset).min(CHUNK as u64) as usize;
        let [a, b] = &mut buffers;
        fast.read_bytes(offset, &mut a[..length])?;
        reference.read_bytes(offset, &mut b[..length])?;
        if a[..length] == b[..length] {
            continue;
        }
        let at = (0..length).find(|&index| a[index] != b[index])?;
        let from = at - at % SHOWN_BYTES;
        let shown = |bytes: &[u8]| bytes[from..from + SHOWN_BYTES].try_into().ok();
        return Some(MemoryMismatch {
            address: fast.base() + offset + at as u64,
            shown_from: fast.base() + offset + from as u64,
            fast: shown(a)?,
            reference: shown(b)?,
        });
    }
    None
}
