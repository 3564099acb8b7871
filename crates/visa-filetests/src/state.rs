//! The state of a hart by names, and a picture of all of it to compare with later.

use std::collections::BTreeMap;

use visa_core::Hart;
use visa_isa::{Ring, msr, register};
use visa_machine::machine::Machine;
use visa_mem::Platform;
use visa_state::Reservation;

/// MSRs that change by themselves, or that stand for a bank in use: not part of a picture.
const RESTLESS: [u16; 6] = [msr::CYCLE, msr::TIME, msr::INSTRET, msr::FFLAGS, msr::FRM, msr::FCSR];

/// The value of something that checks name. Registers are those of the bank in use; `HR1`, `HF1` are Ring -1's.
pub fn value(hart: &Hart, name: &str) -> Option<u64> {
    let lower = name.to_ascii_lowercase();
    let host = if hart.state.in_guest() { &hart.state.inactive[0].bank } else { &hart.state.bank };
    if let Some(number) = lower.strip_prefix('h').and_then(register::integer) {
        return Some(host.r[usize::from(number)]);
    }
    if let Some(number) = lower.strip_prefix('h').and_then(register::float) {
        return Some(host.f[usize::from(number)]);
    }
    match lower.as_str() {
        "pc" => return Some(hart.state.bank.pc),
        "ring" => {
            return Some(if hart.state.ring == Ring::Hypervisor { u64::MAX } else { hart.state.ring as u64 });
        }
        "reserved" => return Some(u64::from(hart.state.reservation != Reservation::NONE)),
        _ => {}
    }
    if let Some(number) = register::integer(&lower) {
        return Some(hart.state.r(number));
    }
    if let Some(number) = register::float(&lower) {
        return Some(hart.state.f(number));
    }
    if let Some((index, part)) = name.strip_prefix("RANGE").and_then(|rest| rest.split_once('_')) {
        let range = hart.state.vm.ranges.get(index.parse::<usize>().ok()?)?;
        let parts = [range.kind, range.guest_address, range.length, range.target];
        return RANGE_PARTS.iter().position(|&known| known == part).map(|position| parts[position]);
    }
    hart.read_msr(msr_number(&lower)?)
}

/// Names of the values of an IOVMAP range: `RANGE0_KIND`.
const RANGE_PARTS: [&str; 4] = ["KIND", "ADDRESS", "LENGTH", "TARGET"];

fn msr_number(name: &str) -> Option<u16> {
    let window = |prefix: &str, first: u16| {
        name.strip_prefix(prefix).and_then(|number| number.parse::<u16>().ok()).map(|number| first + number)
    };
    if let Some(cr) = name.strip_prefix("cr").and_then(|number| number.parse().ok()) {
        return msr::by_control_register(cr).map(|entry| entry.number);
    }
    window("vmr", msr::GUEST_R0)
        .or_else(|| window("vmf", msr::GUEST_F0))
        .or_else(|| msr::by_name(name).map(|entry| entry.number))
}

/// Little-endian memory of 8 to 64 bits at a physical address.
pub fn memory(machine: &Machine, bits: u64, address: u64) -> Option<u64> {
    if !matches!(bits, 8 | 16 | 32 | 64) {
        return None;
    }
    let mut bytes = [0; 8];
    machine.read_physical(address, &mut bytes[..bits as usize / 8]).ok()?;
    Some(u64::from_le_bytes(bytes))
}

/// Everything that a check may compare, by name.
pub type Picture = BTreeMap<String, u64>;

/// The state of a hart and memory.
pub fn picture(machine: &Machine, hart: &Hart) -> Picture {
    let mut all = Picture::new();
    let (host, guest) = if hart.state.in_guest() {
        (&hart.state.inactive[0].bank, &hart.state.bank)
    } else {
        (&hart.state.bank, &hart.state.inactive[0].bank)
    };
    for number in 1..32 {
        all.insert(format!("HR{number}"), host.r[number]);
        all.insert(format!("VMR{number}"), guest.r[number]);
    }
    for number in 0..32 {
        all.insert(format!("HF{number}"), host.f[number]);
        all.insert(format!("VMF{number}"), guest.f[number]);
    }
    all.insert("HFCSR".into(), u64::from(host.fcsr));
    for entry in msr::MSRS.iter().filter(|entry| !RESTLESS.contains(&entry.number)) {
        all.insert(entry.name.to_uppercase(), hart.read_msr(entry.number).unwrap_or_default());
    }
    for (index, range) in hart.state.vm.ranges.iter().enumerate() {
        let values = [range.kind, range.guest_address, range.length, range.target];
        for (value, part) in values.iter().zip(RANGE_PARTS) {
            all.insert(format!("RANGE{index}_{part}"), *value);
        }
    }
    all.insert("MEMORY".into(), u64::from(checksum(machine)));
    all
}

fn checksum(machine: &Machine) -> u32 {
    let ram = machine.board.ram();
    let mut bytes = vec![0; ram.size() as usize];
    if ram.read_bytes(0, &mut bytes).is_none() {
        return 0;
    }
    crc32fast::hash(&bytes)
}

/// Names that differ between two pictures, but for the excepted ones; a name may end in `*`.
pub fn differences(before: &Picture, after: &Picture, except: &[String]) -> Vec<String> {
    let is_excepted = |name: &str| {
        except.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        })
    };
    let changed = before.iter().filter(|(name, value)| after.get(*name) != Some(value) && !is_excepted(name));
    changed
        .map(|(name, value)| format!("{name} {value:#x} -> {:#x}", after.get(name).unwrap_or(&0)))
        .collect()
}
