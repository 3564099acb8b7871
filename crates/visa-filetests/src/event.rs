//! Traps and world switches as lines of a log.

use visa_core::Event;
use visa_core::ExitRecord;
use visa_isa::cause::ExitCause;

/// An event in one line.
pub fn line(event: &Event) -> String {
    match event {
        Event::Trap { from, to, cause, value, pc, .. } => {
            format!("trap {cause:#x} from {} to {} at {pc:#x} tval {value:#x}", from.name(), to.name())
        }
        Event::Enter { ring, pc, action, .. } => format!("enter {} at {pc:#x} action {action}", ring.name()),
        Event::Exit { ring, pc, record, .. } => {
            let name = ExitCause::from_number(record.cause).map_or("unknown", ExitCause::name);
            format!("exit {name} from {} at {pc:#x}{}", ring.name(), details(record))
        }
    }
}

fn details(record: &ExitRecord) -> String {
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
        .map(|(name, value)| format!(" {name} {value:#x}"))
        .collect()
}
