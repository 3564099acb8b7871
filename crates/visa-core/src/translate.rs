//! The two-stage walk (specification, 4.1; RISC-V privileged, 12.3.2 and 12.4): its first stage, and what both give together.

use visa_isa::Ring;
use visa_isa::cause::Exception;
use visa_isa::io::RangeKind;
use visa_isa::msr::sstatus;
use visa_isa::paging::{
    LEVEL_BITS, Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_GLOBAL, PTE_PPN, PTE_PPN_SHIFT,
    PTE_READ, PTE_RESERVED, PTE_USER, PTE_VALID, PTE_WRITE, TableBase,
};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::tlb::{Access, NO_SPACE, Permissions, Space, Translation};

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
        guest_physical: u64,
        /// It is that of a page-table entry of the first stage.
        walk: bool,
    },
    /// The guest-physical address is in an IOVMAP range that traps.
    Device {
        /// The address.
        guest_physical: u64,
        /// The range's cookie.
        cookie: u64,
    },
}

/// A physical page that one stage maps an address to.
pub(crate) struct StageResult {
    /// Physical address of the byte.
    pub address: u64,
    /// Size of the page as a power of two.
    pub page_shift: u32,
    /// The entry's bits.
    pub entry: u64,
}

impl Access {
    /// The page-fault exception of the access.
    pub fn page_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadPageFault,
            Access::Store => Exception::StorePageFault,
            Access::Fetch => Exception::FetchPageFault,
        }
    }

    /// The access-fault exception of the access.
    pub fn access_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadAccessFault,
            Access::Store => Exception::StoreAccessFault,
            Access::Fetch => Exception::FetchAccessFault,
        }
    }
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
    pub fn translate(&mut self, ram: &Ram, address: u64, access: Access) -> Result<(u64, u32), Fault> {
        if !self.translates {
            let range = if self.in_guest() { self.through_range(address, access) } else { None };
            return range.unwrap_or(Ok((address, PAGE_SHIFT)));
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
        guest_physical: u64,
        access: Access,
    ) -> Option<Result<(u64, u32), Fault>> {
        let range = self.vm.range_of(guest_physical)?;
        if range.kind == RangeKind::Passthrough as u64 {
            return Some(Ok((range.target + (guest_physical - range.guest_address), PAGE_SHIFT)));
        }
        match access {
            Access::Fetch => Some(Err(Fault::Access)),
            _ => Some(Err(Fault::Device { guest_physical, cookie: range.target })),
        }
    }

    /// Whether the ring in use may make the access (RISC-V privileged, 12.3.2, step 6; the second stage: specification, 4.1).
    pub(crate) fn allows(&self, permissions: Permissions, access: Access) -> bool {
        use Permissions as P;
        let status = self.supervisor.sstatus;
        let ring_allows = match (self.ring, permissions.has(P::USER)) {
            (Ring::User, user) => user,
            (_, false) => true,
            (_, true) => access != Access::Fetch && status & sstatus::SUM != 0,
        };
        let stage_allows = match access {
            Access::Fetch => permissions.has(P::EXECUTE | P::NESTED_EXECUTE),
            Access::Store => permissions.has(P::WRITE | P::NESTED_WRITE),
            Access::Load => {
                let by_execute = status & sstatus::MXR != 0 && !permissions.has(P::READ);
                permissions.has(P::READ | P::NESTED_READ)
                    || by_execute && permissions.has(P::EXECUTE | P::NESTED_EXECUTE)
            }
        };
        stage_allows && (ring_allows || self.supervisor.satp >> 60 == 0)
    }

    /// Walks both stages, sets A and D, and checks permissions.
    fn walk(&mut self, ram: &Ram, address: u64, access: Access) -> Result<Translation, Fault> {
        let first = self.first_stage(ram, address, access)?;
        let (guest_physical, first_shift, first_permissions) = match &first {
            None => (
                address,
                39,
                Permissions::READ | Permissions::WRITE | Permissions::EXECUTE | Permissions::DIRTY,
            ),
            Some(stage) => (stage.address, stage.page_shift, first_stage_permissions(stage.entry)),
        };
        let nested_access = match access {
            Access::Load if first_permissions & Permissions::READ == 0 => Access::Fetch,
            other => other,
        };
        let nested = self.second_stage(ram, guest_physical, nested_access, false)?;
        let page_shift = first_shift.min(nested.page_shift);
        let mask = (1u64 << page_shift) - 1;
        Ok(Translation {
            virtual_page: address & !mask,
            physical_page: nested.address & !mask,
            guest_physical_page: guest_physical & !mask,
            page_shift,
            first_stage_shift: if first.is_some() { first_shift } else { page_shift },
            permissions: both_permissions(first_permissions, nested.entry),
            global: first.is_some_and(|stage| stage.entry & PTE_GLOBAL != 0),
            asid: self.asid(),
            vmid: self.vm.vmid(),
        })
    }

    /// Guest-virtual to guest-physical. `None`: CR3 is in mode bare.
    #[inline(always)]
    fn first_stage(&mut self, ram: &Ram, address: u64, access: Access) -> Result<Option<StageResult>, Fault> {
        let base = TableBase::from_cr3(self.supervisor.satp).ok_or(Fault::Page)?;
        if base.mode == Mode::Bare {
            return Ok(None);
        }
        let unused = 64 - base.mode.address_bits();
        if ((address << unused) as i64 >> unused) as u64 != address {
            return Err(Fault::Page);
        }
        let run = self.nested.run_for_loads(self.vm.hptbr);
        let references = self.statistics.walk_references;
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let slot = table + entry_index(address, level) * 8;
            // The entry's own address is guest-physical.
            let location = match run.find(slot) {
                Some(location) => {
                    self.statistics.walk_references += run.leaf.references as u64;
                    location
                }
                None => self.second_stage(ram, slot, Access::Load, true)?.address,
            };
            let entry = self.read_entry(ram, location)?;
            if !is_pointer(entry) {
                if !is_well_formed(entry) || !is_leaf(entry) {
                    return Err(Fault::Page);
                }
                if level == 0 {
                    let references = self.statistics.walk_references - references - 1;
                    self.remember_lowest(ram, address, location, references);
                }
                return self.first_stage_leaf(ram, address, access, entry, level, slot).map(Some);
            }
            table = (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
        }
        Err(Fault::Page)
    }

    /// Checks a leaf of the first stage and sets its A and D, whatever comes of the access then (specification, 2.3).
    fn first_stage_leaf(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
        entry: u64,
        level: u32,
        slot: u64,
    ) -> Result<StageResult, Fault> {
        let permissions = Permissions(first_stage_permissions(entry) | Permissions::ALL_NESTED);
        let (page, page_shift) = leaf_page(entry, level).ok_or(Fault::Page)?;
        if !self.allows(permissions, access) {
            return Err(Fault::Page);
        }
        let wanted = entry | needed_bits(access);
        if wanted != entry {
            let location = self.second_stage(ram, slot, Access::Store, true)?.address;
            write_entry(ram, location, wanted)?;
        }
        Ok(StageResult { address: page | address & ((1 << page_shift) - 1), page_shift, entry: wanted })
    }

    pub(crate) fn read_entry(&mut self, ram: &Ram, address: u64) -> Result<u64, Fault> {
        self.statistics.walk_references += 1;
        ram.offset_of(address, 8).and_then(|offset| ram.load_u64(offset)).ok_or(Fault::Access)
    }
}

