//! A kernel sees the same whatever features the machine lacks: visor makes up for them. One kernel looks at all that
//! it can (`lacking.s`), natively and in a VM, on machines without each feature, and without several.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use visa_machine::boot::{Hardware, Image, KernelBoot, Mode, kernel, ram_bytes_for_kernel};
use visa_machine::machine::{End, Progress, TimeSource};
use visa_state::{Feature, Features};

const MEMORY_BYTES: u64 = 16 << 20;
/// Far more than the kernel takes.
const INSTRUCTIONS_MAX: u64 = 20_000_000;
/// visor's exit code for a guest that cannot go on (specification, 8.2).
const GUEST_SHUTDOWN: u16 = 0x60;

/// The features that visor makes up for.
const MADE_UP_FOR: [Feature; 4] =
    [Feature::DecodeAssist, Feature::TrapFilter, Feature::TimerWithoutExit, Feature::NestedPaging];

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

/// Every set of them.
fn all_features() -> impl Iterator<Item = Features> {
    (0..1 << MADE_UP_FOR.len()).map(|set| {
        let missing = MADE_UP_FOR.iter().enumerate().filter(|(index, _)| set >> index & 1 != 0);
        missing.fold(Features::default(), |features, (_, &feature)| features.without(feature))
    })
}

/// How a kernel ended, and what it printed.
fn run(source: &str, mode: Mode, features: Features) -> (Progress, String) {
    let guests = std::env::var_os("VISA_GUESTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/images")),
        PathBuf::from,
    );
    let options = visa_asm::Options { base: 0x8020_0000, ..visa_asm::Options::default() };
    let object = visa_asm::assemble(source, "lacking.s", &options)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)));
    let hardware = Hardware { harts: 1, start_time_ns: 0, time: TimeSource::Instructions, features };
    let mut board = hardware.board(ram_bytes_for_kernel(MEMORY_BYTES).unwrap()).unwrap();
    let sink = Sink::default();
    board.set_console_output(Box::new(sink.clone()));
    let boot = KernelBoot {
        mode,
        kernel: Image::Bytes("kernel".into(), object.to_elf().into()),
        load_address: None,
        initrd: None,
        append: String::new(),
        memory_bytes: MEMORY_BYTES,
        seed: 1,
        visor: Image::File(guests.join("visor.elf")),
    };
    let mut machine = kernel(&hardware, board, &boot).unwrap().machine;
    let progress = loop {
        let progress = machine.run_slice(1_000_000, 1_000_000);
        if progress != Progress::Running || machine.totals().instructions > INSTRUCTIONS_MAX {
            break progress;
        }
    };
    let console = String::from_utf8_lossy(&sink.0.lock().unwrap()).into_owned();
    (progress, console)
}

#[test]
fn a_kernel_sees_no_difference() {
    let mut differences = Vec::new();
    for mode in [Mode::Native, Mode::Accelerated] {
        for features in all_features() {
            let missing: Vec<_> = features.missing().map(Feature::name).collect();
            let (progress, console) = run(include_str!("lacking.s"), mode, features);
            if (progress, console.as_str()) != (Progress::Ended(End::Finished(0)), "") {
                differences.push(format!("{} without {missing:?}: {progress:?} `{console}`", mode.name()));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The trap vector is where nothing is mapped: what it leads to is the same trap again, for ever.
#[test]
fn a_kernel_whose_trap_vector_traps_ends_on_every_machine() {
    let source = "
        .option norvc
        .globl _start
_start: LI      R1, 0x40000000
        MOV     CR1, R1
        LA      R5, root
        SRLI    R5, R5, 12
        LI      R6, 8<<60
        OR      R5, R5, R6
        MOV     CR3, R5
        LD      R1, (R1)
        .balign 4096
root:   .dword  0xCF, 0, 0x200000CF
        .zero   509*8";
    for features in all_features() {
        let missing: Vec<_> = features.missing().map(Feature::name).collect();
        let (progress, console) = run(source, Mode::Accelerated, features);
        assert_eq!(
            progress,
            Progress::Ended(End::Finished(GUEST_SHUTDOWN)),
            "without {missing:?}: {console}"
        );
        assert!(console.contains("instruction page fault"), "without {missing:?}: {console}");
    }
}
