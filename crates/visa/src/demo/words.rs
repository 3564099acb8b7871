//! Numbers of the machine in words.

use visa_isa::cause::ExitCause;
use visa_isa::vmcs::qualification;
use visa_isa::{msr, trap_filter};

use super::record::{Seen, Told};

/// VMTRAPCFG: the value, and the names of its bits.
pub fn filter(value: u64) -> String {
    let bits = trap_filter::BITS.iter().filter(|(bit, ..)| value >> bit & 1 != 0);
    let names: Vec<String> = bits.map(|(bit, name, _)| format!("b{bit} {name}")).collect();
    match names.is_empty() {
        true => format!("VMTRAPCFG = {value:#x} (nothing)"),
        false => format!("VMTRAPCFG = {value:#x} ({})", names.join(", ")),
    }
}

/// VMCAUSE: the value and its name.
pub fn cause(number: u64) -> String {
    let name = ExitCause::from_number(number).map_or("unknown", ExitCause::name);
    format!("{number:#04x} {name}")
}

/// VMQUAL: what it says of the access and the instruction.
pub fn qualification(bits: u64) -> String {
    let length = match bits >> qualification::LENGTH_SHIFT & 0xf {
        0 => "no instruction".into(),
        length => format!("instruction of {length}"),
    };
    match access(bits) {
        access if access.is_empty() => length,
        access => format!("{access}, {length}"),
    }
}

/// The part of VMQUAL that is about the access.
fn access(bits: u64) -> String {
    let mut words = Vec::new();
    match (bits & qualification::READ != 0, bits & qualification::WRITE != 0) {
        (true, true) => words.push("read and write".to_owned()),
        (true, false) => words.push("read".to_owned()),
        (false, true) => words.push("write".to_owned()),
        (false, false) => {}
    }
    match bits & qualification::SIZE {
        0 => {}
        1 => words.push("1 byte".into()),
        size => words.push(format!("{size} bytes")),
    }
    // A result for R0 goes nowhere.
    let register = bits >> qualification::REGISTER_SHIFT & 0x1f;
    if bits & qualification::READ != 0 && register != 0 {
        words.push(format!("into R{register}"));
    }
    words.join(" ")
}

/// An exit: its cause, and what of the record means something for it.
pub fn exit(seen: &Seen) -> String {
    let record = &seen.record;
    let mut text = format!("VMCAUSE={}", cause(record.cause));
    match ExitCause::from_number(record.cause) {
        Some(ExitCause::IoAccess) => text += &format!(", VMCODE=port {:#x}", record.code),
        Some(ExitCause::ControlRegister | ExitCause::MsrAccess | ExitCause::IllegalPrivileged) => {
            if let Some(msr) = msr::by_number(record.code as u16).filter(|_| record.code != 0) {
                text += &format!(", VMCODE={:#x} ({})", record.code, msr.name.to_uppercase());
            }
        }
        Some(ExitCause::PageFault) => text += &format!(", VMCODE={} (load page fault)", record.code),
        _ => {}
    }
    // With the guest's own tables mapping addresses to themselves, one says it all.
    let is_same = record.guest_virtual == record.guest_physical;
    let virtual_address = if is_same { 0 } else { record.guest_virtual };
    let addresses = [("VMGVA", virtual_address), ("VMGPA", record.guest_physical)];
    for (name, value) in addresses.into_iter().filter(|(_, value)| *value != 0) {
        text += &format!(", {name}={value:#x}");
    }
    if record.qualification & qualification::WRITE != 0 {
        text += &format!(", VMVALUE={:#x}", record.value);
    }
    if record.cookie != 0 {
        text += &format!(", VMCOOKIE={:#x}", record.cookie);
    }
    match ExitCause::from_number(record.cause) {
        Some(
            ExitCause::IoAccess
            | ExitCause::ControlRegister
            | ExitCause::DeviceAccess
            | ExitCause::NestedPageFault,
        ) => text + &format!(", VMQUAL: {}", access(record.qualification)),
        _ => text,
    }
}

/// What the handler did.
pub fn handler(told: &Told) -> anyhow::Result<String> {
    let Some(resume) = &told.resume else { return Ok("ends the machine".into()) };
    let value = resume.number("value")?;
    Ok(match resume.text("handler")? {
        "ldgptbr" => format!("LDGPTBR: the guest's CR3 = {value:#x}"),
        "console-byte" => format!("takes the byte {:?} for its console", char::from(value as u8)),
        "line-status" => format!("answers {value:#x}: the transmitter is empty"),
        "map-page" => format!("maps a page of its own there: physical {value:#x}"),
        "vint-send" => format!("VINT_SEND: vector {value} for this virtual CPU"),
        "device-write" => format!("adds it up: {value}"),
        "device-read" => format!("answers with the sum, {value}"),
        "deny" => format!("denies it: the guest gets exception {value}, store access fault"),
        "inject" if value >> 63 != 0 => format!("gives the guest its interrupt: {}, timer", value as u8),
        "inject" if value == 13 => format!("gives the guest its exception: {value}, load page fault"),
        "inject" => format!("gives the guest exception {value}, illegal instruction"),
        "halt" => "could run another VM now; here it comes back at once".into(),
        "vmexit" => "the guest yielded; there is nothing else to do".into(),
        other => format!("{other} {value:#x}"),
    })
}

/// The resume action, in words, and where the guest goes on.
pub fn resumption(told: &Told, seen: &Seen) -> anyhow::Result<String> {
    let (Some(resume), Some((_, pc))) = (&told.resume, seen.entry) else { return Ok("never".into()) };
    Ok(match resume.text("action")? {
        "complete" => format!("complete: the instruction counts as done, on at {pc:#x}"),
        "inject" => format!("inject: at {pc:#x} the guest takes a trap of its own"),
        _ => format!("retry: the instruction is tried again, at {pc:#x}"),
    })
}

/// A size in the unit that suits it.
pub fn bytes(size: u64) -> String {
    match size {
        size if size >= 1 << 30 => format!("{} GiB", size >> 30),
        size if size >= 1 << 20 => format!("{} MiB", size >> 20),
        size => format!("{} KiB", size >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualification_says_what_was_accessed_and_by_what() {
        let bits =
            1 | qualification::READ | 11 << qualification::REGISTER_SHIFT | 4 << qualification::LENGTH_SHIFT;
        assert_eq!(qualification(bits), "read 1 byte into R11, instruction of 4");
        assert_eq!(qualification(0), "no instruction");
    }

    #[test]
    fn a_filter_names_its_bits() {
        assert_eq!(filter(trap_filter::CR3), "VMTRAPCFG = 0x8 (b3 CR3)");
        assert_eq!(filter(0), "VMTRAPCFG = 0x0 (nothing)");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!([bytes(4096), bytes(2 << 20), bytes(1 << 30)], ["4 KiB", "2 MiB", "1 GiB"]);
    }
}
