//! What the debugger may do with the machine. Threads are harts: thread n is hart n - 1.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;

use gdbstub::common::{Signal, Tid};
use gdbstub::stub::MultiThreadStopReason as Stop;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps, outputln};
use gdbstub::target::ext::target_description_xml_override::{
    TargetDescriptionXmlOverride, TargetDescriptionXmlOverrideOps,
};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{TargetError, TargetResult};
use visa_core::Hart;
use visa_isa::decode;

use crate::debuggee::{Debuggee, SliceEnd};
use crate::registers::{CoreRegisters, NumberedRegister, Visa, description};

/// Steps between two looks at the debugger, while watchpoints make every instruction a step.
const STEPS_PER_LOOK: usize = 20_000;

/// The breakpoints of both kinds at an address.
#[derive(Clone, Copy, Default)]
struct Kinds {
    software: bool,
    hardware: bool,
}

struct Watchpoint {
    address: u64,
    length: u64,
    kind: WatchKind,
}

/// The machine as gdbstub sees it.
pub struct Target<'d> {
    debuggee: &'d mut dyn Debuggee,
    description: String,
    breakpoints: BTreeMap<u64, Kinds>,
    watchpoints: Vec<Watchpoint>,
    /// The hart to step; `None`: all run.
    stepping: Option<usize>,
    /// The hart that the last stop was about.
    current: usize,
}

impl<'d> Target<'d> {
    /// A target without breakpoints.
    pub fn new(debuggee: &'d mut dyn Debuggee) -> Self {
        Target {
            debuggee,
            description: description(),
            breakpoints: BTreeMap::new(),
            watchpoints: Vec::new(),
            stepping: None,
            current: 0,
        }
    }

    /// Removes all breakpoints.
    pub fn clear(&mut self) {
        self.breakpoints.clear();
        self.debuggee.instance().breakpoints_mut().clear();
    }

    /// The thread that the last stop was about.
    pub fn thread(&self) -> Tid {
        thread_of(self.current)
    }

    /// See [`Debuggee::stand_still`].
    pub fn stand_still(&mut self) -> bool {
        self.debuggee.stand_still()
    }

    /// Goes on for a while, as the debugger asked; says if and why the machine stops.
    pub fn advance(&mut self) -> Option<Stop<u64>> {
        match self.stepping {
            Some(hart) => self.step_once(hart),
            None if self.watchpoints.is_empty() => {
                let slice = self.debuggee.run_slice();
                self.stop_of(slice)
            }
            None => self.run_by_steps(),
        }
    }

    /// One step; a hart that halts may need several until it does something.
    fn step_once(&mut self, hart: usize) -> Option<Stop<u64>> {
        if let Some(stop) = self.watched_access(hart) {
            return Some(stop);
        }
        let before = position(&self.debuggee.instance().machine_mut().harts[hart]);
        let slice = self.debuggee.step(hart);
        if let Some(stop) = self.stop_of(slice) {
            return Some(stop);
        }
        if before == position(&self.debuggee.instance().machine_mut().harts[hart]) {
            return None;
        }
        self.current = hart;
        Some(Stop::SignalWithThread { tid: thread_of(hart), signal: Signal::SIGTRAP })
    }

    /// Runs all harts with watchpoints: every instruction's access is compared.
    fn run_by_steps(&mut self) -> Option<Stop<u64>> {
        for _ in 0..STEPS_PER_LOOK {
            let hart = self.debuggee.instance().machine_mut().next_hart();
            if let Some(stop) = self.watched_access(hart) {
                return Some(stop);
            }
            let before = position(&self.debuggee.instance().machine_mut().harts[hart]);
            let slice = self.debuggee.step(hart);
            if let Some(stop) = self.stop_of(slice) {
                return Some(stop);
            }
            let after = position(&self.debuggee.instance().machine_mut().harts[hart]);
            self.current = hart;
            if before != after && self.breakpoints.contains_key(&after.1) {
                return Some(self.stop_at_breakpoint(hart));
            }
        }
        None
    }

    fn stop_of(&mut self, slice: SliceEnd) -> Option<Stop<u64>> {
        match slice {
            SliceEnd::Running => None,
            SliceEnd::Ended(code) => Some(Stop::Exited(code)),
            SliceEnd::Breakpoint(hart) => Some(self.stop_at_breakpoint(hart)),
        }
    }

