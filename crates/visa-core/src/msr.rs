//! Accesses to MSRs: who may, what the trap filter says, what a write wakes. What each reads and keeps is in [`crate::register`].

use visa_isa::exit::{Data, Denied, Exit, MsrAccess};
use visa_isa::io::Policy;
use visa_isa::msr::{self, Wakes, sstatus};
use visa_isa::{Ring, trap_filter};
use visa_mem::{Platform, Ram};

use crate::hart::Hart;
use crate::io::map_policy;
use crate::trap::Stop;
use visa_state::Feature;

/// What CSRRW, CSRRS or CSRRC do to the old value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing is written.
    None,
    /// The value replaces it.
    Write(u64),
    /// These bits are set.
    Set(u64),
    /// These bits are cleared.
    Clear(u64),
}

impl Change {
    fn apply(self, old: u64) -> Option<u64> {
        match self {
            Change::None => None,
            Change::Write(value) => Some(value),
            Change::Set(bits) => Some(old | bits),
            Change::Clear(bits) => Some(old & !bits),
        }
    }
}

impl Hart {
    /// One of the CSR instructions: returns the old value, having made the change.
    pub fn change_msr<P: Platform>(
        &mut self,
        platform: &mut P,
        number: u16,
        change: Change,
    ) -> Result<u64, Stop> {
        let shadow = self.check_msr(platform.ram(), number, change)?;
        let old = match shadow {
            Some(value) => value,
            None => self.read_msr(number).ok_or(Stop::Illegal)?,
        };
        if let Some(new) = change.apply(old) {
            // sip: what is set from outside must not be written back as software's.
            self.write_msr(number, new);
            if number == msr::HPTBR {
                self.bind_devices(platform);
            }
        }
        Ok(old)
    }

    /// Decides whether the access goes on. `Some`: a read is answered from the shadow table.
    fn check_msr(&mut self, ram: &Ram, number: u16, change: Change) -> Result<Option<u64>, Stop> {
        let writes = change != Change::None;
        let exists = msr::by_number(number).is_some() || msr::guest_register(number).is_some();
        if !exists || writes && msr::is_read_only(number) {
            return Err(Stop::Illegal);
        }
        let is_float = matches!(number, msr::FFLAGS | msr::FRM | msr::FCSR);
        if is_float && !self.state.float_enabled() {
            return Err(Stop::Illegal);
        }
        if !self.state.in_guest() {
            return Ok(None);
        }
        let is_visa = msr::is_visa(number);
        if !self.state.ring.may_use(msr::ring(number)) {
            let stop = self.not_in_this_ring(is_visa);
            return Err(self.with_msr(stop, number, change));
        }
        if is_visa && self.filter(trap_filter::VISA) {
            let stop = self.exit(Exit::VisaInstruction(Denied::default()));
            return Err(self.with_msr(stop, number, change));
        }
        if self.state.ring == Ring::User
            && !is_float
            && self.state.supervisor.scounteren & 1 << (number & 31) == 0
        {
            return Err(Stop::Illegal);
        }
        self.filter_msr(ram, number, change, is_float)
    }

    /// The MSR map and the bits MSR and CR3 of the trap filter.
    fn filter_msr(
        &mut self,
        ram: &Ram,
        number: u16,
        change: Change,
        is_float: bool,
    ) -> Result<Option<u64>, Stop> {
        let writes = change != Change::None;
        let cr3_traps = number == msr::SATP && writes && self.filter(trap_filter::CR3);
        let all_trap = !is_float && self.filter(trap_filter::MSR);
        let policy = match self.state.features.has(Feature::TrapFilter) {
            true => map_policy(ram, self.state.vm.msr_map, number as u64),
            false => Policy::Default,
        };
        let traps = match policy {
            Policy::Default => all_trap || cr3_traps,
            Policy::Pass => false,
            Policy::Trap => true,
            Policy::Absent if !writes => return Ok(Some(self.shadow(ram, number))),
            Policy::Absent => true,
        };
        if !traps {
            return Ok(None);
        }
        let is_control_register = msr::by_number(number).is_some_and(|entry| entry.cr.is_some());
        let exit = if writes && is_control_register { Exit::ControlRegister } else { Exit::MsrAccess };
        let stop = self.exit(exit(MsrAccess::default()));
        if policy == Policy::Absent {
            // A shadowed register is to the guest what it reads.
            let old = self.shadow(ram, number);
            return Err(self.with_old_value(stop, number, change, old));
        }
        Err(self.with_msr(stop, number, change))
    }

    /// Completes the record of an exit for an MSR access; another stop passes.
    fn with_msr(&mut self, stop: Stop, number: u16, change: Change) -> Stop {
        // Of a register that is not the guest's to read, the guest must not learn the value by a careless completion.
        let is_guests = self.state.ring.may_use(msr::ring(number));
        let old = self.read_msr(number).filter(|_| is_guests).unwrap_or(0);
        self.with_old_value(stop, number, change, old)
    }

    /// The same, with the value that the guest takes the register to hold.
    fn with_old_value(&mut self, stop: Stop, number: u16, change: Change, old: u64) -> Stop {
        if stop == Stop::Exit {
            let new = change.apply(old);
            MsrAccess { number, written: new }.put(&mut self.state.exit);
            self.state.vm.result = old;
        }
        stop
    }

    fn shadow(&self, ram: &Ram, number: u16) -> u64 {
        if self.state.vm.msr_shadow == 0 {
            return 0;
        }
        let location = self.state.vm.msr_shadow.wrapping_add(8 * number as u64);
        ram.offset_of(location, 8).and_then(|offset| ram.load_u64(offset)).unwrap_or(0)
    }

    /// Writes an MSR, whoever asks: instructions after their checks, and debuggers. Numbers of no MSR, and of those that are read-only,
    /// are ignored.
    pub fn write_msr(&mut self, number: u16, value: u64) {
        let before = self.state.supervisor.sstatus;
        if let Some(wakes) = self.set_msr(number, value) {
            self.wake(wakes, before);
        }
    }

    /// What follows from a write; with sstatus as it was.
    fn wake(&mut self, wakes: Wakes, before: u64) {
        match wakes {
            Wakes::Nothing => {}
            Wakes::Interrupts => self.pending_work = true,
            Wakes::Status => {
                let changed = before ^ self.state.supervisor.sstatus;
                if changed & (sstatus::SUM | sstatus::MXR) != 0 {
                    self.mmu.update_class(&self.state);
                }
                let lets_in = changed & self.state.supervisor.sstatus & sstatus::SIE != 0;
                self.pending_work |= lets_in && self.guest_interrupt_is_due();
            }
            Wakes::Translation => {
                if !self.state.features.has(Feature::TlbTags) {
                    self.mmu.tlb.flush(|old| !old.global);
                }
                self.update_translation_context();
                self.pending_work = true;
            }
            Wakes::SecondStage => {
                self.mmu.note_ranges(&self.state);
                self.pending_work = true;
            }
        }
    }
}
