//! What the command writes, where nobody may be reading: standard output and standard error, and the files of traces.
//!
//! Each of them is a [`Stream`] with a thread that does the writing, so that a pipe that nobody empties, or a terminal that
//! stands still, stops neither a time limit nor a signal nor the user. A writer waits while the stream is full, for as long
//! as it takes, or until [`hurry`] says that the run is to end; what is not written [`GRACE`] later is given up.
//!
//! Nothing here panics or aborts because an output fails: the error stays with the stream, and [`finish`] has it.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that wait to be written before whoever writes waits, too.
const ROOM: usize = 64 << 10;
/// How long an output may take when the run is to end.
pub const GRACE: Duration = Duration::from_millis(40);
/// How often somebody who waits looks whether the run is to end.
const LOOK: Duration = Duration::from_millis(10);

/// Why the run is to end at once, and by when.
#[derive(Clone, Copy, Debug)]
pub struct Hurry {
    /// From when on nothing is waited for.
    pub from: Instant,
    /// The exit code if nobody has a better one.
    pub code: u8,
}

static HURRY: Mutex<Option<Hurry>> = Mutex::new(None);

/// From a moment on, outputs get no more than [`GRACE`]. The earliest such moment counts.
pub fn hurry(from: Instant, code: u8) {
    let mut known = HURRY.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_none_or(|known| from < known.from) {
        *known = Some(Hurry { from, code });
    }
}

/// That the run is to end, if that moment has come.
pub fn hurried() -> Option<Hurry> {
    let known = *HURRY.lock().unwrap_or_else(PoisonError::into_inner);
    known.filter(|hurry| Instant::now() >= hurry.from)
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// The thread has taken bytes that are not written yet.
    is_writing: bool,
    error: Option<(ErrorKind, String)>,
    /// Nobody waits for it any more, and what is written to it is dropped.
    given_up: bool,
    has_thread: bool,
}

impl State {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && !self.is_writing
    }

    fn check(&self) -> io::Result<()> {
        match &self.error {
            Some((kind, text)) if !self.given_up => Err(io::Error::new(*kind, text.clone())),
            _ => Ok(()),
        }
    }
}

