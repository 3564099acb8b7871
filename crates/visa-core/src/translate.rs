//! The two-stage walk (specification, 4.1; RISC-V privileged, 12.3.2 and 12.4): its first stage, and what both give together.

use visa_isa::io::RangeKind;
use visa_isa::msr::sstatus;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{
    Access, Accessor, Entry, First, Leaf, MODE_SHIFT, Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE,
    PTE_GLOBAL, PTE_READ, PTE_WRITE, TableBase, walk,
};
use visa_isa::{GuestPhysical, GuestVirtual, Physical, Ring};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::tlb::{NO_SPACE, Permissions, Space, Translation};

/// Why an address has no translation, before it is decided who hears of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The first stage does not map it, or not for this access.
    Page,
    /// A page-table entry is where no RAM is.
    Access,
    /// The second stage does not map a guest-physical address, or not for this access.
    Nested {
        /// The address.
        guest_physical: GuestPhysical,
        /// It is that of a page-table entry of the first stage.
        walk: bool,
    },
    /// The guest-physical address is in an IOVMAP range that traps.
    Device {
        /// The address.
        guest_physical: GuestPhysical,
        /// The range's cookie.
        cookie: u64,
    },
}

/// What one stage maps an address to.
pub(crate) struct StageResult<A> {
    /// Where the byte is.
    pub address: A,
    /// Size of the page as a power of two.
    pub page_shift: u32,
    /// The leaf, with A and D as they are now.
    pub entry: Entry,
}

impl Hart {
    /// Recomputes the context of translations after a change of ring, CR3, HPTBR, ranges, SUM or MXR.
    pub fn update_translation_context(&mut self) {
        let guest = self.in_guest();
        let space = match guest {
            false => Space { asid: NO_SPACE, vmid: 0, second_stage: false, guest },
            true => Space {
                asid: self.asid(),
                vmid: self.vm.vmid(),
                second_stage: self.vm.hptbr >> 60 != 0 || self.vm.has_ranges,
                guest,
            },
        };
        self.translates = guest && (space.asid != NO_SPACE || self.vm.hptbr >> 60 != 0);
        let (class, fetch_class) = self.translation_classes();
        self.tlb.set_context(space, class, fetch_class);
        self.attention = true;
    }

    /// Recomputes what the context has of ring, SUM and MXR, where nothing else changed.
    pub fn update_translation_class(&mut self) {
        let (class, fetch_class) = self.translation_classes();
        self.tlb.set_class(class, fetch_class);
    }

    /// Of loads and stores, and of fetches.
    fn translation_classes(&self) -> (u64, u64) {
        let status = self.supervisor.sstatus;
        let mxr = (status & sstatus::MXR != 0) as u64;
        match self.ring {
            Ring::Hypervisor => (0, 0),
            Ring::User => (mxr << 2 | 1, 1),
            Ring::Kernel => (mxr << 2 | if status & sstatus::SUM != 0 { 3 } else { 2 }, 2),
        }
    }

    /// The ASID in CR3; [`NO_SPACE`] if the first stage does not translate.
    pub fn asid(&self) -> u32 {
        match self.supervisor.satp >> 60 {
            0 => NO_SPACE,
            _ => (self.supervisor.satp >> visa_isa::paging::PPN_BITS) as u16 as u32,
        }
    }

    /// Translates an address of the ring in use, by the second level of the TLB or by a walk. The result is the
    /// physical address and the page size.
    pub fn translate(&mut self, ram: &Ram, address: u64, access: Access) -> Result<(Physical, u32), Fault> {
        if !self.translates {
            // A guest's virtual addresses are guest-physical then, and these physical.
            let range = self.in_guest().then(|| self.through_range(GuestPhysical(address), access)).flatten();
            return range.unwrap_or(Ok((Physical(address), PAGE_SHIFT)));
        }
        let known = self.tlb.find_here(address);
        if let Some(found) = known
            && self.allows(found.permissions, access)
            && (access != Access::Store || found.permissions.has(Permissions::DIRTY))
        {
            return Ok((found.address(address), found.page_shift));
        }
        self.count_miss();
        let translation = match self.walk_lowest(ram, address, access) {
            Some(translation) => translation,
            None => self.walk(ram, address, access)?,
        };
        self.tlb.insert_found(&translation, known.is_none());
        Ok((translation.address(address), translation.page_shift))
    }

    pub(crate) fn count_miss(&mut self) {
        self.vm.count_tlb_miss += 1;
        self.statistics.tlb_misses += 1;
    }

    /// What an IOVMAP range makes of a guest-physical address; `None` if it is in none.
    pub(crate) fn through_range(
        &self,
        guest_physical: GuestPhysical,
        access: Access,
    ) -> Option<Result<(Physical, u32), Fault>> {
        let range = self.vm.range_of(guest_physical)?;
        if range.kind == RangeKind::Passthrough as u64 {
            return Some(Ok((range.passed_through(guest_physical), PAGE_SHIFT)));
        }
        match access {
            Access::Fetch => Some(Err(Fault::Access)),
            _ => Some(Err(Fault::Device { guest_physical, cookie: range.target })),
        }
    }

    /// Whether the ring in use may make the access.
    pub(crate) fn allows(&self, permissions: Permissions, access: Access) -> bool {
        permits(self.accessor(), permissions, access)
    }

