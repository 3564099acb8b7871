//! Numbers of the machine in words.

use visa_isa::cause::ExitCause;
use visa_isa::exit::{Denied, Exit, MsrAccess, PageFault, Qualification};
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
pub fn qualification(decoded: Qualification) -> String {
    let length = match decoded.length() {
        0 => "no instruction".into(),
        length => format!("instruction of {length}"),
    };
    match access(decoded) {
        access if access.is_empty() => length,
        access => format!("{access}, {length}"),
    }
}

/// The part of VMQUAL that is about the access.
fn access(decoded: Qualification) -> String {
    let mut words = Vec::new();
    match (decoded.reads(), decoded.writes()) {
        (true, true) => words.push("read and write".to_owned()),
        (true, false) => words.push("read".to_owned()),
        (false, true) => words.push("write".to_owned()),
        (false, false) => {}
    }
    match decoded.bytes() {
        0 => {}
        1 => words.push("1 byte".into()),
        size => words.push(format!("{size} bytes")),
    }
    // A result for R0 goes nowhere.
    if decoded.reads() && decoded.register() != 0 {
        words.push(format!("into R{}", decoded.register()));
    }
    words.join(" ")
}

/// An exit: its cause, and what of the record means something for it.
pub fn exit(seen: &Seen) -> anyhow::Result<String> {
    let record = &seen.record;
    let exit = Exit::from_record(record)?;
    let mut text = format!("VMCAUSE={}", cause(record.cause));
    let Said { code, access_matters } = said(exit);
    text += &code;
    // With the guest's own tables mapping addresses to themselves, one says it all.
    let is_same = record.guest_virtual == record.guest_physical;
    let virtual_address = if is_same { 0 } else { record.guest_virtual };
    let addresses = [("VMGVA", virtual_address), ("VMGPA", record.guest_physical)];
    for (name, value) in addresses.into_iter().filter(|(_, value)| *value != 0) {
        text += &format!(", {name}={value:#x}");
    }
    if record.qualification.writes() {
        text += &format!(", VMVALUE={:#x}", record.value);
    }
    if record.cookie != 0 {
        text += &format!(", VMCOOKIE={:#x}", record.cookie);
    }
    if access_matters {
        text += &format!(", VMQUAL: {}", access(record.qualification));
    }
    Ok(text)
}

/// What is said of an exit because of its cause.
struct Said {
    /// The port, MSR or exception in VMCODE; empty if there is none.
    code: String,
    /// The access is what it is about.
    access_matters: bool,
}

fn said(exit: Exit) -> Said {
    let msr = |access: MsrAccess| {
        let named = |msr: &msr::Msr| format!(", VMCODE={:#x} ({})", access.number, msr.name.to_uppercase());
        msr::by_number(access.number).map_or(String::new(), named)
    };
    let (code, access_matters) = match exit {
        Exit::IoAccess(access) => (format!(", VMCODE=port {:#x}", access.port), true),
        Exit::ControlRegister(access) => (msr(access), true),
        Exit::DeviceAccess(_) | Exit::NestedPageFault(_) => (String::new(), true),
        Exit::MsrAccess(access) | Exit::IllegalPrivileged(Denied::Msr(access)) => (msr(access), false),
        Exit::PageFault(PageFault { exception, .. }) => {
            (format!(", VMCODE={} ({})", exception as u64, exception.name()), false)
        }
        Exit::IllegalPrivileged(Denied::Port(_) | Denied::Instruction(_))
        | Exit::Timer(_)
        | Exit::ExternalInterrupt(_)
        | Exit::Hypercall
        | Exit::Halt
        | Exit::VmexitInstruction
        | Exit::Shutdown(_)
        | Exit::EntryFailure(_)
        | Exit::SingleStep
        | Exit::VisaInstruction(_)
        | Exit::DirtyLogFull
        | Exit::Exception(_)
        | Exit::TlbFlush(_)
        | Exit::Pause
        | Exit::PciConfiguration(_)
        | Exit::SoftwareInterrupt(_) => (String::new(), false),
    };
    Said { code, access_matters }
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
        let access = Qualification::READ | Qualification::of_bytes(1) | Qualification::of_register(11);
        assert_eq!(
            qualification(access | Qualification::of_length(4)),
            "read 1 byte into R11, instruction of 4"
        );
        assert_eq!(qualification(Qualification::default()), "no instruction");
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
