//! A debugger that says anything.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use visa_embed::{Image, Instance, MachineOptions, RunOutcome};
use visa_gdb::{Debuggee, SliceEnd, serve};

/// Instructions in a slice, and slices and steps in all: the machine itself is not what is looked at.
const SLICE_INSTRUCTIONS: u64 = 100;
const SLICES: u32 = 50;

struct Guest {
    instance: Instance,
    left: u32,
}

impl Guest {
    fn count(&mut self, outcome: RunOutcome) -> SliceEnd {
        self.left = self.left.saturating_sub(1);
        match outcome {
            RunOutcome::Breakpoint { hart } => SliceEnd::Breakpoint(hart),
            _ if self.left == 0 => SliceEnd::Ended(0),
            _ => SliceEnd::Running,
        }
    }
}

impl Debuggee for Guest {
    fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    fn run_slice(&mut self) -> SliceEnd {
        let outcome = self.instance.run(SLICE_INSTRUCTIONS);
        self.count(outcome)
    }

    fn step(&mut self, hart: usize) -> SliceEnd {
        let outcome = self.instance.step(hart).expect("the debugger steps harts that there are");
        self.count(outcome)
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
    let options = MachineOptions { harts: 2, memory_bytes: 64 << 10, ..MachineOptions::default() };
    // A page of zeros: no instruction.
    let program = Image::Bytes("zeros".into(), vec![0; 4096].into());
    let instance = options.program(&program).expect("a small machine can be made");
    let mut guest = Guest { instance, left: SLICES };
    drop(serve(ours, &mut guest));
    assert!(guest.instance.breakpoints_mut().is_empty(), "breakpoints are left behind");
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
