//! What the instructions that flush translations drop (specification, 4.3; RISC-V privileged, 12.2.1).

use visa_isa::GuestPhysical;
use visa_state::HartState;

use crate::mmu::Mmu;

impl Mmu {
    /// SFENCE.VMA in a guest, with the operands that are not R0.
    pub fn fence_translations(&mut self, state: &HartState, address: Option<u64>, asid: Option<u64>) {
        let vmid = state.vm.vmid();
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
    }

    /// TLBFLUSHV, with the operands that are not R0.
    pub fn flush_nested(&mut self, vmid: Option<u64>, guest_physical: Option<u64>) {
        let page = guest_physical.map(GuestPhysical);
        self.tlb.flush(|old| {
            let same_vm = vmid.is_none_or(|vmid| old.vmid == vmid as u16);
            let same_page = page
                .is_none_or(|page| page.page(old.page_shift) == old.guest_physical_page.page(old.page_shift));
            same_vm && same_page
        });
        self.forget_walks();
    }
}
