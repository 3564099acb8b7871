//! VMENTER, VMRESUME, VMSAVE, VMLOAD and VM exits (specification, chapter 2).

use visa_isa::Ring;
use visa_isa::cause::{Exception, ExitCause, INTERRUPT};
use visa_isa::exit::{Exit, ExitRecord, InvalidField, Qualification};
use visa_isa::msr;
use visa_isa::vmcs::{self, Action};
use visa_mem::Platform;

use crate::event::{Entered, Event};
use visa_state::Feature;
use visa_state::Reservation;

use crate::hart::Hart;
use crate::trap::Stop;
use crate::vmcs::Page;

/// Registers that a switch without banks moves: R1 to R31 and F0 to F31 of the world that is left to memory, and those
/// of the other from there.
pub const REGISTER_MOVES: u64 = 2 * (31 + 32);

impl Hart {
    /// VMENTER (`Some`: the address of the VMCS) or VMRESUME (`None`). The PC must already be that of the next
    /// instruction in Ring -1, where execution goes on if the entry fails.
    pub fn enter_guest<P: Platform>(&mut self, platform: &mut P, vmcs: Option<u64>) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        if let Some(address) = vmcs
            && self.state.vm.vmcs != Some(address)
            && !self.load_guest(platform, address)?
        {
            return Ok(());
        }
        let checked = match self.state.vm.vmcs {
            None => Err(InvalidField(vmcs::REVISION)),
            Some(_) => self.check_live(platform.ram()),
        };
        if let Err(field) = checked {
            self.fail_entry(field);
            return Ok(());
        }
        self.switch_to_guest();
        Ok(())
    }

    /// The second half of an entry, which cannot fail: the resume action and the bank.
    fn switch_to_guest(&mut self) {
        let action = std::mem::take(&mut self.state.vm.action);
        if action == Action::Complete as u64 {
            self.complete_instruction();
        }
        self.end_interval();
        self.state.enter_world();
        self.state.reservation = Reservation::NONE;
        self.state.delivery.count = 0;
        self.update_translation_context();
        self.tell(|hart| Event::Enter {
            instructions: hart.instructions,
            who: Entered::current(hart),
            ring: hart.ring,
            pc: hart.bank.pc,
            action,
        });
        if action == Action::Inject as u64 {
            let value = if self.state.vm.inject & INTERRUPT == 0 { self.state.vm.result } else { 0 };
            self.take_in_kernel(self.state.vm.inject, value);
        }
    }

    /// Accounts for the hypervisor interval that an entry ends, and for what the switch costs without some features.
    fn end_interval(&mut self) {
        let interval = self.state.instructions - self.state.interval_start;
        self.state.statistics.instructions_ring_minus_1 += interval;
        if let Some(cause) = self.state.interval_cause {
            self.state.statistics.exit_instructions.entry(cause).or_default().add(interval);
        }
        self.switch_without_features();
    }

    /// What an entry and an exit do in want of tags and of banks (see `features`).
    fn switch_without_features(&mut self) {
        if !self.state.features.has(Feature::TlbTags) {
            self.mmu.tlb.flush(|_| true);
        }
        if !self.state.features.has(Feature::BankedSwitch) {
            self.state.statistics.register_moves += REGISTER_MOVES;
        }
    }

    /// The second half of a VM exit: the record is complete, the PC that of the guest.
    pub fn leave_guest(&mut self) {
        if !self.state.features.has(Feature::DecodeAssist) {
            self.forget_decoded();
        }
        self.state.exit.qualification |= Qualification::of_ring(self.state.ring);
        self.state.interval_cause = ExitCause::from_number(self.state.exit.cause);
        self.switch_without_features();
        if let Some(cause) = self.state.interval_cause {
            *self.state.statistics.exits.entry(cause).or_default() += 1;
        }
        self.state.vm.count_exit += 1;
        self.state.vm.action = 0;
        self.tell(|hart| Event::Exit {
            instructions: hart.instructions,
            ring: hart.ring,
            pc: hart.bank.pc,
            record: hart.exit,
            call: [hart.bank.r[17], hart.bank.r[16]],
        });
        self.state.waiting = false;
        self.state.reservation = Reservation::NONE;
        self.state.delivery.count = 0;
        self.state.leave_world();
        self.state.interval_start = self.state.instructions;
        self.update_translation_context();
    }

    fn fail_entry(&mut self, field: InvalidField) {
        let ExitRecord { cause, qualification, .. } = Exit::EntryFailure(field).record();
        // Nothing else changes.
        self.state.exit = ExitRecord { cause, qualification, ..self.state.exit };
        self.tell(|hart| Event::EntryFailure {
            instructions: hart.instructions,
            pc: hart.bank.pc,
            field: field.0,
        });
    }

    /// VMEXIT.
    pub fn vmexit_instruction(&mut self) -> Stop {
        match self.state.ring {
            Ring::Kernel => self.exit(Exit::VmexitInstruction),
            _ => self.not_in_this_ring(true),
        }
    }

    /// VMCAUSE.
    pub fn last_cause(&mut self) -> Result<u64, Stop> {
        if self.state.in_guest() { Err(self.not_in_this_ring(true)) } else { Ok(self.state.exit.cause) }
    }

    /// The exit of VMTRAPCFG b9, between two instructions of the guest.
    pub fn exit_by_step(&mut self) {
        self.exit(Exit::SingleStep);
        self.leave_guest();
    }

    /// LDGPTBR and LDHPTBR, by the MSR that they write.
    pub fn load_table_base<P: Platform>(
        &mut self,
        platform: &mut P,
        number: u16,
        value: u64,
    ) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        self.write_msr(number, value);
        if number == msr::HPTBR {
            self.bind_devices(platform);
        }
        Ok(())
    }

    /// VMLOAD. An invalid VMCS is reported in the exit record and changes nothing else.
    pub fn vmload<P: Platform>(&mut self, platform: &mut P, operand: Option<u64>) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let address = operand.or(self.state.vm.vmcs).ok_or(Stop::Illegal)?;
        self.load_guest(platform, address).map(|_| ())
    }

    /// Loads a VMCS and makes it current; false if a check failed.
    fn load_guest<P: Platform>(&mut self, platform: &mut P, address: u64) -> Result<bool, Stop> {
        let page =
            Page::at(platform.ram(), address).ok_or(Stop::Exception(Exception::LoadAccessFault, address))?;
        if let Err(field) = self.check_stored(&page) {
            self.fail_entry(field);
            return Ok(false);
        }
        self.load_vmcs(&page);
        self.state.vm.vmcs = Some(address);
        self.mmu.note_ranges(&self.state);
        self.bind_devices(platform);
        self.state.exit = ExitRecord::default();
        self.pending_work = true;
        Ok(true)
    }

    /// VMSAVE.
    pub fn vmsave<P: Platform>(&mut self, platform: &mut P, operand: Option<u64>) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let Some(current) = self.state.vm.vmcs else { return Err(Stop::Illegal) };
        let address = operand.unwrap_or(current);
        let ram = platform.ram();
        let page = Page::at(ram, address).ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
        self.store_vmcs(&page);
        self.see_written(ram);
        Ok(())
    }
}
