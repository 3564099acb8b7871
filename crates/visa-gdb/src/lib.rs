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
pub mod registers;
mod target;

use std::net::TcpStream;
use std::time::Duration;

use gdbstub::common::Signal;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub, GdbStubError, MultiThreadStopReason};
use visa_machine::machine::Machine;

use connection::{Link, Received};
use target::Target;

/// How long to wait for the debugger before [`Debuggee::stand_still`] is asked again.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a slice or a step of the debuggee came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slice {
    /// There is more to do.
    Running,
    /// A hart is at a breakpoint.
    Breakpoint(usize),
    /// The run has ended, with this exit code.
    Ended(u8),
}

/// A machine that somebody runs, with its console and limits.
pub trait Debuggee {
    /// The machine.
    fn machine(&mut self) -> &mut Machine;

    /// Runs all harts for a short while.
    fn run_slice(&mut self) -> Slice;

    /// Executes at most one instruction of a hart.
    fn step(&mut self, hart: usize) -> Slice;

    /// Called several times a second while the machine stands still; false to take the machine from the debugger.
    fn stand_still(&mut self) -> bool;

    /// Answers the debugger's `monitor` command.
    fn monitor(&mut self, line: &str) -> String;
}

/// How the debugger left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// It let the machine go on.
    Detached,
    /// It wants the run to end.
    Killed,
    /// The run ended, or the machine was taken from it.
    Ended,
}

/// Why a debugger was lost.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LostDebugger(String);

/// What moves the protocol on.
enum Next {
    /// A byte from the debugger.
    Byte(u8),
    /// The machine stopped.
    Stop(MultiThreadStopReason<u64>),
    /// Nothing yet.
    Nothing,
    /// The connection is gone, or the machine was taken away.
    Gone(Departure),
}

/// Serves a debugger that has just attached; the machine stands still from now on. Breakpoints are removed at the end.
pub fn serve(stream: TcpStream, debuggee: &mut dyn Debuggee) -> Result<Departure, LostDebugger> {
    let link = Link::new(stream).map_err(|error| LostDebugger(error.to_string()))?;
    let mut target = Target::new(debuggee);
    let departure = converse(link, &mut target);
    target.clear();
    departure
}

fn converse(link: Link, target: &mut Target<'_>) -> Result<Departure, LostDebugger> {
    let lost =
        |error: GdbStubError<std::convert::Infallible, std::io::Error>| LostDebugger(error.to_string());
    let mut state = GdbStub::new(link).run_state_machine(target).map_err(lost)?;
    loop {
        state = match state {
            GdbStubStateMachine::Idle(mut idle) => match while_idle(idle.borrow_conn(), target) {
                Next::Byte(byte) => idle.incoming_data(target, byte).map_err(lost)?,
                Next::Gone(departure) => return Ok(departure),
                Next::Stop(_) | Next::Nothing => idle.into(),
            },
            GdbStubStateMachine::Running(mut running) => match while_running(running.borrow_conn(), target) {
                Next::Byte(byte) => running.incoming_data(target, byte).map_err(lost)?,
                Next::Stop(reason) => running.report_stop(target, reason).map_err(lost)?,
                Next::Gone(departure) => return Ok(departure),
                Next::Nothing => running.into(),
            },
            GdbStubStateMachine::CtrlCInterrupt(interrupt) => {
                let reason =
                    MultiThreadStopReason::SignalWithThread { tid: target.thread(), signal: Signal::SIGINT };
                interrupt.interrupt_handled(target, Some(reason)).map_err(lost)?
            }
            GdbStubStateMachine::Disconnected(gone) => {
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
        Received::Closed => Next::Gone(Departure::Detached),
        Received::Nothing if target.stand_still() => Next::Nothing,
        Received::Nothing => Next::Gone(Departure::Ended),
    }
}

fn while_running(link: &mut Link, target: &mut Target<'_>) -> Next {
    match link.receive(Duration::ZERO) {
        Received::Byte(byte) => Next::Byte(byte),
        Received::Closed => Next::Gone(Departure::Detached),
        Received::Nothing => target.advance().map_or(Next::Nothing, Next::Stop),
    }
}
