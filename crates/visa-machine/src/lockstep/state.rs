//! What is compared of two machines: everything that a guest, a hypervisor or a report can see, with names.

use visa_mem::Platform;

use crate::compare::facts::{Fact, bits, count, mismatches, word};
pub use crate::compare::facts::{
    MemoryMismatch, Mismatch, SHOWN_BYTES, Value, hart_differences, ram_difference,
};
use crate::machine::{Machine, Progress};

/// What two machines do not have in common, RAM aside. Costs little when that is nothing.
pub fn differences(fast: &Machine, reference: &Machine) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (index, (a, b)) in fast.harts.iter().zip(&reference.harts).enumerate() {
        found.extend(
            hart_differences(a, b).into_iter().map(|of_hart| Mismatch { hart: Some(index), ..of_hart }),
        );
    }
    if board_key(fast) != board_key(reference) {
        found.extend(mismatches(board_facts(fast), board_facts(reference)));
    }
    found
}

/// What [`board_facts`] names.
fn board_key(machine: &Machine) -> impl PartialEq + use<> {
    let board = &machine.board;
    let console = (board.console_printed(), board.console_unread(), board.console_is_polled());
    (machine.now_ns(), console, board.finisher_request())
}

/// The facts of the board, and of the machine as a whole.
fn board_facts(machine: &Machine) -> Vec<Fact> {
    let board = &machine.board;
    let printed = board.console_printed();
    vec![
        count("time in nanoseconds", machine.now_ns()),
        count("console: bytes printed", printed.bytes),
        bits("console: CRC-32 of what was printed", printed.crc32.into()),
        count("console: typed bytes not read", board.console_unread() as u64),
        word("console: is polled", board.console_is_polled()),
        word("finisher", format!("{:?}", board.finisher_request())),
    ]
}

/// The first byte of RAM in which two machines differ.
pub fn memory_difference(fast: &Machine, reference: &Machine) -> Option<MemoryMismatch> {
    ram_difference(fast.board.ram(), reference.board.ram())
}

/// What parts came to, if that is not the same.
pub(super) fn progress_mismatch(progress: [Option<Progress>; 2]) -> Option<Mismatch> {
    let [fast, reference] =
        progress.map(|progress| Value::Word(progress.map_or("running".into(), |end| format!("{end:?}"))));
    (fast != reference).then(|| Mismatch { hart: None, name: "what the run came to".into(), fast, reference })
}
