//! The promises of docs/isolation.md that hold in each mode, on each engine, and on each machine that lacks a feature.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

mod kernel;
mod text_test;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, Instant};

use kernel::{Outcome, assemble, read_sector, ready, run_by};
use visa_devices::{DiskAccess, MemoryBackend};
use visa_machine::board::Board;
use visa_machine::boot::Mode;
use visa_machine::lockstep::{Checking, Lockstep};
use visa_machine::machine::{End, EngineKind, GENERATES_CODE, Machine, Progress};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Platform;
use visa_state::{Feature, Features};

/// Where the kernels' memory ends and visor's begins.
const VISOR: u64 = 0x8100_0000;
/// What the disk is full of.
const PATTERN: u8 = 0x5A;
/// Far more than the kernels take.
const INSTRUCTIONS_MAX: u64 = 20_000_000;
const MODES: [Mode; 3] = [Mode::Native, Mode::Accelerated, Mode::Software];
/// What executes a machine's instructions.
#[derive(Clone, Copy, Debug)]
enum Execution {
    Engine(EngineKind),
    /// The JIT, and the reference beside it.
    Lockstep,
}

/// A JIT that translates at once, and soon optimises.
const JIT: EngineKind = EngineKind::Jit { threshold: Some(0), optimise: Some(1000) };
/// The JIT, half of what it executes and all of its code checked.
const CHECKED: EngineKind = EngineKind::Checked(Checking {
    per_million: NonZeroU32::new(500_000).unwrap(),
    seed: 1,
    code_per_million: 1_000_000,
    fault: None,
});
const EXECUTIONS: [Execution; 4] = [
    Execution::Engine(EngineKind::Interpreter),
    Execution::Engine(JIT),
    Execution::Engine(CHECKED),
    Execution::Lockstep,
];

/// Those that this build has: without a JIT, the others would be the reference again.
fn executions() -> &'static [Execution] {
    if GENERATES_CODE {
        return &EXECUTIONS;
    }
    eprintln!("skipped: the JIT, checked and in lockstep; this build generates no code for the host");
    &EXECUTIONS[..1]
}

/// A machine, with the reference if one goes along.
struct Run {
    execution: Execution,
    lockstep: Option<Lockstep>,
    /// The longest that a slice has taken.
    longest: Duration,
}

impl Execution {
    /// Gets a machine ready; `same` makes another of it.
    fn begin(self, machine: &mut Machine, same: impl FnOnce() -> Machine) -> Run {
        let (engine, lockstep) = match self {
            Execution::Engine(engine) => (engine, None),
            Execution::Lockstep => {
                machine.pause_at_halt = true;
                (JIT, Some(Lockstep::new(same(), NonZeroU64::new(10_000).unwrap(), None)))
            }
        };
        machine.set_engine(engine);
        Run { execution: self, lockstep, longest: Duration::ZERO }
    }
}

impl Run {
    fn slice(&mut self, machine: &mut Machine, slice_ns: u64, instructions: u64) -> Progress {
        let start = Instant::now();
        let progress = match &mut self.lockstep {
            Some(lockstep) => {
                let progress = lockstep.run_slice(machine, slice_ns, instructions);
                match progress.unwrap_or_else(|found| panic!("{found:?}")) {
                    // It waits for a time, which nobody else lets pass.
                    Progress::Idle(Some(nanoseconds)) => {
                        lockstep.skip(machine, nanoseconds);
                        Progress::Running
                    }
                    other => other,
                }
            }
            None => machine.run_slice(slice_ns, instructions),
        };
        self.longest = self.longest.max(start.elapsed());
        assert_eq!(
            machine.take_difference().map(|difference| format!("{difference:?}")),
            None,
            "{:?}",
            self.execution
        );
        progress
    }
}

/// Every engine on the whole machine and on those that lack one feature; and those that lack two, on an engine each.
fn machines() -> impl Iterator<Item = (Execution, Features)> {
    let lacking = Feature::ALL.map(|feature| Features::default().without(feature));
    let all = std::iter::once(Features::default()).chain(lacking);
    let all = all.flat_map(|features| executions().iter().map(move |&execution| (execution, features)));
    all.chain(executions().iter().copied().cycle().zip(pairs()))
}

/// Machines that lack two features: every two.
fn pairs() -> impl Iterator<Item = Features> {
    Feature::ALL.into_iter().enumerate().flat_map(|(number, one)| {
        Feature::ALL[number + 1..].iter().map(move |&other| Features::default().without(one).without(other))
    })
}

fn describe(mode: Mode, execution: Execution, features: Features) -> String {
    let missing: Vec<_> = features.missing().map(Feature::name).collect();
    format!("{}, {execution:?}, without {missing:?}", mode.name())
}

fn disk(board: &mut Board) {
    board
        .attach_disk(Box::new(MemoryBackend::new(vec![PATTERN; 512], DiskAccess::ReadWrite)), "d")
        .map(drop)
        .unwrap();
}

