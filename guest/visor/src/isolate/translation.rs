//! What stands behind the guest-virtual addresses of one virtual CPU.

use super::Isolation;
use super::pager::{self, Pager};
use crate::guest::VcpuId;
use crate::guest::memory::Regions;
use visa_guest::instructions as insn;
use visa_guest::registers as msr;

/// What translates for a virtual CPU.
pub enum Translation {
    /// The hardware by the guest's own tables, and by the second stage if there is one, with this VMID.
    Hardware(u16),
    /// The hardware by tables that a pager makes of the guest's.
    Shadow(&'static mut Pager),
}

impl Translation {
    /// For one of so many virtual CPUs of a VM. Once for each of them.
    pub fn new(
        isolation: &Isolation,
        vmid: u16,
        id: VcpuId,
        vcpus: usize,
        memory: &'static Regions,
        devices: &'static Regions,
    ) -> Translation {
        match isolation {
            Isolation::Open | Isolation::Nested => Translation::Hardware(vmid),
            Isolation::Shadow(pool) => {
                Translation::Shadow(pager::create(id, vmid, pager::share(pool, id, vcpus), memory, devices))
            }
        }
    }

    /// The guest starts afresh: untranslated.
    pub fn restart(&mut self) {
        if let Translation::Shadow(pager) = self {
            pager.restart();
        }
    }

    /// Drops what this hart holds of the guest's translations, whatever addresses the guest named: TLBFLUSHV knows
    /// guest-physical ones alone.
    #[inline(always)]
    pub fn flush(&mut self) {
        match self {
            Translation::Hardware(vmid) => insn::tlbflushv_vmid(u64::from(*vmid)),
            Translation::Shadow(pager) => pager.fence_all(),
        }
    }

    /// What the guest has in CR3, where the real one may hold a shadow.
    pub fn guest_cr3(&self) -> u64 {
        match self {
            Translation::Hardware(_) => msr::satp::read(),
            Translation::Shadow(pager) => pager.guest_cr3(),
        }
    }

    /// The guest writes CR3.
    pub fn set_guest_cr3(&mut self, value: u64) {
        match self {
            // SAFETY: the register is the guest's, and so is the value.
            Translation::Hardware(_) => unsafe { msr::satp::write(value) },
            Translation::Shadow(pager) => pager.set_guest_cr3(value),
        }
    }
}