    /// Who makes an access in the ring in use; `None`: no stage that asks.
    pub(crate) fn accessor(&self) -> Option<Accessor> {
        let status = self.supervisor.sstatus;
        (self.supervisor.satp >> MODE_SHIFT != 0).then_some(Accessor {
            kernel: self.ring != Ring::User,
            sum: status & sstatus::SUM != 0,
            mxr: status & sstatus::MXR != 0,
        })
    }

    /// Walks both stages, sets A and D, and checks permissions.
    fn walk(&mut self, ram: &Ram, address: u64, access: Access) -> Result<Translation, Fault> {
        let first = self.first_stage(ram, GuestVirtual(address), access)?;
        let (guest_physical, first_shift, leaf) = match &first {
            None => (GuestPhysical(address), UNTRANSLATED_SHIFT, UNTRANSLATED),
            Some(stage) => (stage.address, stage.page_shift, stage.entry),
        };
        let nested = self.second_stage(ram, guest_physical, access.nested(leaf.0), false)?;
        let page_shift = first_shift.min(nested.page_shift);
        Ok(Translation {
            virtual_page: GuestVirtual(address).page(page_shift),
            physical_page: nested.address.page(page_shift),
            guest_physical_page: guest_physical.page(page_shift),
            page_shift,
            first_stage_shift: if first.is_some() { first_shift } else { page_shift },
            permissions: Permissions::of_first_stage(leaf).with_second_stage(nested.entry),
            global: first.is_some_and(|stage| stage.entry.has(PTE_GLOBAL)),
            asid: self.asid(),
            vmid: self.vm.vmid(),
        })
    }

    /// Guest-virtual to guest-physical. `None`: CR3 is in mode bare.
    #[inline(always)]
    fn first_stage(
        &mut self,
        ram: &Ram,
        address: GuestVirtual,
        access: Access,
    ) -> Result<Option<StageResult<GuestPhysical>>, Fault> {
        let base = TableBase::from_cr3(self.supervisor.satp).ok_or(Fault::Page)?;
        if base.mode == Mode::Bare {
            return Ok(None);
        }
        let run = self.nested.run_for_loads(self.vm.hptbr);
        let references = self.statistics.walk_references;
        // The entries' own addresses are guest-physical.
        let mut location = Physical::default();
        let leaf = walk::<First, _>(base, address, |slot, _| {
            location = match run.find(slot) {
                Some(location) => {
                    self.statistics.walk_references += run.leaf.references as u64;
                    location
                }
                None => self.second_stage(ram, slot, Access::Load, true)?.address,
            };
            self.read_entry(ram, location)
        });
        let leaf = leaf.map_err(|why| why.or(Fault::Page))?;
        if leaf.level == 0 {
            let references = self.statistics.walk_references - references - 1;
            self.remember_lowest(ram, address, location, references);
        }
        self.first_stage_leaf(ram, address, access, &leaf).map(Some)
    }

    /// Checks a leaf of the first stage and sets its A and D, whatever comes of the access then (specification, 2.3).
    fn first_stage_leaf(
        &mut self,
        ram: &Ram,
        address: GuestVirtual,
        access: Access,
        leaf: &Leaf<First>,
    ) -> Result<StageResult<GuestPhysical>, Fault> {
        if !self.accessor().is_none_or(|by| by.may(access, leaf.entry.0)) {
            return Err(Fault::Page);
        }
        let wanted = Entry(leaf.entry.0 | access.marks());
        if wanted != leaf.entry {
            let location = self.second_stage(ram, leaf.slot, Access::Store, true)?.address;
            write_entry(ram, location, wanted)?;
        }
        Ok(StageResult { address: leaf.translate(address), page_shift: leaf.page_shift(), entry: wanted })
    }

    /// Reads an entry for a walk, and counts that.
    pub(crate) fn read_entry(&mut self, ram: &Ram, address: Physical) -> Result<u64, Fault> {
        self.statistics.walk_references += 1;
        peek_entry(ram, address).ok_or(Fault::Access)
    }
}

/// What a leaf says where no stage translates.
pub(crate) const UNTRANSLATED: Entry = Entry(PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_DIRTY | PTE_ACCESSED);
/// The size of its page: it does not limit the other stage's.
pub(crate) const UNTRANSLATED_SHIFT: u32 = 39;

/// Whether both stages permit an access; without an accessor, the first does not ask.
pub(crate) const fn permits(by: Option<Accessor>, permissions: Permissions, access: Access) -> bool {
    let first = permissions.first_stage();
    let in_first = match by {
        Some(by) => by.may(access, first),
        None => true,
    };
    in_first && permissions.second_stage() & access.nested(first).flag() != 0
}

/// Reads the entry at a physical address.
pub(crate) fn peek_entry(ram: &Ram, address: Physical) -> Option<u64> {
    ram.offset_of(address.0, ENTRY_BYTES).and_then(|offset| ram.load_u64(offset))
}

pub(crate) fn write_entry(ram: &Ram, address: Physical, entry: Entry) -> Result<(), Fault> {
    let offset = ram.offset_of(address.0, ENTRY_BYTES).ok_or(Fault::Access)?;
    ram.store_u64(offset, entry.0).ok_or(Fault::Access)
}
