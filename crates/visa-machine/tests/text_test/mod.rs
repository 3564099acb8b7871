//! Text tests of `tests/isa` as programs of Ring -1, whose checks are comments.

use visa_machine::board::{Board, BoardConfig};
use visa_machine::machine::{Machine, TimeSource};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Platform;

/// A machine that is about to run the text, with the prelude of such tests.
pub fn machine(harts: usize, source: &str) -> Machine {
    on(Board::new(&BoardConfig { ram_bytes: 2 << 20, harts, start_time_ns: 0 }).unwrap(), source)
}

/// The same on a board.
pub fn on(board: Board, source: &str) -> Machine {
    let source = format!("{}\nprelude_start\n{source}", include_str!("../../../../tests/isa/prelude.s"));
    let options = visa_asm::Options { base: RAM_BASE, ..visa_asm::Options::default() };
    let object = visa_asm::assemble(&source, "program.s", &options)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)));
    for section in object.sections.iter().filter(|section| section.address >= RAM_BASE) {
        board.ram().write_bytes(section.address - RAM_BASE, &section.data).unwrap();
    }
    Machine::new(board, object.entry, 0, TimeSource::Instructions)
}
