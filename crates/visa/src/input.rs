//! What is typed or piped into the command, and when the guest gets it.
//!
//! A terminal's bytes go to the guest as they come, but for the commands that Ctrl-A begins. A pipe's or a file's bytes
//! go to the guest when it waits for them: one when every hart halts and all before have been read, or a few when the
//! guest polls the UART and finds nothing. So a kernel that is still booting does not lose them, and with time
//! from instructions a run is a function of the bytes, provided that they are there when the guest first waits (the
//! command gives a pipe [`PIPE_PATIENCE`] for that).

use std::collections::VecDeque;
use std::io::{IsTerminal, Read, stdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use visa_machine::board::Board;

use crate::terminal;

/// How long the first wait for a pipe's bytes, or their end, may last.
const PIPE_PATIENCE: Duration = Duration::from_millis(200);
/// What a guest that polls gets at a time: as much as a 16550 holds.
const POLLED_BYTES: usize = 16;
/// Chunks that the reading thread may be ahead, and their size in bytes.
const CHUNKS_AHEAD: usize = 16;
const CHUNK_BYTES: usize = 4096;

/// Ctrl-A.
const ESCAPE: u8 = 1;

/// A command that the user gave with Ctrl-A.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// End the run.
    Quit,
    /// Enter or leave the monitor.
    Monitor,
    /// Show the commands.
    Help,
}

enum Event {
    Bytes(Vec<u8>),
    End,
    Wake,
}

/// Standard input.
pub struct Input {
    events: Receiver<Event>,
    is_terminal: bool,
    pending: VecDeque<u8>,
    commands: VecDeque<Command>,
    escaped: bool,
    ended: bool,
    waited: bool,
}

impl Input {
    /// Starts to read standard input, and to watch for signals.
    pub fn new() -> anyhow::Result<Input> {
        let (sender, events) = sync_channel(CHUNKS_AHEAD);
        let waker = sender.clone();
        // A full channel wakes the receiver anyway.
        terminal::watch_signals(move || drop(waker.try_send(Event::Wake)))?;
        std::thread::spawn(move || read_all(&sender));
        Ok(Input {
            events,
            is_terminal: stdin().is_terminal(),
            pending: VecDeque::new(),
            commands: VecDeque::new(),
            escaped: false,
            ended: false,
            waited: false,
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

    /// Between two slices: gives the guest what it may have now, and returns that.
    pub fn feed(&mut self, board: &mut Board) -> Vec<u8> {
        self.poll();
        if self.is_terminal {
            self.give(board, usize::MAX)
        } else if board.console_is_polled() {
            self.wait_for_pipe();
            self.give(board, POLLED_BYTES)
        } else {
            Vec::new()
        }
    }

    /// Every hart halts: gives a byte of a pipe, or all of a terminal. Returns what there was to give.
    pub fn feed_halted(&mut self, board: &mut Board) -> Vec<u8> {
        self.poll();
        if self.is_terminal {
            return self.give(board, usize::MAX);
        }
        if board.console_unread() != 0 {
            return Vec::new();
        }
        self.wait_for_pipe();
        self.give(board, 1)
    }

    fn give(&mut self, board: &mut Board, most: usize) -> Vec<u8> {
        let (bytes, _) = self.pending.as_slices();
        let taken = board.console_input(&bytes[..bytes.len().min(most)]);
        self.pending.drain(..taken).collect()
    }

    /// Once: gives whoever writes the pipe the time to do it.
    fn wait_for_pipe(&mut self) {
        if std::mem::replace(&mut self.waited, true) {
            return;
        }
        let end = Instant::now() + PIPE_PATIENCE;
        while !self.ended && self.pending.len() < CHUNK_BYTES && terminal::signal().is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.wait(left);
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
        if !std::mem::take(&mut self.escaped) {
            if byte == ESCAPE {
                self.escaped = true;
            } else {
                self.pending.push_back(byte);
            }
            return;
        }
        match byte {
            ESCAPE => self.pending.push_back(ESCAPE),
            b'x' | b'X' => self.commands.push_back(Command::Quit),
            b'c' | b'C' => self.commands.push_back(Command::Monitor),
            _ => self.commands.push_back(Command::Help),
        }
    }
}

/// Reads standard input to its end.
fn read_all(events: &SyncSender<Event>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let event = match stdin().lock().read(&mut chunk) {
            Ok(0) => Event::End,
            Ok(length) => Event::Bytes(chunk[..length].to_vec()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => Event::End,
        };
        let is_end = matches!(event, Event::End);
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}
