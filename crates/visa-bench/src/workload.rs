//! The workloads: what `guest/workloads` does, how often, and what for.

/// One workload of `guest/workloads`.
#[derive(Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name, in orders and in reports.
    pub name: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What one iteration is.
    pub unit: &'static str,
    /// Iterations of a full run.
    pub iterations: u64,
    /// Iterations of a quick run.
    pub iterations_quick: u64,
    /// Whether it needs a disk and the modules for it.
    pub needs_disk: bool,
}

/// The row of the kernel's boot, from reset to the first instruction of /init's work.
pub const BOOT: &str = "boot";

const fn workload(
    name: &'static str,
    summary: &'static str,
    unit: &'static str,
    iterations: u64,
    iterations_quick: u64,
) -> Workload {
    Workload { name, summary, unit, iterations, iterations_quick, needs_disk: false }
}

const fn on_disk(mut workload: Workload) -> Workload {
    workload.needs_disk = true;
    workload
}

/// All workloads, in the order in which they run in one machine: what wants memory that nobody had before comes first.
pub const WORKLOADS: [Workload; 16] = [
    workload("fault-fresh", "page faults on memory never touched before", "page", 16_384, 2_048),
    workload("compute", "list, matrix, state machine and CRC, all in Ring 3", "round", 1_200, 100),
    workload("syscall", "getppid", "call", 100_000, 5_000),
    workload(
        "fault-recycled",
        "page faults on memory mapped, touched and unmapped again",
        "page",
        16_384,
        1_024,
    ),
    workload("mprotect", "a page made read-only and writable again", "round", 10_000, 500),
    workload("fork", "fork, exit, wait", "process", 300, 15),
    workload("fork-exec", "fork, exec, exit, wait", "process", 100, 8),
    workload("pipe", "a byte to another process and back", "round trip", 5_000, 250),
    workload("chase-small", "dependent loads within 256 KiB", "load", 4_000_000, 200_000),
    workload("chase-large", "dependent loads within 64 MiB, one a page", "load", 2_000_000, 100_000),
    workload("sleep", "nanosleep of a millisecond", "sleep", 1_000, 50),
    workload("console", "bytes written to the terminal", "byte", 102_400, 6_400),
    on_disk(workload("block-read-4k", "direct reads of 4 KiB", "request", 2_048, 64)),
    on_disk(workload("block-read-64k", "direct reads of 64 KiB", "request", 1_024, 32)),
    on_disk(workload("block-write-4k", "direct writes of 4 KiB", "request", 2_048, 64)),
    on_disk(workload("block-write-64k", "direct writes of 64 KiB", "request", 1_024, 32)),
];

/// The workload with a name.
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

/// A workload and how often it does what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The workload.
    pub workload: &'static Workload,
    /// How often.
    pub iterations: u64,
}

/// The kernel parameter that tells /init its orders.
pub fn kernel_parameter(orders: &[Order]) -> String {
    let each: Vec<String> =
        orders.iter().map(|order| format!("{},{}", order.workload.name, order.iterations)).collect();
    format!("visa.workload={}", each.join(":"))
}