/// An output with a thread that writes it.
pub struct Stream {
    /// `None`: it could not be had; what is written is lost, as the error says.
    file: Option<File>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Stream {
    fn new(file: io::Result<File>) -> Arc<Stream> {
        let error = file.as_ref().err().map(|error| (error.kind(), error.to_string()));
        let state = Mutex::new(State { error, ..State::default() });
        Arc::new(Stream { file: file.ok(), state, changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first error of the output, if there was one.
    pub fn check(&self) -> io::Result<()> {
        self.state().check()
    }

    /// Whether more should be written to it now.
    pub fn has_room(&self) -> bool {
        let state = self.state();
        state.given_up || state.error.is_some() || state.pending.len() < ROOM
    }

    /// Waits for room, but no longer than a time.
    pub fn wait_for_room(&self, longest: Duration) {
        let is_full = |state: &mut State| state.error.is_none() && state.pending.len() >= ROOM;
        drop(self.changed.wait_timeout_while(self.state(), longest, is_full));
    }

    /// Hands over bytes without waiting for anything.
    pub fn offer(self: &Arc<Self>, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.check()?;
        if state.given_up || bytes.is_empty() {
            return Ok(());
        }
        state.pending.extend_from_slice(bytes);
        if !state.has_thread {
            let this = self.clone();
            std::thread::Builder::new().name("output".into()).spawn(move || this.write_all_that_comes())?;
            state.has_thread = true;
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until all is written. False: it was given up.
    pub fn drain(&self) -> io::Result<bool> {
        self.wait(State::is_empty)
    }

    /// Waits until all is written, but no longer than [`GRACE`].
    pub fn drain_briefly(&self) {
        let is_busy = |state: &mut State| state.error.is_none() && !state.is_empty();
        drop(self.changed.wait_timeout_while(self.state(), GRACE, is_busy));
    }

    /// Whoever reads has seen enough.
    pub fn give_up(&self) {
        let mut state = self.state();
        state.given_up = true;
        state.pending.clear();
        self.changed.notify_all();
    }

    /// Waits for something, as long as nobody is in a hurry. False: the stream was given up.
    fn wait(&self, done: impl Fn(&State) -> bool) -> io::Result<bool> {
        let began = Instant::now();
        let mut state = self.state();
        loop {
            state.check()?;
            if state.given_up {
                return Ok(false);
            }
            if done(&state) {
                return Ok(true);
            }
            if hurried().is_some_and(|hurry| hurry.from.max(began).elapsed() >= GRACE) {
                state.given_up = true;
                state.pending.clear();
                return Ok(false);
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The thread.
    fn write_all_that_comes(&self) {
        loop {
            let waiting = |state: &mut State| state.pending.is_empty();
            let mut state =
                self.changed.wait_while(self.state(), waiting).unwrap_or_else(PoisonError::into_inner);
            let bytes = std::mem::take(&mut state.pending);
            state.is_writing = true;
            drop(state);
            self.changed.notify_all();
            let written = self.file.as_ref().map_or(Ok(()), |file| write_patiently(file, &bytes));
            let mut state = self.state();
            state.is_writing = false;
            if let Err(error) = written {
                state.error.get_or_insert((error.kind(), error.to_string()));
                state.pending.clear();
            }
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// As `write_all`, also where somebody else has made the file one that does not block.
fn write_patiently(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A stream to write to, which waits while it is full. A flush waits until all is written.
#[derive(Clone)]
pub struct Out(Arc<Stream>);

impl Out {
    /// An output to a file.
    pub fn to(file: File) -> Out {
        Out(Stream::new(Ok(file)))
    }
}

impl std::ops::Deref for Out {
    type Target = Arc<Stream>;

    fn deref(&self) -> &Arc<Stream> {
        &self.0
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.wait(|state| state.pending.len() < ROOM)?;
        self.0.offer(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.drain().map(drop)
    }
}

/// Standard output.
pub fn output() -> Out {
    static OUTPUT: OnceLock<Arc<Stream>> = OnceLock::new();
    let open = || Stream::new(io::stdout().as_fd().try_clone_to_owned().map(File::from));
    Out(OUTPUT.get_or_init(open).clone())
}

/// Standard error.
pub fn errors() -> Out {
    static ERRORS: OnceLock<Arc<Stream>> = OnceLock::new();
    let open = || Stream::new(io::stderr().as_fd().try_clone_to_owned().map(File::from));
    Out(ERRORS.get_or_init(open).clone())
}

/// Writes text to standard output and waits until it is there. Whoever reads may stop doing so.
pub fn print(text: &str) -> io::Result<()> {
    let mut output = output();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            output.give_up();
            Ok(())
        }
        other => other,
    }
}

/// Says something on standard error, after what was printed. If that fails, [`finish`] knows.
pub fn tell(text: std::fmt::Arguments<'_>) {
    let mut errors = errors();
    let _ = output().drain();
    // In one piece, so that it stays together.
    let _ = errors.write_all(text.to_string().as_bytes());
}

/// How all that was written has ended.
#[derive(Debug)]
pub enum Finish {
    /// It is written, or nobody wanted it.
    Written,
    /// Some of it was given up, in this hurry.
    GivenUp(Hurry),
    /// An output has failed.
    Failed(io::Error),
}

/// Waits until all is written.
pub fn finish() -> Finish {
    let drained = [(output().drain(), "standard output"), (errors().drain(), "standard error")];
    for (drained, name) in drained {
        match (drained, hurried()) {
            (Err(error), _) => {
                return Finish::Failed(io::Error::new(error.kind(), format!("cannot write {name}: {error}")));
            }
            (Ok(false), Some(hurry)) => return Finish::GivenUp(hurry),
            (Ok(_), _) => {}
        }
    }
    Finish::Written
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_written_arrives_in_order_and_errors_stay() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut out = Out::to(File::from(std::os::fd::OwnedFd::from(writer)));
        let bytes: Vec<u8> = (0..1_000_000u32).map(|index| (index / 7) as u8).collect();
        let expected = bytes.clone();
        let thread = std::thread::spawn(move || {
            let mut read = vec![0; expected.len()];
            reader.read_exact(&mut read).unwrap();
            assert!(read == expected);
        });
        bytes.chunks(999).for_each(|chunk| out.write_all(chunk).unwrap());
        assert!(out.drain().unwrap());
        thread.join().unwrap();
        // The reader is gone.
        out.write_all(b"x").unwrap();
        assert_eq!(out.drain().unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(out.check().unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(out.write_all(b"x").is_err());
        out.give_up();
        assert!(out.write_all(b"x").is_ok());
    }

    #[test]
    fn a_full_pipe_blocks_nobody_who_only_offers() {
        let (reader, writer) = io::pipe().unwrap();
        let out = Out::to(File::from(std::os::fd::OwnedFd::from(writer)));
        for _ in 0..10 {
            out.offer(&[0; 64 << 10]).unwrap();
        }
        assert!(!out.has_room());
        let began = Instant::now();
        out.wait_for_room(Duration::from_millis(20));
        out.drain_briefly();
        assert!(began.elapsed() < Duration::from_secs(20));
        out.give_up();
        assert!(!out.drain().unwrap());
        drop(reader);
    }
}
