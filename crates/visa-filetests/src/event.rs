//! Traps and world switches as lines of a log.

use visa_core::Event;
use visa_isa::exit::{Exit, ExitRecord, Qualification};

/// An event in one line; `show` writes an address.
pub fn line(event: &Event, show: &dyn Fn(u64) -> String) -> String {
    match event {
        Event::Trap { from, to, cause, value, pc, .. } => {
            let (from, to, pc, value) = (from.name(), to.name(), show(*pc), show(*value));
            format!("trap {cause:#x} from {from} to {to} at {pc} tval {value}")
        }
        Event::Enter { ring, pc, action, .. } => {
            format!("enter {} at {} action {action}", ring.name(), show(*pc))
        }
        Event::Exit { ring, pc, record, .. } => {
            let name = Exit::from_record(record).map_or("unknown", |exit| exit.cause().name());
            format!("exit {name} from {} at {}{}", ring.name(), show(*pc), details(record, show))
        }
        Event::EntryFailure { pc, field, .. } => format!("entry refused at {} field {field:#x}", show(*pc)),
    }
}

fn details(record: &ExitRecord, show: &dyn Fn(u64) -> String) -> String {
    let fields = [
        ("qual", record.qualification.bits()),
        ("inst", record.instruction),
        ("gva", record.guest_virtual),
        ("gpa", record.guest_physical),
        ("value", record.value),
        ("code", record.code),
        ("cookie", record.cookie),
    ];
    fields
        .iter()
        .filter(|(_, value)| *value != 0)
        .map(|(name, value)| format!(" {name} {}", show(*value)))
        .collect()
}

/// What of an exit record is neither in the exit's type nor of its instruction. There is to be nothing.
pub fn unexplained(record: &ExitRecord) -> Option<String> {
    let exit = match Exit::from_record(record) {
        Ok(exit) => exit,
        Err(error) => return Some(error.to_string()),
    };
    let typed = exit.record();
    let found = record.qualification;
    // The register that the instruction writes, and what a load that raised an exception would have read.
    let instruction = Qualification::of_length(found.length())
        | Qualification::of_register(found.register())
        | Qualification::of_ring(found.ring())
        | Qualification::of_bytes(found.bytes())
        | Qualification::READ
        | Qualification::SIGNED
        | Qualification::FLOAT;
    let rest = found.bits() & !(typed.qualification | instruction).bits();
    let missing = typed.qualification.bits() & !found.bits();
    let same = ExitRecord { instruction: record.instruction, qualification: found, ..typed } == *record;
    (rest | missing != 0 || !same).then(|| format!("{exit:x?} is not all of the record {record:x?}"))
}