    fn stop_at_breakpoint(&mut self, hart: usize) -> Stop<u64> {
        self.current = hart;
        let pc = self.debuggee.instance().machine_mut().harts[hart].state.bank.pc;
        let kinds = self.breakpoints.get(&pc).copied().unwrap_or_default();
        if kinds.hardware && !kinds.software {
            Stop::HwBreak(thread_of(hart))
        } else {
            Stop::SwBreak(thread_of(hart))
        }
    }

    /// The stop that the next instruction of a hart causes, before it is executed, if it touches what is watched. On
    /// RISC-V GDB expects it so: it then takes the watchpoints away, steps, and compares.
    fn watched_access(&mut self, index: usize) -> Option<Stop<u64>> {
        if self.watchpoints.is_empty() {
            return None;
        }
        let machine = self.debuggee.instance().machine_mut();
        let hart = &machine.harts[index];
        let pc = hart.state.bank.pc;
        let mut bytes = [0; 4];
        machine.read_virtual(index, pc, &mut bytes[..2]).ok()?;
        if bytes[0] & 3 == 3 {
            machine.read_virtual(index, pc.wrapping_add(2), &mut bytes[2..]).ok()?;
        }
        let access = hart.data_access(&decode(u32::from_le_bytes(bytes))?)?;
        let touched = self.watchpoints.iter().find(|watchpoint| {
            let overlaps = access.address.wrapping_sub(watchpoint.address) < watchpoint.length
                || watchpoint.address.wrapping_sub(access.address) < access.bytes;
            let is_of_kind = match watchpoint.kind {
                WatchKind::Write => access.writes,
                WatchKind::Read => access.reads,
                WatchKind::ReadWrite => true,
            };
            overlaps && is_of_kind
        })?;
        let stop = Stop::Watch { tid: thread_of(index), kind: touched.kind, addr: touched.address };
        self.current = index;
        Some(stop)
    }

    fn hart(&mut self, thread: Tid) -> TargetResult<&mut Hart, Self> {
        self.debuggee.instance().machine_mut().harts.get_mut(thread.get() - 1).ok_or(TargetError::NonFatal)
    }

    fn change_breakpoint(&mut self, address: u64, change: impl FnOnce(&mut Kinds)) -> bool {
        let kinds = self.breakpoints.entry(address).or_default();
        change(kinds);
        let remains = kinds.software || kinds.hardware;
        let set = self.debuggee.instance().breakpoints_mut();
        if remains {
            set.insert(address);
        } else {
            set.remove(&address);
            self.breakpoints.remove(&address);
        }
        true
    }
}

/// What a step changes: retired instructions, PC, ring.
fn position(hart: &Hart) -> (u64, u64, visa_isa::Ring) {
    (hart.state.instructions, hart.state.bank.pc, hart.state.ring)
}

fn thread_of(hart: usize) -> Tid {
    NonZeroUsize::MIN.saturating_add(hart)
}

impl gdbstub::target::Target for Target<'_> {
    type Arch = Visa;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, Visa, Infallible> {
        BaseOps::MultiThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }

    fn support_target_description_xml_override(
        &mut self,
    ) -> Option<TargetDescriptionXmlOverrideOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadBase for Target<'_> {
    fn read_registers(&mut self, registers: &mut CoreRegisters, thread: Tid) -> TargetResult<(), Self> {
        let hart = self.hart(thread)?;
        *registers = CoreRegisters { r: hart.state.bank.r, pc: hart.state.bank.pc, f: hart.state.bank.f };
        Ok(())
    }

    fn write_registers(&mut self, registers: &CoreRegisters, thread: Tid) -> TargetResult<(), Self> {
        let hart = self.hart(thread)?;
        for index in 0..32u8 {
            hart.state.set_r(index, registers.r[index as usize]);
            if hart.state.f(index) != registers.f[index as usize] {
                hart.state.set_f(index, registers.f[index as usize]);
            }
        }
        hart.state.bank.pc = registers.pc & !1;
        Ok(())
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, Tid, Self>> {
        Some(self)
    }

    fn read_addrs(&mut self, address: u64, data: &mut [u8], thread: Tid) -> TargetResult<usize, Self> {
        // As much as there is: byte by byte only if not all is there.
        let (machine, hart) = (self.debuggee.instance().machine_mut(), thread.get() - 1);
        if machine.read_virtual(hart, address, data).is_ok() {
            return Ok(data.len());
        }
        let mut count = 0;
        for (index, byte) in data.chunks_mut(1).enumerate() {
            if machine.read_virtual(hart, address.wrapping_add(index as u64), byte).is_err() {
                break;
            }
            count += 1;
        }
        match count {
            0 => Err(TargetError::NonFatal),
            count => Ok(count),
        }
    }

    fn write_addrs(&mut self, address: u64, data: &[u8], thread: Tid) -> TargetResult<(), Self> {
        let machine = self.debuggee.instance().machine_mut();
        machine.write_virtual(thread.get() - 1, address, data).map_err(|_| TargetError::NonFatal)
    }

    fn list_active_threads(&mut self, thread_is_active: &mut dyn FnMut(Tid)) -> Result<(), Infallible> {
        (0..self.debuggee.instance().harts()).map(thread_of).for_each(thread_is_active);
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl ThreadExtraInfo for Target<'_> {
    fn thread_extra_info(&self, thread: Tid, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let name = format!("hart {}", thread.get() - 1).into_bytes();
        let length = name.len().min(buffer.len());
        buffer[..length].copy_from_slice(&name[..length]);
        Ok(length)
    }
}

impl SingleRegisterAccess<Tid> for Target<'_> {
    fn read_register(
        &mut self,
        thread: Tid,
        register: NumberedRegister,
        buffer: &mut [u8],
    ) -> TargetResult<usize, Self> {
        let value = register.read(self.hart(thread)?).ok_or(TargetError::NonFatal)?;
        let bytes = &value.to_le_bytes()[..register.bytes()];
        buffer.get_mut(..bytes.len()).ok_or(TargetError::NonFatal)?.copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_register(
        &mut self,
        thread: Tid,
        register: NumberedRegister,
        value: &[u8],
    ) -> TargetResult<(), Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..value.len()).ok_or(TargetError::NonFatal)?.copy_from_slice(value);
        let hart = self.hart(thread)?;
        register.write(hart, u64::from_le_bytes(bytes)).ok_or(TargetError::NonFatal)
    }
}

