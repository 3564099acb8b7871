//! A debugger that says anything.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use visa_gdb::{Debuggee, Slice, serve};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::machine::{Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;

/// Instructions in a slice, and slices and steps in all: the machine itself is not what is looked at.
const SLICE_INSTRUCTIONS: u64 = 100;
const SLICES: u32 = 50;

struct Guest {
    machine: Machine,
    left: u32,
}

impl Guest {
    fn count(&mut self, progress: Progress) -> Slice {
        self.left = self.left.saturating_sub(1);
        match progress {
            Progress::Breakpoint(hart) => Slice::Breakpoint(hart),
            _ if self.left == 0 => Slice::Ended(0),
            _ => Slice::Running,
        }
    }
}

impl Debuggee for Guest {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn run_slice(&mut self) -> Slice {
        let progress = self.machine.run_slice(SLICE_INSTRUCTIONS, SLICE_INSTRUCTIONS);
        self.count(progress)
    }

    fn step(&mut self, hart: usize) -> Slice {
        let (_, progress) = self.machine.step(hart);
        self.count(progress)
    }

    fn stand_still(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left != 0
    }

    fn monitor(&mut self, line: &str) -> String {
        line.to_string()
    }
}

/// Bytes from a debugger, as they are, and as packets with the right checksums, one for each line.
pub fn gdb(bytes: &[u8]) {
    converse(bytes);
    let packets = bytes.split(|&byte| byte == b'\n').map(|line| {
        let sum = line.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        [b"+$", line, format!("#{sum:02x}").as_bytes()].concat()
    });
    converse(&packets.collect::<Vec<_>>().concat());
}

fn converse(bytes: &[u8]) {
    let Some((ours, theirs)) = connection() else { return };
    let writer = theirs.try_clone();
    let text = bytes.to_vec();
    let writer = thread::spawn(move || {
        let Ok(mut stream) = writer else { return };
        // The other side may leave first.
        let _ = stream.write_all(&text).and_then(|()| stream.shutdown(Shutdown::Write));
    });
    let reader = thread::spawn(move || {
        let mut theirs = theirs;
        let _ = theirs.read_to_end(&mut Vec::new());
    });
    let config = BoardConfig { ram_bytes: 64 << 10, harts: 2, start_time_ns: 0 };
    let board = Board::new(&config).expect("a small board can be made");
    let machine = Machine::new(board, RAM_BASE, RAM_BASE, TimeSource::Instructions);
    let mut guest = Guest { machine, left: SLICES };
    drop(serve(ours, &mut guest));
    assert!(guest.machine.breakpoints_mut().is_empty(), "breakpoints are left behind");
    writer.join().and_then(|()| reader.join()).expect("the debugger's threads do not panic");
}

/// Both ends of a connection on this host; `None` where there are no sockets.
fn connection() -> Option<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let theirs = TcpStream::connect(listener.local_addr().ok()?).ok()?;
    theirs.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let (ours, _) = listener.accept().ok()?;
    Some((ours, theirs))
}
