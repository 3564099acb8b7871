//! Random kernels in every mode: native, under visor, under visor on machines that lack a feature, and under visor without
//! virtualization. Memory, console and exit code must be the same.
//!
//! `VISA_FUZZ_SECONDS` says how long to go on (default 5), `VISA_FUZZ_SEED` where to start. `VISA_FUZZ_KEEP` names a
//! directory that kernels are left in, for `visa boot`.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use visa_fuzz::kernel::{LOG, RandomKernel, Record};
use visa_isa::cause::{Exception, INTERRUPT};
use visa_machine::boot::{self, Hardware, Image, KernelBoot, Mode};
use visa_machine::machine::{End, Machine, Progress, TimeSource};
use visa_mem::Platform;
use visa_state::{Feature, Features};

const MEMORY_BYTES: u64 = 8 << 20;
const RAM_BASE: u64 = 0x8000_0000;
const UNITS: usize = 200;
/// Far more than any kernel takes in any mode.
const INSTRUCTIONS_MAX: u64 = 50_000_000;
const SLICE_NS: u64 = 1_000_000;

/// The log ends long before the data begins.
const LOG_OFFSETS: Range<usize> = (LOG - RAM_BASE) as usize..(0x8038_0000 - RAM_BASE) as usize;

/// A way to run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    mode: Mode,
    without: Option<Feature>,
}

const NATIVE: Way = Way { mode: Mode::Native, without: None };

/// The others: always the two modes, and in turns machines that lack a feature.
fn ways(seed: u64) -> [Way; 3] {
    let without = Feature::ALL[(seed % Feature::ALL.len() as u64) as usize];
    [
        Way { mode: Mode::Accelerated, without: None },
        Way { mode: Mode::Software, without: None },
        Way { mode: Mode::Accelerated, without: Some(without) },
    ]
}

/// The console's output.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a run left.
struct Outcome {
    progress: Progress,
    console: Vec<u8>,
    memory: Vec<u8>,
    instructions: u64,
}

impl Outcome {
    fn log(&self) -> Vec<Record> {
        Record::all(&self.memory[LOG_OFFSETS])
    }
}

fn run(way: Way, kernel: &Path) -> Outcome {
    let features = way.without.map_or(Features::default(), |feature| Features::default().without(feature));
    let hardware = Hardware { harts: 1, start_time_ns: 0, time: TimeSource::Instructions, features };
    let ram_bytes = boot::ram_bytes_for_kernel(MEMORY_BYTES).expect("a multiple of 2 MiB");
    let mut board = hardware.board(ram_bytes).expect("a small board");
    let sink = Sink::default();
    board.set_console_output(Box::new(sink.clone()));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/images");
    let visor = std::env::var_os("VISA_GUESTS").map_or(shipped, PathBuf::from).join("visor.elf");
    let plan = KernelBoot {
        mode: way.mode,
        kernel: Image::File(kernel.to_owned()),
        load_address: None,
        initrd: None,
        append: String::new(),
        memory_bytes: MEMORY_BYTES,
        seed: 1,
        visor: Image::File(visor),
    };
    let ready = boot::kernel(&hardware, board, &plan).expect("the kernel and visor can be loaded");
    let mut machine = ready.machine;
    let progress = loop {
        let progress = machine.run_slice(SLICE_NS, SLICE_NS);
        if progress != Progress::Running || machine.instructions() > INSTRUCTIONS_MAX {
            break progress;
        }
    };
    let memory = memory(&machine, ready.device_tree.len());
    let console = sink.0.lock().unwrap().clone();
    Outcome { progress, console, memory, instructions: machine.instructions() }
}

/// The guest's memory, but for its device tree, which says what paging there is.
fn memory(machine: &Machine, tree_bytes: usize) -> Vec<u8> {
    const TREE_ALIGNMENT: usize = 4096;
    let mut memory = vec![0; MEMORY_BYTES as usize - tree_bytes.next_multiple_of(TREE_ALIGNMENT)];
    machine.board.ram().read_bytes(0, &mut memory).expect("RAM has the guest's memory");
    memory
}

