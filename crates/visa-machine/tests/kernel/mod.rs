//! Small kernels in V-ISA assembly under visor. The images are those of guest/images, or of the directory in
//! `VISA_GUESTS`.
#![allow(dead_code)]

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use visa_isa::cause::ExitCause;
use visa_machine::board::Board;
use visa_machine::boot::{Hardware, Image, KernelBoot, Mode, kernel, ram_bytes_for_kernel};
use visa_machine::machine::{End, Machine, Progress, TimeSource};
use visa_state::Features;

/// Memory of the kernels here. visor's begins where it ends.
const MEMORY_BYTES: u64 = 16 << 20;
/// Far more than any of the kernels takes.
const INSTRUCTIONS_MAX: u64 = 20_000_000;

/// The start of SBI calls: one macro each, so that the kernels read as lists.
const PRELUDE: &str = "
        .option norvc
        .macro SBI extension, function
            LI  R17, \\extension
            LI  R16, \\function
            ECALL
        .endm
        ; Shutdown; the code is 1 if R8 is not 0.
        .macro END
            SNEZ R11, R8
            LI  R10, 0
            SBI 0x53525354, 0
        .endm
        ; R8 becomes not 0 if the register does not hold the value.
        .macro EXPECT register, value
            LI  R9, \\value
            XOR R9, R9, \\register
            OR  R8, R8, R9
        .endm
        .globl _start
_start: LI  R8, 0
";

/// The console's output.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a run came to.
pub struct Outcome {
    pub progress: Progress,
    pub console: String,
    pub machine: Machine,
}

impl Outcome {
    pub fn exits(&self, cause: ExitCause) -> u64 {
        self.machine.totals().exits.get(&cause).copied().unwrap_or(0)
    }

    pub fn assert_finished(&self, code: u16) {
        assert_eq!(self.progress, Progress::Ended(End::Finished(code)), "console: {}", self.console);
    }
}

pub fn image(name: &'static str) -> Image {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../guest/images");
    Image::File(std::env::var_os("VISA_GUESTS").map_or(shipped, PathBuf::from).join(name))
}

pub fn assemble(source: &str) -> Image {
    let options = visa_asm::Options { base: 0x8020_0000, ..visa_asm::Options::default() };
    let object = visa_asm::assemble(&format!("{PRELUDE}{source}"), "kernel.s", &options)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)));
    Image::Bytes("kernel".into(), object.to_elf().into())
}

pub fn run_image(mode: Mode, harts: usize, kernel_image: Image) -> Outcome {
    run_on(Features::default(), mode, harts, kernel_image, |_| {})
}

pub fn run(mode: Mode, source: &str) -> Outcome {
    run_image(mode, 1, assemble(source))
}

/// Runs a kernel on a machine that may lack features and have more devices.
pub fn run_on(
    features: Features,
    mode: Mode,
    harts: usize,
    kernel_image: Image,
    prepare: impl FnOnce(&mut Board),
) -> Outcome {
    let ready = ready(features, mode, harts, kernel_image, prepare);
    run_until(ready, INSTRUCTIONS_MAX)
}

/// A machine with a kernel, and what its console prints.
pub type ReadyKernel = (Machine, Sink);

/// A machine that is about to run a kernel.
pub fn ready(
    features: Features,
    mode: Mode,
    harts: usize,
    kernel_image: Image,
    prepare: impl FnOnce(&mut Board),
) -> ReadyKernel {
    let hardware = Hardware { harts, start_time_ns: 0, time: TimeSource::Instructions, features };
    let mut board = hardware.board(ram_bytes_for_kernel(MEMORY_BYTES).unwrap()).unwrap();
    let sink = Sink::default();
    board.set_console_output(Box::new(sink.clone()));
    prepare(&mut board);
    let boot = KernelBoot {
        mode,
        kernel: kernel_image,
        load_address: None,
        initrd: None,
        append: String::new(),
        memory_bytes: MEMORY_BYTES,
        seed: 1,
        visor: image("visor.elf"),
    };
    (kernel(&hardware, board, &boot).unwrap().machine, sink)
}

/// Runs it to its end, or for so many instructions, by slices of a millisecond.
pub fn run_until(ready: ReadyKernel, instructions: u64) -> Outcome {
    run_by(ready, instructions, |machine| machine.run_slice(1_000_000, 1_000_000))
}

/// Runs it to its end, or for so many instructions, by what runs a slice of it.
pub fn run_by(
    (mut machine, sink): ReadyKernel,
    instructions: u64,
    mut slice: impl FnMut(&mut Machine) -> Progress,
) -> Outcome {
    let progress = loop {
        let progress = slice(&mut machine);
        if progress != Progress::Running || machine.instructions() > instructions {
            break progress;
        }
    };
    let console = String::from_utf8_lossy(&sink.0.lock().unwrap()).into_owned();
    Outcome { progress, console, machine }
}

/// Reads a sector of a disk into memory at an address, by a queue whose used ring is at another; R2 becomes the status that
/// the disk has written.
pub fn read_sector(to: u64, used: u64) -> String {
    let mut source = String::from("LI R1, 0x80500000\n");
    let mut store = |offset: u64, value: u64| source += &format!("LI R2, {value:#x}\n SD R2, {offset}(R1)\n");
    // Three descriptors: the request at 0x80503000, the data, the status behind the request. Then the ring.
    store(0, 0x8050_3000);
    store(8, 16 | 1 << 32 | 1 << 48);
    store(16, to);
    store(24, 512 | 3 << 32 | 2 << 48);
    store(32, 0x8050_3010);
    store(40, 1 | 2 << 32);
    source += "LI R1, 0x80501000\n LI R2, 0x10000\n SD R2, 0(R1)\n";
    source += "LI R1, 0x80503000\n LI R2, 0xEE\n SD R2, 16(R1)\n LI R1, 0x10001000\n";
    for (register, value) in [
        (0x24, 1u64),
        (0x20, 1),
        (0x70, 0xB),
        (0x38, 8),
        (0x80, 0x8050_0000),
        (0x90, 0x8050_1000),
        (0xA0, used),
        (0x44, 1),
        (0x70, 0xF),
        (0x50, 0),
    ] {
        source += &format!("LI R2, {value:#x}\n SW R2, {register}(R1)\n");
    }
    source + "LI R1, 0x80503000\n LBU R2, 16(R1)\n"
}
