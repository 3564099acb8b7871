//! The controls of the VM that a hart has current, with its IOVMAP ranges.

use serde::{Deserialize, Serialize};
use visa_isa::vmcs::RANGE_COUNT;
use visa_isa::{GuestPhysical, Physical};

/// A range that IOVMAP bound; the four values of its descriptor (`visa_isa::io::range`). Length 0: unused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// `visa_isa::io::RangeKind` as a number.
    pub kind: u64,
    /// First guest-physical address.
    pub guest_address: u64,
    /// Bytes.
    pub length: u64,
    /// Physical address or cookie.
    pub target: u64,
}

impl Range {
    /// Whether the range holds an address.
    pub fn contains(&self, guest_physical: GuestPhysical) -> bool {
        guest_physical.0.wrapping_sub(self.guest_address) < self.length
    }

    /// Where an address of a range that is passed through leads.
    pub fn passed_through(&self, guest_physical: GuestPhysical) -> Physical {
        Physical(self.target.wrapping_add(guest_physical.0.wrapping_sub(self.guest_address)))
    }

    /// Whether the range holds any byte of the `length` bytes at `address`.
    pub fn overlaps(&self, address: u64, length: u64) -> bool {
        self.length != 0
            && address < self.guest_address.saturating_add(self.length)
            && self.guest_address < address.saturating_add(length)
    }
}

/// Controls of the current VM, which are its VMCS's while that is current. After reset: nothing trapped, nothing translated, no VMCS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualMachine {
    /// Physical address of the current VMCS.
    pub vmcs: Option<u64>,
    /// Trap filter.
    pub trap_filter: u64,
    /// Second-stage page-table base.
    pub hptbr: u64,
    /// Exceptions that exit.
    pub exception_map: u64,
    /// MSR map, or 0.
    pub msr_map: u64,
    /// MSR shadow table, or 0.
    pub msr_shadow: u64,
    /// I/O permission map, or 0.
    pub io_map: u64,
    /// Added to the guest's time.
    pub time_offset: u64,
    /// Multiplier of the guest's time, 32.32.
    pub time_scale: u64,
    /// Number of the virtual CPU.
    pub virtual_cpu: u64,
    /// Virtual interrupts pending.
    pub vic_pending: u64,
    /// Virtual interrupts enabled.
    pub vic_enabled: u64,
    /// Virtual interrupt threshold.
    pub vic_threshold: u64,
    /// Resume action.
    pub action: u64,
    /// Value of the resume action.
    pub result: u64,
    /// Cause to inject.
    pub inject: u64,
    /// VMCOUNT_EXIT.
    pub count_exit: u64,
    /// VMCOUNT_EMU.
    pub count_emu: u64,
    /// VMCOUNT_TLBMISS.
    pub count_tlb_miss: u64,
    /// IOVMAP ranges.
    pub ranges: [Range; RANGE_COUNT],
    /// Whether any range is in use, so that most walks need not look.
    pub has_ranges: bool,
}

/// A time scale of one.
pub const TIME_SCALE_ONE: u64 = 1 << 32;

impl VirtualMachine {
    /// The VMID in HPTBR.
    pub fn vmid(&self) -> u16 {
        (self.hptbr >> visa_isa::paging::PPN_BITS) as u16 & ((1 << visa_isa::paging::VMID_BITS) - 1)
    }

    /// The range that holds a guest-physical address.
    pub fn range_of(&self, guest_physical: GuestPhysical) -> Option<&Range> {
        if !self.has_ranges {
            return None;
        }
        self.ranges.iter().find(|range| range.contains(guest_physical))
    }

    /// Recomputes [`VirtualMachine::has_ranges`], after a change of the ranges.
    pub fn update_has_ranges(&mut self) {
        self.has_ranges = self.ranges.iter().any(|range| range.length != 0);
    }
}