/// What runs amounted to, to see that they reach anything at all.
#[derive(Default, Debug)]
struct Sum {
    kernels: u64,
    instructions: u64,
    records: u64,
    causes: BTreeMap<String, u64>,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.kernels += 1;
        self.instructions += outcome.instructions;
        for record in outcome.log() {
            self.records += 1;
            if let Some(cause) = record.cause() {
                *self.causes.entry(cause_name(cause)).or_default() += 1;
            }
        }
    }
}

fn cause_name(cause: u64) -> String {
    match Exception::from_number(cause) {
        Some(exception) => exception.name().into(),
        None => format!("interrupt {}", cause & !INTERRUPT),
    }
}

#[test]
fn random_kernels_come_to_the_same_in_every_mode() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 5));
    let first = number("VISA_FUZZ_SEED", 1);
    let start = Instant::now();
    let mut sum = Sum::default();
    let directory = tempfile::tempdir().expect("a directory for kernels");
    while start.elapsed() < limit || sum.kernels == 0 {
        let seed = first.wrapping_add(sum.kernels);
        let kernel = RandomKernel::random(seed, UNITS);
        let file = match std::env::var_os("VISA_FUZZ_KEEP") {
            Some(directory) => Path::new(&directory).join(format!("kernel-{seed}")),
            None => directory.path().join("kernel"),
        };
        std::fs::write(&file, kernel.image()).expect("the kernel can be written");
        let native = run(NATIVE, &file);
        check_end(seed, &kernel, NATIVE, &native);
        for way in ways(seed) {
            compare(seed, &kernel, &native, way, &run(way, &file));
        }
        sum.add(&native);
    }
    println!("{sum:#?}");
    assert!(sum.records / sum.kernels > 100, "the kernels hardly do anything: {sum:#?}");
    if sum.kernels >= 4 {
        assert!(sum.causes.len() >= 13, "the kernels hardly trap: {sum:#?}");
    }
}

/// A kernel always comes to its end, and says so.
fn check_end(seed: u64, kernel: &RandomKernel, way: Way, outcome: &Outcome) {
    let ended = matches!(outcome.progress, Progress::Ended(End::Finished(0 | 1)));
    let last = outcome.log().pop();
    let unit = last.map_or("", |record| kernel.describe(record.unit()));
    assert!(
        ended,
        "seed {seed}, {way:?}: {:?} after {} instructions\nlast record: {last:?}\n  ({unit})\nconsole: {}",
        outcome.progress,
        outcome.instructions,
        String::from_utf8_lossy(&outcome.console)
    );
}

/// The first difference, with what led to it.
fn compare(seed: u64, kernel: &RandomKernel, native: &Outcome, way: Way, other: &Outcome) {
    let (left, right) = (native.log(), other.log());
    if let Some(at) = (0..left.len().max(right.len())).find(|&at| left.get(at) != right.get(at)) {
        let around = |log: &[Record]| log.get(at).map_or("no record".into(), |record| format!("{record:?}"));
        let unit = left.get(at).or(right.get(at)).map_or(0, Record::unit);
        let before: Vec<_> = (unit.saturating_sub(12)..=unit)
            .map(|unit| format!("  {unit}: {}", kernel.describe(unit)))
            .collect();
        panic!(
            "seed {seed}, {way:?}: record {at} differs\nnative: {}\n other: {}\nunits:\n{}\nconsole: {}",
            around(&left),
            around(&right),
            before.join("\n"),
            String::from_utf8_lossy(&other.console)
        );
    }
    check_end(seed, kernel, way, other);
    assert_eq!(native.progress, other.progress, "seed {seed}, {way:?}: how it ended");
    if let Some(at) =
        (0..native.memory.len()).step_by(8).find(|&at| native.memory[at..][..8] != other.memory[at..][..8])
    {
        panic!(
            "seed {seed}, {way:?}: memory at {:#x} differs: native {:02x?}, other {:02x?}",
            RAM_BASE + at as u64,
            &native.memory[at..][..8],
            &other.memory[at..][..8]
        );
    }
    assert_eq!(native.console, other.console, "seed {seed}, {way:?}: the console");
}