/// Runs a kernel to its end, or for so many instructions; with how long its longest slice took.
fn run_for(
    mode: Mode,
    (execution, features): (Execution, Features),
    source: &str,
    most: u64,
) -> (Outcome, Duration) {
    let make = || ready(features, mode, 1, assemble(source), disk);
    let mut ready = make();
    let mut run = execution.begin(&mut ready.0, || make().0);
    let outcome = run_by(ready, most, |machine| run.slice(machine, 1_000_000, 1_000_000));
    (outcome, run.longest)
}

fn run(mode: Mode, machine: (Execution, Features), source: &str) -> Outcome {
    run_for(mode, machine, source, INSTRUCTIONS_MAX).0
}

/// The first bytes of visor's image, which are code.
fn visors_code(outcome: &Outcome) -> Vec<u8> {
    let mut code = vec![0; 4096];
    outcome.machine.board.ram().read_bytes(VISOR - RAM_BASE, &mut code).unwrap();
    code
}

#[test]
fn a_guests_disk_reaches_the_guests_memory_and_not_visors() {
    const USED: u64 = 0x8050_2000;
    let good = read_sector(0x8050_4000, USED)
        + "EXPECT R2, 0\n LI R1, 0x80504000\n LD R2, 0(R1)\n EXPECT R2, 0x5A5A5A5A5A5A5A5A\n END";
    // The data all in visor's memory, or the last of them; what the device says of itself. The status says failure (VIRTIO 1.3,
    // 5.2.6), or nothing, where the device could not go on.
    let into = read_sector(VISOR, USED) + "EXPECT R2, 1\n END";
    let partly = read_sector(VISOR - 256, USED) + "EXPECT R2, 1\n END";
    let used = read_sector(0x8050_4000, VISOR) + "END";
    for mode in MODES {
        let before = visors_code(&run(mode, (EXECUTIONS[0], Features::default()), "END"));
        for on @ (execution, features) in machines() {
            let what = describe(mode, execution, features);
            run(mode, on, &good).assert_finished(0);
            if mode == Mode::Native {
                continue; // The guest has the whole machine.
            }
            for (attack, source) in [("into", &into), ("partly", &partly), ("used", &used)] {
                let outcome = run(mode, on, source);
                assert_eq!(outcome.progress, Progress::Ended(End::Finished(0)), "{attack}: {what}");
                assert!(visors_code(&outcome) == before, "{attack}: {what}: visor's code is another");
            }
        }
    }
}

#[test]
fn a_vector_sent_in_one_vm_is_not_pending_in_another() {
    let source = include_str!("../../../tests/isa/vic/changed-vm.s");
    for (execution, features) in machines() {
        // Whatever the slices, the run is the same.
        let mut counts = Vec::new();
        for instructions in [u64::MAX, 1_000, 7] {
            let make = || {
                let mut machine = text_test::machine(2, source);
                machine.set_features(features);
                machine
            };
            let mut machine = make();
            let mut run = execution.begin(&mut machine, make);
            let progress = loop {
                match run.slice(&mut machine, u64::MAX, instructions) {
                    Progress::Running if machine.instructions() < INSTRUCTIONS_MAX => {}
                    other => break other,
                }
            };
            let what = describe(Mode::Native, execution, features);
            assert_eq!(progress, Progress::Ended(End::Finished(0)), "{what}");
            counts.push((machine.totals(), machine.now_ns()));
        }
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    }
}

#[test]
fn no_guest_keeps_the_host_or_stops_time() {
    // Traps for ever; waits for nothing; a clock's alarm at the end of time, and then a timer that is near.
    let traps = "LI R1, 0x40000000\n MOV CR1, R1\n .word 0";
    let waits = "MOV CR5, R0\n1: WFI\n J 1b";
    let alarm = "LI R1, 0x101000\n SW R0, 4(R1)\n SW R0, 0(R1)\n LI R2, -1\n SW R2, 12(R1)\n SW R2, 8(R1)
        RDTIME R2\n LI R3, 10000\n ADD R2, R2, R3\n MOV CR11, R2\n LI R3, 0x20\n MOV CR5, R3\n WFI\n END";
    // Asks the disk for the same sector as fast as it can.
    let storm = read_sector(0x8050_4000, 0x8050_2000)
        + "LI R3, 0x80501000\n LI R4, 0x10001000\n LI R5, 1
1: ADDI R5, R5, 1\n SH R5, 2(R3)\n SW R0, 0x50(R4)\n J 1b";
    // For how many instructions each runs, and how it may be left then: it has ended well, or visor has ended it, or it waits or runs on.
    type IsFine = fn(Progress) -> bool;
    let kernels: [(&str, &str, u64, IsFine); 4] = [
        ("traps", traps, 2_000_000, |progress| progress != Progress::Ended(End::Finished(0))),
        ("waits", waits, 2_000_000, |progress| progress == Progress::Idle(None)),
        ("alarm", alarm, 2_000_000, |progress| progress == Progress::Ended(End::Finished(0))),
        ("storm", &storm, 500_000, |progress| progress == Progress::Running),
    ];
    for (mode, on) in MODES.into_iter().flat_map(|mode| machines().map(move |on| (mode, on))) {
        for (name, source, most, is_fine) in kernels {
            let (outcome, longest) = run_for(mode, on, source, most);
            let what = describe(mode, on.0, on.1);
            assert!(is_fine(outcome.progress), "{name}: {what}: {:?}\n{}", outcome.progress, outcome.console);
            assert!(longest < Duration::from_secs(10), "{name}: {what}: a slice of 1 ms took {longest:?}");
        }
    }
}

