//! What the two users of shadow tables make of them: who runs in which ring of the machine, and where a root is.

use visa_isa::paging::{
    PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_GLOBAL, PTE_PPN_SHIFT, PTE_READ, PTE_USER,
    PTE_VALID, PTE_WRITE,
};

/// Views of a space at most, each with a root and an ASID of its own.
pub const VIEWS: usize = 3;

/// As whom an address space is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum View {
    /// The guest's kernel: pages without U. With [`Mirrored`] tables: everybody.
    Kernel = 0,
    /// The guest's kernel with sstatus.SUM: pages with U too, but not to execute.
    KernelSum = 1,
    /// The guest's user programs: pages with U.
    User = 2,
}

/// Whose permissions a shadow table shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// As [`View::Kernel`].
    Kernel = 0,
    /// As [`View::KernelSum`].
    KernelSum = 1,
    /// As [`View::User`].
    User = 2,
    /// As [`View::Kernel`], in a table that several spaces point to.
    Shared = 3,
}

impl Role {
    /// The role with a number.
    pub(super) const fn from_number(number: u8) -> Role {
        match number {
            0 => Role::Kernel,
            1 => Role::KernelSum,
            2 => Role::User,
            _ => Role::Shared,
        }
    }

    /// The role of a table below.
    pub(super) const fn below(self) -> Role {
        match self {
            Role::Shared => Role::Kernel,
            other => other,
        }
    }
}

/// A user of shadow tables.
pub trait Layout {
    /// The guest may use Sv48, and not Sv39 alone.
    const SV48: bool;
    /// The hardware walks the shadow of the guest's root itself, by an ASID that is another after each flush, and
    /// entries may be global. Otherwise roots lie above it and have fixed ASIDs.
    const OWN_ROOTS: bool;

    /// The shadow of a guest's leaf, for a page; 0 if the role may not use it at all.
    fn leaf(theirs: u64, page: u64, role: Role) -> u64;
}

/// What the hardware may do by itself with a guest's leaf: where D is clear, nothing that would set it.
#[inline(always)]
const fn rights(theirs: u64) -> u64 {
    let rights = theirs & (PTE_READ | PTE_WRITE | PTE_EXECUTE);
    if theirs & PTE_DIRTY == 0 { rights & !PTE_WRITE } else { rights }
}

#[inline(always)]
const fn present(page: u64, bits: u64) -> u64 {
    page >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID | PTE_ACCESSED | PTE_DIRTY | bits
}

/// All of the guest runs in Ring 3, its kernel included, so each entry has U and the view decides. The guest has Sv39,
/// and the rest of Sv48 above is visor's, which runs in Ring 0 by the same tables:
///
/// ```text
/// root of a view ─┬─ [0]   lower half: a tree for each view of each space
///                 ├─ [128] visor: all physical memory, for Ring 0 alone
///                 └─ [511] upper half: its 1 GiB entries point to trees that all spaces share
/// ```
pub enum Deprivileged {}

impl Layout for Deprivileged {
    const SV48: bool = false;
    const OWN_ROOTS: bool = false;

    #[inline(always)]
    fn leaf(theirs: u64, page: u64, role: Role) -> u64 {
        let user = theirs & PTE_USER != 0;
        let seen = match role {
            Role::User => user,
            Role::KernelSum => true,
            Role::Kernel | Role::Shared => !user,
        };
        let mut rights = rights(theirs);
        if user && role == Role::KernelSum {
            rights &= !PTE_EXECUTE;
        }
        if !seen || rights == 0 { 0 } else { present(page, PTE_USER | rights) }
    }
}

/// The guest runs in the rings that it believes to run in, and visor needs no addresses among the guest's: one view of a
/// space serves all, its root has the guest's mode, and U and G are the guest's. What several spaces share hangs below
/// their roots.
pub enum Mirrored {}

impl Layout for Mirrored {
    const SV48: bool = true;
    const OWN_ROOTS: bool = true;

    #[inline(always)]
    fn leaf(theirs: u64, page: u64, _: Role) -> u64 {
        let rights = rights(theirs);
        if rights == 0 { 0 } else { present(page, theirs & (PTE_USER | PTE_GLOBAL) | rights) }
    }
}
