//! What the world switch costs.

use visa_core::Hart;
use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_isa::vmcs::{self, Section};
use visa_state::Feature;

use super::{CycleModel, NOWHERE, exposed};
use crate::report::{Spent, ring_index};

/// Registers that a switch without banks saves, and as many that it loads.
const BANK_REGISTERS: u64 = visa_core::world_switch::REGISTER_MOVES / 2;

/// Offset in the VMCS page where a switch without banks keeps Ring -1's registers: the layout leaves it free.
const HOST_SAVE_AREA: u64 = 0x600;

impl CycleModel {
    /// A VMCS goes to memory or comes from there, through the data cache: every value of the layout, but for loads those
    /// of the exit record.
    pub(super) fn moved_vmcs(&mut self, address: Option<u64>, stores: bool) {
        let Some(address) = address else { return };
        let fields = vmcs::FIELDS.iter().filter(|field| stores || field.section != Section::Exit);
        let mut last_line = NOWHERE;
        for field in fields {
            let values = field.count as u64;
            self.charge(Spent::WorldSwitch, values * self.parameters.vmcs_value);
            let start = address + field.offset as u64;
            for line in self.caches.line(start)..=self.caches.line(start + 8 * values - 1) {
                if line != last_line {
                    last_line = line;
                    self.switch_line(line, stores);
                }
            }
        }
    }

    fn switch_line(&mut self, line: u64, stores: bool) {
        let latency = self.caches.data(line);
        let share = if stores { self.parameters.store_exposed } else { self.parameters.load_exposed };
        self.charge(Spent::WorldSwitch, exposed(latency, share));
    }

    /// What an entry and an exit have in common: the bank is changed, or its registers move through memory; without tags
    /// nothing of the TLBs survives.
    fn change_bank(&mut self, vmcs: Option<u64>, leaves_guest: bool) {
        self.forget_fetch();
        if !self.features.has(Feature::TlbTags) {
            self.translator.flush_nested(None, None);
        }
        if self.features.has(Feature::BankedSwitch) {
            return self.charge(Spent::WorldSwitch, self.parameters.switch_bank);
        }
        let Some(vmcs) = vmcs else { return };
        let issue = self.parameters.issue_store + self.parameters.issue_load;
        self.charge(Spent::WorldSwitch, BANK_REGISTERS * issue);
        let guest = vmcs + vmcs::REGISTERS as u64;
        for (area, stores) in [(guest, leaves_guest), (vmcs + HOST_SAVE_AREA, !leaves_guest)] {
            for line in self.caches.line(area)..=self.caches.line(area + 8 * (BANK_REGISTERS + 1) - 1) {
                self.switch_line(line, stores);
            }
        }
    }

    /// A VM exit was taken.
    pub(super) fn exited(&mut self, hart: &Hart) {
        self.stay = ExitCause::from_number(hart.state.exit.cause).map(|cause| (cause, self.now));
        self.ring = ring_index(Ring::Hypervisor);
        self.charge(Spent::WorldSwitch, self.parameters.switch_exit + self.parameters.switch_record);
        self.change_bank(hart.state.vm.vmcs, true);
    }

    /// A guest was entered.
    pub(super) fn entered(&mut self, hart: &mut Hart) {
        self.charge(Spent::WorldSwitch, self.parameters.switch_enter);
        self.change_bank(hart.state.vm.vmcs, false);
        self.entries += 1;
        if let Some((cause, since)) = self.stay.take() {
            self.exit_cycles.entry(cause).or_default().add((self.now - since) / 1000);
        }
        self.ring = ring_index(hart.state.ring);
        if let Some(timeline) = hart.observers.timeline_mut() {
            timeline.entered_at(self.now);
        }
    }
}