/// After LDHPTBR, WRMSR of HPTBR and VMLOAD a device that is passed through reaches what the new tables map (specification, 5.3), and
/// nothing before IOVMAP and after it is unmapped.
#[test]
fn a_devices_dma_goes_by_the_tables_in_force() {
    // The queue, the data and the rest are the same in three places; the tables lead to one, the other, or all of memory.
    let source = "
.equ VIRTIO, 0x10001000
.equ FIRST, 0x80160000
.equ SECOND, 0x80170000
.macro set offset, value
    li t0, VIRTIO+\\offset
    li t1, \\value
    sw t1, (t0)
.endm
.macro queue at, base
    poke \\at, \\base+0x3000
    poke \\at+8, 16|(1<<32)|(1<<48)
    poke \\at+16, \\base+0x4000
    poke \\at+24, 512|(3<<32)|(2<<48)
    poke \\at+32, \\base+0x3010
    poke \\at+40, 1|(2<<32)
    poke \\at+0x1000, 0x10000
    poke \\at+0x3000, 0
    poke \\at+0x3008, 0
.endm
; Reads the sector by a queue at `base`; then only the place `hit` may hold it.
.macro read base, hit
    poke FIRST+0x4000, 0
    poke SECOND+0x4000, 0
    set 0x70, 0
    set 0x24, 1
    set 0x20, 1
    set 0x70, 0xb
    set 0x38, 8
    set 0x80, \\base
    set 0x90, \\base+0x1000
    set 0xa0, \\base+0x2000
    set 0x44, 1
    set 0x70, 0xf
    set 0x50, 0
    li t0, FIRST+0x4000
    ld R10, (t0)
    snez R10, R10
    li t0, SECOND+0x4000
    ld R11, (t0)
    snez R11, R11
    slli R11, R11, 1
    or R10, R10, R11
    addi R20, R20, 1
    li R11, \\hit
    bne R10, R11, wrong
.endm
main:
    queue FIRST, 0x40000000
    queue SECOND, 0x40000000
    entry H_ROOT, 1, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
.set page, 0
.rept 8
    entry H_TABLE2, page, FIRST+page*0x1000, RWX
    entry G_TABLE2, page, SECOND+page*0x1000, RWX
.set page, page+1
.endr
    li R20, 0
    read 0x40000000, 0
    read FIRST, 0                   ; nor physical addresses: nobody has the disk
    base hptbr, SV39, 1, H_ROOT
    VMSAVE
    poke DESCRIPTOR, 4
    poke DESCRIPTOR+8, 0x50000000
    poke DESCRIPTOR+16, 0x1000
    poke DESCRIPTOR+24, VIRTIO
    li R21, DESCRIPTOR
    IOVMAP R21
    VMSAVE
    read 0x40000000, 1
    li R22, (8<<60)|(2<<44)|(G_ROOT>>12)
    LDHPTBR R22
    read 0x40000000, 2
    base hptbr, SV39, 1, H_ROOT
    read 0x40000000, 1
    LDHPTBR R22
    VMLOAD
    read 0x40000000, 1
    ; The VM keeps the disk while another is current, whatever HPTBR that has.
    li R23, VMCS2
    VMLOAD R23
    LDHPTBR R22
    read 0x40000000, 1
    ; Bare: all of memory.
    queue FIRST, FIRST
    li R23, VMCS
    VMLOAD R23
    LDHPTBR R0
    read FIRST, 1
    poke DESCRIPTOR, 0
    IOVMAP R21
    read FIRST, 0
    pass
wrong:
    slli R20, R20, 16
    li t0, 0x3333
    or R20, R20, t0
    li t0, FINISHER
    sw R20, (t0)
";
    for &execution in executions() {
        let make = || {
            let mut machine = text_test::machine(1, source);
            disk(&mut machine.board);
            machine
        };
        let mut machine = make();
        let progress = execution.begin(&mut machine, make).slice(&mut machine, u64::MAX, INSTRUCTIONS_MAX);
        assert_eq!(
            progress,
            Progress::Ended(End::Finished(0)),
            "{execution:?}: the code is the number of the read that went wrong"
        );
    }
}
