//! The instructions that flush translations.

use visa_isa::exit::{Exit, TlbFlush};
use visa_isa::trap_filter;
use visa_isa::{GuestPhysical, GuestVirtual, Ring};

use crate::hart::Hart;
use crate::trap::Stop;

impl Hart {
    /// SFENCE.VMA, with the operands that are not R0. In Ring -1 it is TLBFLUSHV without operands.
    pub fn sfence_vma(&mut self, address: Option<u64>, asid: Option<u64>) -> Result<(), Stop> {
        match self.ring {
            Ring::User => return Err(self.not_in_this_ring(false)),
            Ring::Hypervisor => self.flush_nested(None, None),
            Ring::Kernel if self.filter(trap_filter::FLUSH) => {
                let flush = TlbFlush { address: address.map(GuestVirtual), asid };
                return Err(self.exit(Exit::TlbFlush(flush)));
            }
            Ring::Kernel => self.fence_translations(address, asid),
        }
        Ok(())
    }

    /// TLBFLUSHV, with the operands that are not R0.
    pub fn tlbflushv(&mut self, vmid: Option<u64>, guest_physical: Option<u64>) -> Result<(), Stop> {
        if self.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        self.flush_nested(vmid, guest_physical);
        Ok(())
    }

    /// SFENCE.VMA in a guest, with the operands that are not R0 (RISC-V privileged, 12.2.1).
    fn fence_translations(&mut self, address: Option<u64>, asid: Option<u64>) {
        let vmid = self.vm.vmid();
        let asid = asid.map(|asid| asid as u16 as u32);
        match address {
            Some(address) => self.walk_cache.forget(address),
            None => self.forget_walks(),
        }
        match (address, asid) {
            (Some(address), asid) => self.tlb.flush_address(address, asid, vmid),
            (None, None) => self.tlb.flush(|old| old.vmid == vmid),
            (None, Some(asid)) => self.tlb.flush(|old| old.vmid == vmid && old.asid == asid && !old.global),
        }
        self.attention = true;
    }

    /// TLBFLUSHV (specification, 4.3), with the operands that are not R0.
    pub(crate) fn flush_nested(&mut self, vmid: Option<u64>, guest_physical: Option<u64>) {
        let page = guest_physical.map(GuestPhysical);
        self.tlb.flush(|old| {
            let same_vm = vmid.is_none_or(|vmid| old.vmid == vmid as u16);
            let same_page = page
                .is_none_or(|page| page.page(old.page_shift) == old.guest_physical_page.page(old.page_shift));
            same_vm && same_page
        });
        self.forget_walks();
        self.attention = true;
    }
    /// Forgets what walks remember of either stage.
    pub(crate) fn forget_walks(&mut self) {
        self.nested.clear();
        self.walk_cache.clear();
    }
}
