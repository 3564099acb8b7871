//! What is typed or piped into the command, and when the guest gets it.
//!
//! A terminal's bytes go to the guest as they come, but for the commands that Ctrl-A begins. A pipe's or a file's bytes
//! go to the guest when it waits for them: one when every hart halts and all before have been read, or a few when the
//! guest polls the UART and finds nothing. A kernel that never halts, and waits for an interrupt in a loop, gets one when it has
//! printed nothing for [`QUIET_TICKS`]. So a kernel that is still booting does not lose them, and with time
//! from instructions a run is a function of the bytes, provided that they are there when the guest first waits (the
//! command gives a pipe [`PIPE_PATIENCE`] for that).

use std::collections::VecDeque;
use std::io::{IsTerminal, Read, stdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use visa_machine::board::Board;
use visa_machine::memory_map::TIMEBASE_HZ;

use crate::exit::QUIT;
use crate::{output, terminal};

/// How long the first wait for a pipe's bytes, or their end, may last.
const PIPE_PATIENCE: Duration = Duration::from_millis(200);
/// How often somebody who waits looks whether the run is to end.
const LOOK: Duration = Duration::from_millis(10);
/// What a guest that polls gets at a time: as much as a 16550 holds.
const POLLED_BYTES: usize = 16;
/// Ticks of the guest's time (10 ms) without output after which one that never halts is taken to wait.
const QUIET_TICKS: u64 = TIMEBASE_HZ / 100;
/// Chunks that the reading thread may be ahead, and their size in bytes.
const CHUNKS_AHEAD: usize = 16;
const CHUNK_BYTES: usize = 4096;

/// Ctrl-A.
const ESCAPE: u8 = 1;
/// Ctrl-C: the guest's, as everything that is typed.
const INTERRUPT: u8 = 3;

/// A command that the user gave with Ctrl-A.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// End the run.
    Quit,
    /// Enter or leave the monitor.
    Monitor,
    /// Show the commands.
    Help,
    /// Say how to quit, to somebody who seems to try.
    Hint,
}

enum Event {
    Bytes(Vec<u8>),
    End,
    Wake,
}

/// Standard input.
pub struct StandardInput {
    events: Receiver<Event>,
    is_terminal: bool,
    pending: VecDeque<u8>,
    commands: VecDeque<Command>,
    keys: Keys,
    /// How often in a row Ctrl-C was typed.
    interrupts: u32,
    ended: bool,
    waited: bool,
    /// Every hart has halted once: the guest will do so again when it waits.
    has_halted: bool,
    /// How many bytes the guest had printed, and the time, when it last printed or read one.
    busy: (u64, u64),
}

impl StandardInput {
    /// Starts to read standard input, and to watch for signals.
    pub fn new() -> anyhow::Result<StandardInput> {
        let (sender, events) = sync_channel(CHUNKS_AHEAD);
        let waker = sender.clone();
        // A full channel wakes the receiver anyway.
        terminal::watch_signals(move || drop(waker.try_send(Event::Wake)))?;
        let is_terminal = stdin().is_terminal();
        let reader = std::thread::Builder::new().name("input".into());
        reader.spawn(move || read_all(&sender, is_terminal)).context("cannot read standard input")?;
        Ok(StandardInput {
            events,
            is_terminal,
            pending: VecDeque::new(),
            commands: VecDeque::new(),
            keys: Keys::default(),
            interrupts: 0,
            ended: false,
            waited: false,
            has_halted: false,
            busy: (0, 0),
        })
    }

