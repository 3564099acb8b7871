//! What devices do for a guest takes the host's time and none of the guest's: the machine comes back in between, and the
//! guest cannot tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use visa_devices::{BlockBackend, BlockError};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::loader::{ImageBase, Loader};
use visa_machine::lockstep::Lockstep;
use visa_machine::machine::{EngineKind, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Platform;

/// A driver that gives the device a queue full of the same large read, again and again, and never waits.
const STORM: &str = concat!(
    "
        .equ    DEVICE, 0x10001000
        .equ    QUEUE, 128
        .equ    BYTES, 0x3E0000
_start: bnez    a0, _start
",
    include_str!("../../../tests/disk-access.s"),
    "
        li      s0, DEVICE
        li      t0, 3
        sw      t0, 0x70(s0)
        li      t0, 1
        sw      t0, 0x24(s0)
        sw      t0, 0x20(s0)
        sw      zero, 0x24(s0)
        li      t0, 0x10000000
        sw      t0, 0x20(s0)
        li      t0, 11
        sw      t0, 0x70(s0)
        sw      zero, 0x30(s0)
        li      t0, QUEUE
        sw      t0, 0x38(s0)
        la      t0, descriptors
        sw      t0, 0x80(s0)
        sw      zero, 0x84(s0)
        la      s1, available
        sw      s1, 0x90(s0)
        sw      zero, 0x94(s0)
        la      t0, used
        sw      t0, 0xa0(s0)
        sw      zero, 0xa4(s0)
        li      t0, 1
        sw      t0, 0x44(s0)
        li      t0, 15
        sw      t0, 0x70(s0)
        li      t1, 0
storm:  addi    t1, t1, QUEUE
        sh      t1, 2(s1)
        sw      zero, 0x50(s0)
        addi    s2, s2, 1
        j       storm
        .align  4
header: .word   0, 0
        .dword  0
        .align  12
descriptors:
        .dword  header
        .word   16
        .half   1, 1
        .dword  0x80200000
        .word   BYTES
        .half   3, 2
        .dword  status
        .word   1
        .half   2, 0
        .space  4096 - 48
available:
        .space  4096
used:   .space  4096
status: .space  16
"
);

/// A disk of zeros, and how many bytes were read of it.
struct Counted(Arc<AtomicU64>);

impl BlockBackend for Counted {
    fn sectors(&self) -> u64 {
        1 << 20
    }

    fn read_only(&self) -> bool {
        true
    }

    fn read(&mut self, _: u64, into: &mut [u8]) -> Result<(), BlockError> {
        into.fill(0x5A);
        self.0.fetch_add(into.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn write(&mut self, _: u64, _: &[u8]) -> Result<(), BlockError> {
        unreachable!("the disk is read-only")
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(())
    }
}

fn machine(engine: EngineKind, harts: usize) -> (Machine, Arc<AtomicU64>) {
    machine_with(STORM, engine, harts)
}

fn machine_with(source: &str, engine: EngineKind, harts: usize) -> (Machine, Arc<AtomicU64>) {
    let object = visa_asm::assemble(source, "storm.s", &visa_asm::Options::default());
    let object = object.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let mut board = Board::new(&BoardConfig { ram_bytes: 8 << 20, harts, start_time_ns: 0 }).unwrap();
    let read = Arc::new(AtomicU64::new(0));
    board.attach_disk(Box::new(Counted(read.clone())), "storm").unwrap();
    let image = Loader::new(board.ram())
        .load_image_bytes("storm", &object.to_elf(), ImageBase::at(RAM_BASE))
        .unwrap();
    let mut machine = Machine::new(board, image.entry, 0, TimeSource::Instructions);
    machine.set_engine(engine);
    (machine, read)
}

const JIT: EngineKind = EngineKind::Jit { threshold: Some(1), optimise: Some(100) };

#[test]
fn the_machine_comes_back_while_a_device_works_for_long() {
    for engine in [EngineKind::Interpreter, JIT] {
        let (mut machine, read) = machine(engine, 1);
        let mut slice = machine.begin_slice(200_000, u64::MAX);
        let (mut paused, mut before) = (0, 0);
        for _ in 0..60 {
            let progress = machine.continue_slice(&mut slice, 50_000);
            let now = read.load(Ordering::Relaxed);
            assert!(now - before <= 24 << 20, "{} bytes without a look", now - before);
            before = now;
            paused += u64::from(slice.is_paused());
            match progress {
                None => {}
                Some(progress) => {
                    assert_eq!(progress, Progress::Running);
                    slice = machine.begin_slice(200_000, u64::MAX);
                }
            }
        }
        assert!(paused > 30, "{paused}");
        assert!(before > 400 << 20, "the device did its work: {before}");
        // 60 looks are less than two notifications' worth, for which the hart needs a few instructions.
        assert!(machine.instructions() < 200, "{}", machine.instructions());
    }
}

/// IOVMASK writes up to 16 KiB, which is more than an instruction may do for nothing.
#[test]
fn the_machine_comes_back_while_permission_maps_are_written() {
    let source = "
_start: li      t0, 0x80100000
        wrmsr   iomap, t0
        li      t0, 0xffff0000
        li      t1, 3
1:      iovmask t0, t1
        addi    s2, s2, 1
        j       1b
";
    for engine in [EngineKind::Interpreter, JIT] {
        let (mut machine, _) = machine_with(source, engine, 1);
        let mut slice = machine.begin_slice(u64::MAX, u64::MAX);
        for _ in 0..20 {
            let before = machine.instructions();
            assert_eq!(machine.continue_slice(&mut slice, u64::MAX), None);
            let executed = machine.instructions() - before;
            assert!(slice.is_paused() && executed < 250, "{executed} instructions without a look");
        }
        let mut other = machine_with(source, EngineKind::Interpreter, 1).0;
        other.run_slice(u64::MAX, machine.instructions());
        assert_eq!(state(&machine), state(&other));
    }
}

/// Registers, retired instructions, time and a checksum of memory after so many requests.
fn state(machine: &Machine) -> (u64, u64, u64, u32) {
    (machine.harts[0].state.r(18), machine.instructions(), machine.now_ns(), machine.memory_checksum())
}

#[test]
fn a_guest_cannot_tell_where_the_machine_came_back() {
    const INSTRUCTIONS: u64 = 60;
    for harts in [1, 2] {
        let whole = {
            let (mut machine, _) = machine(EngineKind::Interpreter, harts);
            machine.run_slice(1_000_000, INSTRUCTIONS);
            state(&machine)
        };
        assert!(whole.0 >= 2, "several notifications: {whole:?}");
        for most in [1, 7, 1_000] {
            let (mut machine, _) = machine(JIT, harts);
            let mut slice = machine.begin_slice(1_000_000, INSTRUCTIONS);
            while machine.continue_slice(&mut slice, most).is_none() {}
            assert_eq!(state(&machine), whole, "{most} at a time, {harts} harts");
        }
    }
    // And by steps, some of which are the device's.
    let (mut machine, _) = machine(EngineKind::Interpreter, 1);
    let mut waited = 0;
    while machine.instructions() < INSTRUCTIONS {
        waited += u64::from(machine.step(0).0.bits.is_none());
    }
    // What the last instruction asked for is done before the next one would be.
    while machine.board.has_work() {
        machine.board.work();
    }
    let (mut other, _) = self::machine(EngineKind::Interpreter, 1);
    other.run_slice(1_000_000, INSTRUCTIONS);
    assert_eq!((machine.harts[0].state.r(18), machine.memory_checksum()), (state(&other).0, state(&other).3));
    assert!(waited > 20, "{waited}");
}

#[test]
fn engines_in_lockstep_come_back_at_the_same_places() {
    let ((mut fast, _), (reference, _)) = (machine(JIT, 1), machine(EngineKind::Interpreter, 1));
    fast.pause_at_halt = true;
    let mut lockstep = Lockstep::new(reference, 1_000.try_into().unwrap(), None);
    let mut slices = lockstep.begin_slice(&fast, 200_000, u64::MAX);
    for _ in 0..60 {
        if lockstep.continue_slice(&mut fast, &mut slices).unwrap().is_some() {
            slices = lockstep.begin_slice(&fast, 200_000, u64::MAX);
        }
    }
    assert!(lockstep.compared().states == 60 && lockstep.compared().instructions > 20);
}
