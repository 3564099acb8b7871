//! The rows: what `guest/hostbench` does, how often, and how fast it is to be.

/// A row.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Its name, in orders and in reports.
    pub name: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What one iteration is.
    pub unit: &'static str,
    /// Iterations: about a second on QEMU.
    pub iterations: u64,
    /// What native time by QEMU's is to be at most.
    pub target: f64,
    /// What RVVM's time by QEMU's was, where somebody measured the like.
    pub peer: Option<f64>,
}

/// The row of Linux from the start of the emulator's process to its end. It is measured by itself.
pub const BOOT: &str = "boot";

/// What the geometric mean of native time by QEMU's is to be at most.
pub const MEAN_TARGET: f64 = 0.5;

/// What time under visor by native time is to be at most, in every row.
pub const VISOR_TARGET: f64 = 1.05;

/// How much less a quick run does.
pub const QUICK_DIVISOR: u64 = 10;

const INTEGER_TARGET: f64 = 0.5;
const CALLS_TARGET: f64 = 0.35;
const CHASE_TARGET: f64 = 0.25;
const FLOAT_TARGET: f64 = 0.6;
const SYSCALL_TARGET: f64 = 0.9;
const BOOT_TARGET: f64 = 0.6;
/// Faster than QEMU, if only just.
const OTHER_TARGET: f64 = 1.0;

const fn row(
    name: &'static str,
    summary: &'static str,
    (iterations, unit): (u64, &'static str),
    target: f64,
    peer: Option<f64>,
) -> Row {
    Row { name, summary, unit, iterations, target, peer }
}

/// All rows, in the order in which they run in one machine: what wants memory that nobody had before comes first.
///
/// RVVM's figures (release 2024-10, against QEMU 10.0.2) are of programs of the same kind, not of these.
pub const ROWS: [Row; 26] = [
    row(
        BOOT,
        "Linux to power-off, the emulator's start and end included",
        (1, "boot"),
        BOOT_TARGET,
        Some(0.57),
    ),
    row(
        "fault-fresh",
        "page faults on memory never touched before",
        (16_384, "page"),
        OTHER_TARGET,
        Some(1.05),
    ),
    row(
        "fault-recycled",
        "page faults on memory mapped, touched and unmapped again",
        (20_480, "page"),
        OTHER_TARGET,
        None,
    ),
    row("integer", "list, matrix, state machine and CRC", (70_000, "round"), INTEGER_TARGET, Some(0.55)),
    row("records", "records, strings and small procedures", (4_000_000, "round"), OTHER_TARGET, Some(0.4)),
    row("sha256", "SHA-256 of 4 KiB", (16_000, "digest"), OTHER_TARGET, Some(1.17)),
    row(
        "compress",
        "a Lempel-Ziv compressor and its inverse, 64 KiB",
        (1_000, "round"),
        OTHER_TARGET,
        Some(1.0),
    ),
    row("sieve", "the primes below 4 Mi", (12, "sieve"), OTHER_TARGET, Some(1.14)),
    row("memcpy", "copies of 1 MiB", (1_600, "copy"), OTHER_TARGET, Some(1.26)),
    row("calls", "Fibonacci's numbers by recursion", (180, "number"), CALLS_TARGET, Some(0.36)),
    row("indirect", "indirect calls of 16 functions", (25_000_000, "call"), OTHER_TARGET, Some(0.35)),
    row("bytecode", "an interpreter of a stack machine", (60, "run"), OTHER_TARGET, Some(0.57)),
    row("nbody", "five bodies, in double precision", (600_000, "step"), FLOAT_TARGET, Some(1.41)),
    row(
        "matmul",
        "fused multiply-adds of 64 by 64 matrices, in double",
        (350, "product"),
        FLOAT_TARGET,
        Some(3.07),
    ),
    row("float", "a filter in single precision", (4_500, "pass"), FLOAT_TARGET, None),
    row("chase-small", "dependent loads within 256 KiB", (80_000_000, "load"), OTHER_TARGET, Some(1.14)),
    row(
        "chase-large",
        "dependent loads within 64 MiB, one a page",
        (4_000_000, "load"),
        CHASE_TARGET,
        Some(0.33),
    ),
    row(
        "walk",
        "loads that miss the TLB, of tables and data in the host's caches",
        (6_000_000, "load"),
        CHASE_TARGET,
        None,
    ),
    row("syscall", "getppid", (1_000_000, "call"), SYSCALL_TARGET, Some(1.62)),
    row("fork", "fork, exit, wait", (900, "process"), OTHER_TARGET, None),
    row("fork-exec", "fork, exec, exit, wait", (350, "process"), OTHER_TARGET, Some(1.09)),
    row("pipe", "a byte to another process and back", (7_000, "round trip"), OTHER_TARGET, Some(0.57)),
    row("switch", "a switch to another thread and back", (25_000, "round trip"), OTHER_TARGET, None),
    row("atomics", "AMOs, LR and SC", (80_000_000, "round"), OTHER_TARGET, Some(1.66)),
    row(
        "self-modify",
        "an instruction replaced, fence.i, four calls",
        (200_000, "round"),
        OTHER_TARGET,
        Some(5.3),
    ),
    row("mprotect", "a page made read-only and writable again", (22_000, "round"), OTHER_TARGET, None),
];

/// A row and how often it does what it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// The row.
    pub row: &'static Row,
    /// How often.
    pub iterations: u64,
}

/// The order of a row in a run of the usual length, or a quick one.
pub fn order(row: &'static Row, quick: bool) -> Order {
    let divisor = if quick { QUICK_DIVISOR } else { 1 };
    Order { row, iterations: (row.iterations / divisor).max(1) }
}

/// The kernel parameter that tells /init its orders.
pub fn kernel_parameter(orders: &[Order]) -> String {
    let each: Vec<String> =
        orders.iter().map(|order| format!("{},{}", order.row.name, order.iterations)).collect();
    format!("visa.host={}", each.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux takes of a command line on RISC-V, without the NUL (`arch/riscv/include/uapi/asm/setup.h`).
    const COMMAND_LINE_MAX: usize = 1023;

    #[test]
    fn the_orders_of_all_rows_fit_a_command_line() {
        let orders: Vec<Order> = ROWS[1..].iter().map(|row| order(row, false)).collect();
        let text = kernel_parameter(&orders[..2]);
        assert_eq!(text, "visa.host=fault-fresh,16384:fault-recycled,20480");
        assert!(
            kernel_parameter(&orders).len() + super::super::measure::COMMAND_LINE.len() < COMMAND_LINE_MAX
        );
    }

    #[test]
    fn quick_runs_do_something() {
        assert!(ROWS.iter().all(|row| order(row, true).iterations > 0));
        assert_eq!(ROWS[0].name, BOOT);
    }
}
