//! Traps and world switches as lines of a log.

use visa_core::Event;
use visa_core::ExitRecord;
use visa_isa::cause::ExitCause;

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
            let name = ExitCause::from_number(record.cause).map_or("unknown", ExitCause::name);
            format!("exit {name} from {} at {}{}", ring.name(), show(*pc), details(record, show))
        }
        Event::EntryFailure { pc, field, .. } => format!("entry refused at {} field {field:#x}", show(*pc)),
    }
}

fn details(record: &ExitRecord, show: &dyn Fn(u64) -> String) -> String {
    let fields = [
        ("qual", record.qualification),
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