    /// Takes what has come so far.
    pub fn poll(&mut self) {
        // A pipe is read no faster than the guest takes it.
        while self.is_terminal || self.pending.len() < CHUNK_BYTES {
            match self.events.try_recv() {
                Ok(event) => self.take(event),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.ended = true;
                    return;
                }
            }
        }
    }

    /// Waits until something comes, but no longer than a time. True if something came.
    pub fn wait(&mut self, longest: Duration) -> bool {
        match self.events.recv_timeout(longest) {
            Ok(event) => {
                self.take(event);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                std::thread::sleep(longest);
                false
            }
        }
    }

    /// Whether nothing can come any more, and everything that came was given to the guest.
    pub fn is_exhausted(&self) -> bool {
        self.ended && self.pending.is_empty()
    }

    /// The next command of the user.
    pub fn command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Takes a typed byte away from the guest: for the monitor.
    pub fn take_typed(&mut self) -> Option<u8> {
        self.pending.pop_front()
    }

    /// Gives the guest what a terminal answers it, if there is one.
    pub fn answer(&mut self, bytes: &[u8]) {
        if self.is_terminal {
            self.pending.extend(bytes);
        }
    }

    /// Between two slices: what the guest may have now. Of that, [`StandardInput::given`] is told what it got.
    pub fn ready(&mut self, board: &Board) -> Vec<u8> {
        self.poll();
        if self.is_terminal {
            self.first(usize::MAX)
        } else if board.console_is_polled() {
            self.wait_for_pipe();
            self.first(POLLED_BYTES)
        } else if !self.has_halted && self.is_awaited(board) {
            self.wait_for_pipe();
            self.first(1)
        } else {
            Vec::new()
        }
    }

    /// Whether the guest has had itself interrupted by input for a while, and has done nothing else with the console.
    fn is_awaited(&mut self, board: &Board) -> bool {
        let (printed, now) = (board.console_printed().bytes, board.time());
        if printed != self.busy.0 || !board.console_awaits_input() {
            self.busy = (printed, now);
        }
        now.saturating_sub(self.busy.1) >= QUIET_TICKS
    }

    /// Every hart halts: a byte of a pipe, or all of a terminal.
    pub fn ready_halted(&mut self, board: &Board) -> Vec<u8> {
        self.has_halted = true;
        self.poll();
        if self.is_terminal {
            return self.first(usize::MAX);
        }
        if board.console_unread() != 0 {
            return Vec::new();
        }
        self.wait_for_pipe();
        self.first(1)
    }

    /// The first so many of the bytes were given to the guest.
    pub fn given(&mut self, taken: usize) {
        self.pending.drain(..taken);
    }

    fn first(&self, most: usize) -> Vec<u8> {
        let (bytes, _) = self.pending.as_slices();
        bytes[..bytes.len().min(most)].to_vec()
    }

    /// Once: gives whoever writes the pipe the time to do it.
    fn wait_for_pipe(&mut self) {
        if std::mem::replace(&mut self.waited, true) {
            return;
        }
        let end = Instant::now() + PIPE_PATIENCE;
        while !self.ended && self.pending.len() < CHUNK_BYTES && output::hurried().is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.wait(left.min(LOOK));
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Wake => {}
            Event::End => self.ended = true,
            Event::Bytes(bytes) if self.is_terminal => {
                bytes.into_iter().for_each(|byte| self.type_byte(byte))
            }
            Event::Bytes(bytes) => self.pending.extend(bytes),
        }
    }

    /// A byte from the terminal: part of a command, or the guest's.
    fn type_byte(&mut self, byte: u8) {
        self.interrupts = if byte == INTERRUPT { self.interrupts + 1 } else { 0 };
        if self.interrupts == 2 {
            self.commands.push_back(Command::Hint);
        }
        match self.keys.next(byte) {
            Some(Key::Byte(byte)) => self.pending.push_back(byte),
            Some(Key::Command(command)) => self.commands.push_back(command),
            None => {}
        }
    }
}

/// What a typed byte, with the one before, means.
enum Key {
    /// It is the guest's.
    Byte(u8),
    Command(Command),
}

/// Finds the commands among typed bytes.
#[derive(Default)]
struct Keys {
    escaped: bool,
}

impl Keys {
    fn next(&mut self, byte: u8) -> Option<Key> {
        if !std::mem::take(&mut self.escaped) {
            self.escaped = byte == ESCAPE;
            return (!self.escaped).then_some(Key::Byte(byte));
        }
        Some(match byte {
            ESCAPE => Key::Byte(ESCAPE),
            b'x' | b'X' => Key::Command(Command::Quit),
            b'c' | b'C' => Key::Command(Command::Monitor),
            _ => Key::Command(Command::Help),
        })
    }
}

/// Reads standard input to its end. The user may quit also while whoever takes the bytes waits for something else.
fn read_all(events: &SyncSender<Event>, is_terminal: bool) {
    let mut keys = Keys::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let event = match stdin().lock().read(&mut chunk) {
            Ok(0) => Event::End,
            Ok(length) => {
                let mut quits = |byte: &u8| matches!(keys.next(*byte), Some(Key::Command(Command::Quit)));
                if is_terminal && chunk[..length].iter().filter(|byte| quits(byte)).count() != 0 {
                    output::hurry(Instant::now(), QUIT);
                }
                Event::Bytes(chunk[..length].to_vec())
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => Event::End,
        };
        let is_end = matches!(event, Event::End);
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}
