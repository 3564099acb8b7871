//! GDB remote protocol for a V-ISA machine.
//!
//! [`serve`] gives a machine that somebody else runs (a [`Debuggee`]) to a debugger, until it leaves. The framing is
//! gdbstub's; what registers there are, and how they are called, is in [`registers`]; what the debugger may do is in
//! `target`.
//!
//! Nothing that the debugger does leaves a trace in the machine but what it means to change: breakpoints are compared
//! with the PC and never written to memory, and memory is read past the translation caches.
#![forbid(unsafe_code)]

mod connection;
mod debuggee;
pub mod registers;
mod target;

use std::net::TcpStream;
use std::time::Duration;

use gdbstub::common::Signal;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub, GdbStubError, MultiThreadStopReason};

use connection::{Link, Received};
pub use debuggee::{Debuggee, SliceEnd};
use target::Target;

/// How long to wait for the debugger before [`Debuggee::stand_still`] is asked again.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes of the largest packet that is understood; a debugger is told so. One that sends longer ones is lost.
const PACKET_BYTES: usize = 16 << 10;

/// Bytes from the debugger between two looks at the rest of the world, should it never pause.
const BYTES_PER_LOOK: u32 = 1024;

/// How the debugger left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Departure {
    /// It let the machine go on.
    Detached,
    /// It wants the run to end.
    Killed,
    /// The run ended, or the machine was taken from it.
    Ended,
    /// It is gone without a word, or what it said made no sense.
    Lost {
        /// Why.
        why: String,
        /// Whether it had the machine run then.
        is_running: bool,
    },
}

/// What moves the protocol on.
enum Next {
    /// A byte from the debugger.
    Byte(u8),
    /// The machine stopped.
    Stop(MultiThreadStopReason<u64>),
    /// Nothing yet.
    Nothing,
    /// The connection is gone.
    Closed,
    /// The machine was taken away.
    Taken,
}

/// Serves a debugger that has just attached; the machine stands still from now on. Breakpoints are removed at the end.
pub fn serve(stream: TcpStream, debuggee: &mut dyn Debuggee) -> Departure {
    let mut target = Target::new(debuggee);
    let departure = match Link::new(stream) {
        Ok(link) => converse(link, &mut target),
        Err(error) => Departure::Lost { why: error.to_string(), is_running: false },
    };
    target.clear();
    departure
}

fn converse(link: Link, target: &mut Target<'_>) -> Departure {
    let mut packet = vec![0; PACKET_BYTES];
    let mut is_running = false;
    converse_in(link, target, &mut packet, &mut is_running).unwrap_or_else(|error| {
        let why =
            if error.is_connection_error() { "the connection failed" } else { "no sense in what it sent" };
        Departure::Lost { why: format!("{why}: {error}"), is_running }
    })
}

fn converse_in(
    link: Link,
    target: &mut Target<'_>,
    packet: &mut [u8],
    is_running: &mut bool,
) -> Result<Departure, GdbStubError<std::convert::Infallible, std::io::Error>> {
    let stub = GdbStub::builder(link).with_packet_buffer(packet).build();
    let stub = stub.unwrap_or_else(|error| unreachable!("a buffer is all that a stub needs: {error}"));
    let mut state = stub.run_state_machine(target)?;
    let mut bytes = 0u32;
    loop {
        let next = match &mut state {
            GdbStubStateMachine::Idle(idle) => {
                *is_running = false;
                while_idle(idle.borrow_conn(), target)
            }
            GdbStubStateMachine::Running(running) => {
                *is_running = true;
                while_running(running.borrow_conn(), target)
            }
            GdbStubStateMachine::CtrlCInterrupt(_) | GdbStubStateMachine::Disconnected(_) => Next::Nothing,
        };
        if let Next::Byte(_) = next {
            bytes = bytes.wrapping_add(1);
            if bytes.is_multiple_of(BYTES_PER_LOOK) && !target.stand_still() {
                return Ok(Departure::Ended);
            }
        }
        state = match (state, next) {
            (_, Next::Taken) => return Ok(Departure::Ended),
            (_, Next::Closed) => {
                let why = "the connection was closed".into();
                return Ok(Departure::Lost { why, is_running: *is_running });
            }
            (GdbStubStateMachine::Idle(idle), Next::Byte(byte)) => idle.incoming_data(target, byte)?,
            (GdbStubStateMachine::Idle(idle), _) => idle.into(),
            (GdbStubStateMachine::Running(running), Next::Byte(byte)) => {
                running.incoming_data(target, byte)?
            }
            (GdbStubStateMachine::Running(running), Next::Stop(reason)) => {
                running.report_stop(target, reason)?
            }
            (GdbStubStateMachine::Running(running), _) => running.into(),
            (GdbStubStateMachine::CtrlCInterrupt(interrupt), _) => {
                let reason =
                    MultiThreadStopReason::SignalWithThread { tid: target.thread(), signal: Signal::SIGINT };
                interrupt.interrupt_handled(target, Some(reason))?
            }
            (GdbStubStateMachine::Disconnected(gone), _) => {
                return Ok(match gone.get_reason() {
                    DisconnectReason::Disconnect => Departure::Detached,
                    DisconnectReason::Kill => Departure::Killed,
                    DisconnectReason::TargetExited(_) | DisconnectReason::TargetTerminated(_) => {
                        Departure::Ended
                    }
                });
            }
        }
    }
}

fn while_idle(link: &mut Link, target: &mut Target<'_>) -> Next {
    match link.receive(PATIENCE) {
        Received::Byte(byte) => Next::Byte(byte),
        Received::Closed => Next::Closed,
        Received::Nothing if target.stand_still() => Next::Nothing,
        Received::Nothing => Next::Taken,
    }
}

fn while_running(link: &mut Link, target: &mut Target<'_>) -> Next {
    match link.receive(Duration::ZERO) {
        Received::Byte(byte) => Next::Byte(byte),
        Received::Closed => Next::Closed,
        Received::Nothing => target.advance().map_or(Next::Nothing, Next::Stop),
    }
}
