//! A breakpoint stops the machine and nothing else: no time is lost or won by it.

use visa_machine::board::{Board, BoardConfig};
use visa_machine::machine::{Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;

/// `addi x1, x1, 1` and a jump back to it.
const COUNT: [u32; 2] = [0x0010_8093, 0xffdf_f06f];

#[test]
fn time_goes_on_across_breakpoints() {
    let config = BoardConfig { ram_bytes: 2 << 20, harts: 1, start_time_ns: 0 };
    let mut machine = Machine::new(Board::new(&config).unwrap(), RAM_BASE, 0, TimeSource::Instructions);
    let code: Vec<u8> = COUNT.iter().flat_map(|word| word.to_le_bytes()).collect();
    machine.write_physical(RAM_BASE, &code).unwrap();
    machine.breakpoints_mut().insert(RAM_BASE + 4);
    for round in 0..1000 {
        assert_eq!(machine.run_slice(1_000_000, u64::MAX), Progress::Breakpoint(0));
        assert_eq!(machine.harts[0].state.bank.r[1], round + 1);
        // A nanosecond an instruction: two a round, and the first half of this one.
        assert_eq!(machine.harts[0].nanoseconds(), 2 * round + 1);
        assert_eq!(machine.now_ns(), 2 * round + 1);
        machine.step(0);
    }
}
