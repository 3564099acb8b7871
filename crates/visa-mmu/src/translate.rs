//! The two-stage walk (specification, 4.1; RISC-V privileged, 12.3.2 and 12.4): its first stage, and what both give together.

use visa_isa::paging::{Access, Entry, First, Leaf, Mode, PAGE_SHIFT, PTE_GLOBAL, TableBase, walk};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::context::{accessor, allows, asid};
use crate::entry::{StageResult, UNTRANSLATED, UNTRANSLATED_SHIFT, count_miss, read_entry, write_entry};
use crate::fault::TranslationFault;
use crate::mmu::Mmu;
use crate::ranges::through_range;
use crate::tlb::{Permissions, Translation};

impl Mmu {
    /// Translates an address of the ring in use, by the second level of the TLB or by a walk. The result is the
    /// physical address and the page size.
    pub fn translate(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Result<(Physical, u32), TranslationFault> {
        if !self.translates {
            // A guest's virtual addresses are guest-physical then, and these physical.
            let range =
                state.in_guest().then(|| through_range(&state.vm, GuestPhysical(address), access)).flatten();
            return range.unwrap_or(Ok((Physical(address), PAGE_SHIFT)));
        }
        let known = self.tlb.find_here(address);
        if let Some(found) = known
            && allows(state, found.permissions, access)
            && (access != Access::Store || found.permissions.has(Permissions::DIRTY))
        {
            return Ok((found.address(address), found.page_shift));
        }
        count_miss(state);
        let translation = match self.walk_lowest(state, ram, address, access) {
            Some(translation) => translation,
            None => self.walk(state, ram, address, access)?,
        };
        self.tlb.insert_found(&translation, known.is_none());
        Ok((translation.address(address), translation.page_shift))
    }

    /// Walks both stages, sets A and D, and checks permissions.
    fn walk(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Result<Translation, TranslationFault> {
        let first = self.first_stage(state, ram, GuestVirtual(address), access)?;
        let (guest_physical, first_shift, leaf) = match &first {
            None => (GuestPhysical(address), UNTRANSLATED_SHIFT, UNTRANSLATED),
            Some(stage) => (stage.address, stage.page_shift, stage.entry),
        };
        let nested = self.second_stage(state, ram, guest_physical, access.nested(leaf.0), false)?;
        let page_shift = first_shift.min(nested.page_shift);
        Ok(Translation {
            virtual_page: GuestVirtual(address).page(page_shift),
            physical_page: nested.address.page(page_shift),
            guest_physical_page: guest_physical.page(page_shift),
            page_shift,
            first_stage_shift: if first.is_some() { first_shift } else { page_shift },
            permissions: Permissions::of_first_stage(leaf).with_second_stage(nested.entry),
            global: first.is_some_and(|stage| stage.entry.has(PTE_GLOBAL)),
            asid: asid(state),
            vmid: state.vm.vmid(),
        })
    }

    /// Guest-virtual to guest-physical. `None`: CR3 is in mode bare.
    #[inline(always)]
    fn first_stage(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: GuestVirtual,
        access: Access,
    ) -> Result<Option<StageResult<GuestPhysical>>, TranslationFault> {
        let base = TableBase::from_cr3(state.supervisor.satp).ok_or(TranslationFault::Page)?;
        if base.mode == Mode::Bare {
            return Ok(None);
        }
        let run = self.nested.run_for_loads(state.vm.hptbr);
        let references = state.statistics.walk_references;
        // The entries' own addresses are guest-physical.
        let mut location = Physical::default();
        let leaf = walk::<First, _>(base, address, |slot, _| {
            location = match run.find(slot) {
                Some(location) => {
                    state.statistics.walk_references += run.leaf.references as u64;
                    location
                }
                None => self.second_stage(state, ram, slot, Access::Load, true)?.address,
            };
            read_entry(state, ram, location)
        });
        let leaf = leaf.map_err(|why| why.or(TranslationFault::Page))?;
        if leaf.level == 0 {
            let references = state.statistics.walk_references - references - 1;
            self.remember_lowest(state, ram, address, location, references);
        }
        self.first_stage_leaf(state, ram, address, access, &leaf).map(Some)
    }

    /// Checks a leaf of the first stage and sets its A and D, whatever comes of the access then (specification, 2.3).
    fn first_stage_leaf(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: GuestVirtual,
        access: Access,
        leaf: &Leaf<First>,
    ) -> Result<StageResult<GuestPhysical>, TranslationFault> {
        if !accessor(state).is_none_or(|by| by.may(access, leaf.entry.0)) {
            return Err(TranslationFault::Page);
        }
        let wanted = Entry(leaf.entry.0 | access.marks());
        if wanted != leaf.entry {
            let location = self.second_stage(state, ram, leaf.slot, Access::Store, true)?.address;
            write_entry(ram, location, wanted)?;
        }
        Ok(StageResult { address: leaf.translate(address), page_shift: leaf.page_shift(), entry: wanted })
    }
}
