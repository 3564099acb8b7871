//! Reading and writing MSRs: who may, what the trap filter says, what a write changes.

use visa_isa::cause::{ExitCause, interrupt};
use visa_isa::io::Policy;
use visa_isa::msr::{self, GuestRegister, sstatus};
use visa_isa::paging::TableBase;
use visa_isa::vmcs::qualification;
use visa_isa::{Ring, trap_filter};
use visa_mem::{Platform, Ram};

use crate::features::Feature;
use crate::hart::Hart;
use crate::io::map_policy;
use crate::state::{ExitRecord, Supervisor};
use crate::trap::Stop;

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

impl Supervisor {
    /// Writes one of the supervisor's MSRs, dropping bits that do not exist. Others are ignored. An unknown mode in satp
    /// leaves it as it was (RISC-V privileged, 12.1.11).
    pub(crate) fn write(&mut self, number: u16, value: u64) {
        match number {
            msr::SSTATUS => self.sstatus = value & sstatus::WRITABLE,
            msr::SIE => self.sie = value & interrupt::SUPERVISOR_MASK,
            msr::SIP => self.software_pending = value & 1 << interrupt::SUPERVISOR_SOFTWARE != 0,
            msr::STVEC => self.stvec = value & !2,
            msr::SCOUNTEREN => self.scounteren = value & 7,
            msr::SENVCFG => self.senvcfg = value & 1,
            msr::SSCRATCH => self.sscratch = value,
            msr::SEPC => self.sepc = value & !1,
            msr::SCAUSE => self.scause = value,
            msr::STVAL => self.stval = value,
            msr::STIMECMP => self.stimecmp = value,
            msr::SATP if TableBase::from_cr3(value).is_some() => self.satp = value,
            // Ring -1 may write what the next entry will refuse.
            msr::GPTBR => self.satp = value,
            _ => {}
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
        if is_float && !self.float_enabled() {
            return Err(Stop::Illegal);
        }
        if !self.in_guest() {
            return Ok(None);
        }
        let is_visa = msr::is_visa(number);
        if !self.ring.may_use(msr::ring(number)) {
            let stop = self.not_in_this_ring(is_visa);
            return Err(self.with_msr(stop, number, change));
        }
        if is_visa && self.filter(trap_filter::VISA) {
            let stop = self.exit(ExitCause::VisaInstruction);
            return Err(self.with_msr(stop, number, change));
        }
        if self.ring == Ring::User && !is_float && self.supervisor.scounteren & 1 << (number & 31) == 0 {
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
        let policy = match self.features.has(Feature::TrapFilter) {
            true => map_policy(ram, self.vm.msr_map, number as u64),
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
        let cause =
            if writes && is_control_register { ExitCause::ControlRegister } else { ExitCause::MsrAccess };
        let stop = self.exit(cause);
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
        let is_guests = self.ring.may_use(msr::ring(number));
        let old = self.read_msr(number).filter(|_| is_guests).unwrap_or(0);
        self.with_old_value(stop, number, change, old)
    }

    /// The same, with the value that the guest takes the register to hold.
    fn with_old_value(&mut self, stop: Stop, number: u16, change: Change, old: u64) -> Stop {
        if stop == Stop::Exit {
            let new = change.apply(old);
            self.exit = ExitRecord {
                code: number as u64,
                value: new.unwrap_or(0),
                qualification: qualification::READ | if new.is_some() { qualification::WRITE } else { 0 },
                ..self.exit
            };
            self.vm.result = old;
        }
        stop
    }

    fn shadow(&self, ram: &Ram, number: u16) -> u64 {
        if self.vm.msr_shadow == 0 {
            return 0;
        }
        let location = self.vm.msr_shadow.wrapping_add(8 * number as u64);
        ram.offset_of(location, 8).and_then(|offset| ram.load_u64(offset)).unwrap_or(0)
    }

    /// Reads an MSR, whoever asks. `None` if there is none with the number.
    pub fn read_msr(&self, number: u16) -> Option<u64> {
        if let Some(register) = msr::guest_register(number) {
            let bank = self.guest_bank();
            return Some(match register {
                GuestRegister::Integer(index) => bank.r[index as usize & 31],
                GuestRegister::Float(index) => bank.f[index as usize & 31],
            });
        }
        let supervisor = &self.supervisor;
        Some(match number {
            msr::FFLAGS => self.bank.fcsr as u64 & 0x1f,
            msr::FRM => self.bank.fcsr as u64 >> 5 & 7,
            msr::FCSR => self.bank.fcsr as u64 & 0xff,
            msr::SSTATUS => supervisor.sstatus_value(),
            msr::SIE => supervisor.sie,
            msr::STVEC => supervisor.stvec,
            msr::SCOUNTEREN => supervisor.scounteren,
            msr::SENVCFG => supervisor.senvcfg,
            msr::SSCRATCH => supervisor.sscratch,
            msr::SEPC => supervisor.sepc,
            msr::SCAUSE => supervisor.scause,
            msr::STVAL => supervisor.stval,
            msr::SIP => self.supervisor_pending(),
            msr::STIMECMP => supervisor.stimecmp,
            msr::SATP | msr::GPTBR => supervisor.satp,
            msr::VICENAB => self.vm.vic_enabled,
            msr::VICTHRESH => self.vm.vic_threshold,
            msr::CYCLE if self.cycle_is_modelled => self.millicycles / 1000,
            msr::CYCLE | msr::INSTRET => self.instructions,
            msr::TIME => self.time(),
            _ => return self.read_hypervisor_msr(number),
        })
    }

    fn read_hypervisor_msr(&self, number: u16) -> Option<u64> {
        let (own, vm, exit) = (&self.hypervisor, &self.vm, &self.exit);
        let guest_ring = if self.in_guest() { self.ring as u64 } else { self.guest_ring };
        Some(match number {
            msr::HVSTATUS => own.hvstatus,
            msr::HVVEC => own.hvvec,
            msr::HVSCRATCH => own.hvscratch,
            msr::HVEPC => own.hvepc,
            msr::HVCAUSE => own.hvcause,
            msr::HVTVAL => own.hvtval,
            msr::HVIE => own.hvie,
            msr::HVIP => self.hypervisor_pending(),
            msr::HVTIMECMP => own.hvtimecmp,
            msr::VMTRAPCFG => vm.trap_filter,
            msr::HPTBR => vm.hptbr,
            msr::EXCMAP => vm.exception_map,
            msr::MSRMAP => vm.msr_map,
            msr::MSRSHADOW => vm.msr_shadow,
            msr::IOMAP => vm.io_map,
            msr::TIMEOFF => vm.time_offset,
            msr::TIMESCALE => vm.time_scale,
            msr::VCPUID => vm.virtual_cpu,
            msr::VICPEND => vm.vic_pending,
            msr::VMACTION => vm.action,
            msr::VMRESULT => vm.result,
            msr::VMINJECT => vm.inject,
            msr::VMPC => self.guest_bank().pc,
            msr::VMRING => guest_ring,
            msr::VMFCSR => self.guest_bank().fcsr as u64,
            msr::VMCOUNT_EXIT => vm.count_exit,
            msr::VMCOUNT_EMU => vm.count_emu,
            msr::VMCOUNT_TLBMISS => vm.count_tlb_miss,
            msr::VMCAUSE => exit.cause,
            msr::VMQUAL => exit.qualification,
            msr::VMINST => exit.instruction,
            msr::VMGVA => exit.guest_virtual,
            msr::VMGPA => exit.guest_physical,
            msr::VMVALUE => exit.value,
            msr::VMCODE => exit.code,
            msr::VMCOOKIE => exit.cookie,
            msr::VMCSPTR => vm.vmcs.unwrap_or(u64::MAX),
            msr::HARTID => self.id,
            _ => return None,
        })
    }

    /// Writes an MSR, whoever asks: instructions after their checks, and debuggers. Numbers with no MSR are ignored.
    pub fn write_msr(&mut self, number: u16, value: u64) {
        if let Some(register) = msr::guest_register(number) {
            let bank = self.guest_bank_mut();
            match register {
                GuestRegister::Integer(index) => bank.r[index as usize & 31] = value,
                GuestRegister::Float(index) => bank.f[index as usize & 31] = value,
            }
            bank.r[0] = 0;
            return;
        }
        match number {
            msr::FFLAGS => self.set_fcsr(self.bank.fcsr & !0x1f | value as u32 & 0x1f),
            msr::FRM => self.set_fcsr(self.bank.fcsr & 0x1f | (value as u32 & 7) << 5),
            msr::FCSR => self.set_fcsr(value as u32 & 0xff),
            msr::VICENAB => self.vm.vic_enabled = value & visa_isa::io::VECTORS,
            msr::VICTHRESH => self.vm.vic_threshold = value & 63,
            msr::SSTATUS => return self.write_sstatus(value),
            msr::SATP | msr::GPTBR => {
                self.supervisor.write(number, value);
                if !self.features.has(Feature::TlbTags) {
                    self.tlb.flush(|old| !old.global);
                }
                self.update_translation_context();
            }
            number if msr::ring(number) == Ring::Hypervisor => self.write_hypervisor_msr(number, value),
            number => self.supervisor.write(number, value),
        }
        self.attention |= !is_inert(number);
    }

    /// sstatus: SUM and MXR decide what translations may be used for; SIE, once set, lets interrupts in.
    fn write_sstatus(&mut self, value: u64) {
        let old = self.supervisor.sstatus;
        self.supervisor.write(msr::SSTATUS, value);
        let changed = old ^ self.supervisor.sstatus;
        if changed & (sstatus::SUM | sstatus::MXR) != 0 {
            self.update_translation_class();
        }
        let lets_in = changed & self.supervisor.sstatus & sstatus::SIE != 0;
        self.attention |= lets_in && self.guest_interrupt_is_due();
    }

    fn set_fcsr(&mut self, value: u32) {
        self.bank.fcsr = value;
        self.mark_float_dirty();
    }

    fn write_hypervisor_msr(&mut self, number: u16, value: u64) {
        let (own, vm) = (&mut self.hypervisor, &mut self.vm);
        match number {
            msr::HVSTATUS => own.hvstatus = value & msr::hvstatus::WRITABLE,
            msr::HVVEC => own.hvvec = value & !3,
            msr::HVSCRATCH => own.hvscratch = value,
            msr::HVEPC => own.hvepc = value & !1,
            msr::HVCAUSE => own.hvcause = value,
            msr::HVTVAL => own.hvtval = value,
            msr::HVIE => own.hvie = value & interrupt::HYPERVISOR_MASK,
            msr::HVIP => own.software_pending &= value & 1 << interrupt::HYPERVISOR_SOFTWARE != 0,
            msr::HVTIMECMP => own.hvtimecmp = value,
            msr::VMTRAPCFG => vm.trap_filter = value,
            msr::HPTBR => {
                vm.hptbr = value;
                self.note_ranges();
            }
            msr::EXCMAP => vm.exception_map = value,
            msr::MSRMAP => vm.msr_map = value,
            msr::MSRSHADOW => vm.msr_shadow = value,
            msr::IOMAP => vm.io_map = value,
            msr::TIMEOFF => vm.time_offset = value,
            msr::TIMESCALE => vm.time_scale = value,
            msr::VCPUID => vm.virtual_cpu = value,
            msr::VICPEND => vm.vic_pending = value,
            msr::VMACTION => vm.action = value,
            msr::VMRESULT => vm.result = value,
            msr::VMINJECT => vm.inject = value,
            msr::VMPC => self.guest_bank_mut().pc = value,
            msr::VMRING if !self.in_guest() => self.guest_ring = value,
            msr::VMFCSR => self.guest_bank_mut().fcsr = value as u32,
            _ => {}
        }
    }
}

/// Whether nothing follows from a write of the MSR but that it reads so: no interrupt, no other translation.
pub fn is_inert(number: u16) -> bool {
    matches!(
        number,
        msr::FFLAGS
            | msr::FRM
            | msr::FCSR
            | msr::STVEC
            | msr::SCOUNTEREN
            | msr::SENVCFG
            | msr::SSCRATCH
            | msr::SEPC
            | msr::SCAUSE
            | msr::STVAL
            | msr::HVSCRATCH
            | msr::HVVEC
            | msr::HVEPC
    )
}
