//! The instructions that flush translations.

use visa_isa::exit::{Exit, TlbFlush};
use visa_isa::trap_filter;
use visa_isa::{GuestVirtual, Ring};

use crate::hart::Hart;
use crate::trap::Stop;

impl Hart {
    /// SFENCE.VMA, with the operands that are not R0. In Ring -1 it is TLBFLUSHV without operands.
    pub fn sfence_vma(&mut self, address: Option<u64>, asid: Option<u64>) -> Result<(), Stop> {
        match self.state.ring {
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
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        self.flush_nested(vmid, guest_physical);
        Ok(())
    }

    fn fence_translations(&mut self, address: Option<u64>, asid: Option<u64>) {
        self.mmu.fence_translations(&self.state, address, asid);
        self.pending_work = true;
    }

    pub(crate) fn flush_nested(&mut self, vmid: Option<u64>, guest_physical: Option<u64>) {
        self.mmu.flush_nested(vmid, guest_physical);
        self.pending_work = true;
    }
}