pub(crate) fn entry_index(address: u64, level: u32) -> u64 {
    address >> (PAGE_SHIFT + LEVEL_BITS * level) & ((1 << LEVEL_BITS) - 1)
}

/// Valid, no reserved bit, and not the reserved combination of W without R.
pub(crate) fn is_well_formed(entry: u64) -> bool {
    entry & PTE_VALID != 0 && entry & PTE_RESERVED == 0 && entry & (PTE_READ | PTE_WRITE) != PTE_WRITE
}

/// Valid, and with no other bit that an entry which points to a table may not have: in the first stage A, D and U are reserved there.
pub(crate) fn is_pointer(entry: u64) -> bool {
    const CLEAR: u64 =
        PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_RESERVED;
    entry & (PTE_VALID | CLEAR) == PTE_VALID
}

pub(crate) fn is_leaf(entry: u64) -> bool {
    entry & (PTE_READ | PTE_EXECUTE) != 0
}

/// The page that a leaf at a level maps; `None` if it is misaligned for its size.
pub(crate) fn leaf_page(entry: u64, level: u32) -> Option<(u64, u32)> {
    let page_shift = PAGE_SHIFT + LEVEL_BITS * level;
    let page = (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
    (page & ((1 << page_shift) - 1) == 0).then_some((page, page_shift))
}

/// A, and for stores D.
pub(crate) fn needed_bits(access: Access) -> u64 {
    if access == Access::Store { PTE_ACCESSED | PTE_DIRTY } else { PTE_ACCESSED }
}

pub(crate) fn write_entry(ram: &Ram, address: u64, entry: u64) -> Result<(), Fault> {
    let offset = ram.offset_of(address, 8).ok_or(Fault::Access)?;
    ram.store_u64(offset, entry).ok_or(Fault::Access)
}

/// Both have R, W, X and U side by side, in this order.
pub(crate) fn first_stage_permissions(entry: u64) -> u16 {
    const SIDE_BY_SIDE: u64 = PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER;
    const SHIFT: u32 = PTE_READ.trailing_zeros() - Permissions::READ.trailing_zeros();
    const _: () = assert!(
        SIDE_BY_SIDE >> SHIFT
            == (Permissions::READ | Permissions::WRITE | Permissions::EXECUTE | Permissions::USER) as u64
    );
    let dirty = if entry & PTE_DIRTY != 0 { Permissions::DIRTY } else { 0 };
    ((entry & SIDE_BY_SIDE) >> SHIFT) as u16 | dirty
}

/// What the first stage's permissions become by the second's leaf.
pub(crate) fn both_permissions(first: u16, nested_entry: u64) -> Permissions {
    let nested = first_stage_permissions(nested_entry & (PTE_READ | PTE_WRITE | PTE_EXECUTE)) << 5;
    let clean = if nested_entry & PTE_DIRTY == 0 { Permissions::DIRTY } else { 0 };
    Permissions(first & !clean | nested)
}
