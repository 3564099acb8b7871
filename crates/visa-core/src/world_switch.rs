//! VMENTER, VMRESUME, VMSAVE, VMLOAD and VM exits (specification, chapter 2).

use visa_isa::Ring;
use visa_isa::cause::{Exception, ExitCause, INTERRUPT};
use visa_isa::exit::{Exit, ExitRecord, InvalidField, Qualification};
use visa_isa::msr;
use visa_isa::vmcs::{self, Action};
use visa_mem::Platform;

use crate::event::Event;
use crate::features::Feature;
use crate::hart::{Hart, Reservation};
use crate::timeline::{Change, Entered, Moment};
use crate::trap::Stop;
use crate::vmcs::Page;

/// Registers that a switch without banks moves: R1 to R31 and F0 to F31 of the world that is left to memory, and those
/// of the other from there.
pub const REGISTER_MOVES: u64 = 2 * (31 + 32);

impl Hart {
    /// VMENTER (`Some`: the address of the VMCS) or VMRESUME (`None`). The PC must already be that of the next
    /// instruction in Ring -1, where execution goes on if the entry fails.
    pub fn enter_guest<P: Platform>(&mut self, platform: &mut P, vmcs: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        if let Some(address) = vmcs
            && self.vm.vmcs != Some(address)
            && !self.load_guest(platform, address)?
        {
            return Ok(());
        }
        let checked = match self.vm.vmcs {
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
        let action = std::mem::take(&mut self.vm.action);
        if action == Action::Complete as u64 {
            self.complete_instruction();
        }
        self.end_stay();
        std::mem::swap(&mut self.bank, &mut self.other);
        self.ring = if self.guest_ring == Ring::User as u64 { Ring::User } else { Ring::Kernel };
        self.reservation = Reservation::NONE;
        self.delivery.count = 0;
        self.update_translation_context();
        self.record(|hart| Event::Enter {
            instructions: hart.instructions,
            vmcs: hart.vm.vmcs.unwrap_or(u64::MAX),
            ring: hart.ring,
            pc: hart.bank.pc,
            action,
        });
        if let Some(timeline) = &mut self.timeline {
            let change = Change::Enter(Entered {
                vmcs: self.vm.vmcs.unwrap_or(u64::MAX),
                vmid: self.vm.vmid(),
                virtual_cpu: self.vm.virtual_cpu,
            });
            timeline.push(Moment { instructions: self.instructions, millicycles: self.millicycles, change });
        }
        if action == Action::Inject as u64 {
            let value = if self.vm.inject & INTERRUPT == 0 { self.vm.result } else { 0 };
            self.take_in_kernel(self.vm.inject, value);
        }
    }

    /// Accounts for the stay in Ring -1 that an entry ends, and for what the switch costs without some features.
    fn end_stay(&mut self) {
        let stay = self.instructions - self.ring_minus_1_since;
        self.statistics.instructions_ring_minus_1 += stay;
        if let Some(cause) = self.stay_cause {
            self.statistics.exit_instructions.entry(cause).or_default().add(stay);
        }
        self.switch_without_features();
    }

    /// What an entry and an exit do in want of tags and of banks (see `features`).
    fn switch_without_features(&mut self) {
        if !self.features.has(Feature::TlbTags) {
            self.tlb.flush(|_| true);
        }
        if !self.features.has(Feature::BankedSwitch) {
            self.statistics.register_moves += REGISTER_MOVES;
        }
    }

    /// The second half of a VM exit: the record is complete, the PC that of the guest.
    pub fn leave_guest(&mut self) {
        if !self.features.has(Feature::DecodeAssist) {
            self.forget_decoded();
        }
        self.exit.qualification |= Qualification::of_ring(self.ring);
        self.stay_cause = ExitCause::from_number(self.exit.cause);
        if let Some(timeline) = &mut self.timeline {
            let change = Change::Exit { record: self.exit, call: [self.bank.r[17], self.bank.r[16]] };
            timeline.push(Moment { instructions: self.instructions, millicycles: self.millicycles, change });
        }
        self.switch_without_features();
        if let Some(cause) = self.stay_cause {
            *self.statistics.exits.entry(cause).or_default() += 1;
        }
        self.vm.count_exit += 1;
        self.vm.action = 0;
        self.record(|hart| Event::Exit {
            instructions: hart.instructions,
            ring: hart.ring,
            pc: hart.bank.pc,
            record: hart.exit,
            call: [hart.bank.r[17], hart.bank.r[16]],
        });
        self.guest_ring = self.ring as u64;
        self.ring = Ring::Hypervisor;
        self.waiting = false;
        self.reservation = Reservation::NONE;
        self.delivery.count = 0;
        std::mem::swap(&mut self.bank, &mut self.other);
        self.ring_minus_1_since = self.instructions;
        self.update_translation_context();
    }

    fn fail_entry(&mut self, field: InvalidField) {
        let ExitRecord { cause, qualification, .. } = Exit::EntryFailure(field).record();
        // Nothing else changes.
        self.exit = ExitRecord { cause, qualification, ..self.exit };
        self.record(|hart| Event::EntryFailure {
            instructions: hart.instructions,
            pc: hart.bank.pc,
            field: field.0,
        });
    }

    /// VMEXIT.
    pub fn vmexit_instruction(&mut self) -> Stop {
        match self.ring {
            Ring::Kernel => self.exit(Exit::VmexitInstruction),
            _ => self.not_in_this_ring(true),
        }
    }

    /// VMCAUSE.
    pub fn last_cause(&mut self) -> Result<u64, Stop> {
        if self.in_guest() { Err(self.not_in_this_ring(true)) } else { Ok(self.exit.cause) }
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
        if self.in_guest() {
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
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let address = operand.or(self.vm.vmcs).ok_or(Stop::Illegal)?;
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
        self.vm.vmcs = Some(address);
        self.note_ranges();
        self.bind_devices(platform);
        self.exit = ExitRecord::default();
        self.attention = true;
        Ok(true)
    }

    /// VMSAVE.
    pub fn vmsave<P: Platform>(&mut self, platform: &mut P, operand: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let Some(current) = self.vm.vmcs else { return Err(Stop::Illegal) };
        let address = operand.unwrap_or(current);
        let ram = platform.ram();
        let page = Page::at(ram, address).ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
        self.store_vmcs(&page);
        self.see_written(ram);
        Ok(())
    }
}
