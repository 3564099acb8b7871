//! What entries permit (RISC-V privileged, 12.3.2, step 6; the second stage: specification, 4.1).

use super::{PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_USER, PTE_WRITE};
use crate::cause::Exception;

/// What is done to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Access {
    /// Load.
    Load = 0,
    /// Store, and atomics.
    Store = 1,
    /// Instruction fetch.
    Fetch = 2,
}

impl Access {
    /// Every kind.
    pub const ALL: [Access; 3] = [Access::Load, Access::Store, Access::Fetch];

    /// The access that a page fault is of, by the exception's number; `None` of other exceptions.
    pub const fn of_page_fault(exception: u64) -> Option<Access> {
        const FETCH: u64 = Exception::FetchPageFault as u64;
        const LOAD: u64 = Exception::LoadPageFault as u64;
        const STORE: u64 = Exception::StorePageFault as u64;
        match exception {
            FETCH => Some(Access::Fetch),
            LOAD => Some(Access::Load),
            STORE => Some(Access::Store),
            _ => None,
        }
    }

    /// Its page fault.
    pub const fn page_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadPageFault,
            Access::Store => Exception::StorePageFault,
            Access::Fetch => Exception::FetchPageFault,
        }
    }

    /// Its access fault.
    pub const fn access_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadAccessFault,
            Access::Store => Exception::StoreAccessFault,
            Access::Fetch => Exception::FetchAccessFault,
        }
    }

    /// The flag of a leaf that permits it, whoever makes it: all that the second stage asks.
    #[inline(always)]
    pub const fn flag(self) -> u64 {
        match self {
            Access::Load => PTE_READ,
            Access::Store => PTE_WRITE,
            Access::Fetch => PTE_EXECUTE,
        }
    }

    /// The flags that it leaves set in a leaf: A, and for stores D.
    #[inline(always)]
    pub const fn marks(self) -> u64 {
        match self {
            Access::Load | Access::Fetch => PTE_ACCESSED,
            Access::Store => PTE_ACCESSED | PTE_DIRTY,
        }
    }

    /// What it is to the second stage, by the first's leaf: a load that only MXR permits, of what can be executed alone, needs no more than
    /// that there.
    #[inline(always)]
    pub const fn nested(self, first: u64) -> Access {
        match self {
            Access::Load if first & PTE_READ == 0 => Access::Fetch,
            access => access,
        }
    }
}

/// Who makes an access, as far as the first stage's permissions depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accessor {
    /// The kernel, rather than user programs.
    pub kernel: bool,
    /// sstatus.SUM.
    pub sum: bool,
    /// sstatus.MXR.
    pub mxr: bool,
}

impl Accessor {
    /// Whether a leaf of the first stage permits an access.
    #[inline(always)]
    pub const fn may(self, access: Access, leaf: u64) -> bool {
        let user = leaf & PTE_USER != 0;
        let in_ring = match self.kernel {
            false => user,
            true => !user || self.sum && !matches!(access, Access::Fetch),
        };
        let by = match access {
            Access::Load if self.mxr => PTE_READ | PTE_EXECUTE,
            access => access.flag(),
        };
        in_ring && leaf & by != 0
    }
}