impl MultiThreadResume for Target<'_> {
    fn resume(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Infallible> {
        self.stepping = None;
        Ok(())
    }

    fn set_resume_action_continue(
        &mut self,
        _thread: Tid,
        _signal: Option<Signal>,
    ) -> Result<(), Infallible> {
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadSchedulerLocking for Target<'_> {
    /// Asked for with a step, which moves one hart alone anyway.
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl MultiThreadSingleStep for Target<'_> {
    /// The other harts stand still during a step.
    fn set_resume_action_step(&mut self, thread: Tid, _signal: Option<Signal>) -> Result<(), Infallible> {
        self.stepping = Some(thread.get() - 1).filter(|hart| *hart < self.debuggee.instance().harts());
        Ok(())
    }
}

impl Breakpoints for Target<'_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Target<'_> {
    fn add_sw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        Ok(self.change_breakpoint(address, |kinds| kinds.software = true))
    }

    fn remove_sw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        Ok(self.change_breakpoint(address, |kinds| kinds.software = false))
    }
}

impl HwBreakpoint for Target<'_> {
    fn add_hw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        Ok(self.change_breakpoint(address, |kinds| kinds.hardware = true))
    }

    fn remove_hw_breakpoint(&mut self, address: u64, _kind: usize) -> TargetResult<bool, Self> {
        Ok(self.change_breakpoint(address, |kinds| kinds.hardware = false))
    }
}

impl HwWatchpoint for Target<'_> {
    fn add_hw_watchpoint(&mut self, address: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        self.watchpoints.push(Watchpoint { address, length, kind });
        Ok(true)
    }

    fn remove_hw_watchpoint(
        &mut self,
        address: u64,
        length: u64,
        kind: WatchKind,
    ) -> TargetResult<bool, Self> {
        let is_it = |watchpoint: &Watchpoint| {
            watchpoint.address == address && watchpoint.length == length && watchpoint.kind == kind
        };
        let position = self.watchpoints.iter().position(is_it);
        position.map(|index| self.watchpoints.swap_remove(index));
        Ok(position.is_some())
    }
}

impl MonitorCmd for Target<'_> {
    fn handle_monitor_cmd(&mut self, command: &[u8], mut out: ConsoleOutput<'_>) -> Result<(), Infallible> {
        let answer = self.debuggee.monitor(&String::from_utf8_lossy(command));
        for line in answer.lines() {
            outputln!(out, "{line}");
        }
        Ok(())
    }
}

impl TargetDescriptionXmlOverride for Target<'_> {
    fn target_description_xml(
        &self,
        annex: &[u8],
        offset: u64,
        length: usize,
        buffer: &mut [u8],
    ) -> TargetResult<usize, Self> {
        if annex != b"target.xml" {
            return Err(TargetError::NonFatal);
        }
        let all = self.description.as_bytes();
        let rest = all.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = rest.len().min(length).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
