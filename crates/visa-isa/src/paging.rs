//! Page tables of both stages: the base registers (CR3, HPTBR), the entries (RISC-V privileged specification, 12.4;
//! the second stage uses the same format, see the specification's chapter on translation), what they [permit](permission),
//! and the one [walk](mod@walk) over them.

pub mod entry;
pub mod permission;
pub mod walk;

pub use entry::Entry;
pub use permission::{Access, Accessor};
pub use walk::{First, Leaf, NoLeaf, Second, Stage, walk};

macro_rules! flags {
    ($( $bit:literal $constant:ident $name:ident $summary:literal; )*) => {
        $( #[doc = $summary] pub const $constant: u64 = 1 << $bit; )*

        /// Name, mask and meaning of each flag of an entry.
        pub const FLAGS: &[(&str, u64, &str)] = &[ $((stringify!($name), 1 << $bit, $summary)),* ];
    };
}

flags! {
    0 PTE_VALID    VALID    "entry is valid";
    1 PTE_READ     READ     "loads allowed";
    2 PTE_WRITE    WRITE    "stores allowed";
    3 PTE_EXECUTE  EXECUTE  "fetches allowed";
    4 PTE_USER     USER     "Ring 3 may use it; ignored in the second stage";
    5 PTE_GLOBAL   GLOBAL   "maps in every address space; ignored in the second stage";
    6 PTE_ACCESSED ACCESSED "accessed; set by hardware";
    7 PTE_DIRTY    DIRTY    "dirty; set by hardware";
}

/// First bit of the physical page number.
pub const PTE_PPN_SHIFT: u32 = 10;
/// Width of a physical page number.
pub const PPN_BITS: u32 = 44;
/// The physical page number.
pub const PTE_PPN: u64 = ((1 << PPN_BITS) - 1) << PTE_PPN_SHIFT;
/// Bits that must be zero: 63 to 54 (no Svnapot, no Svpbmt).
pub const PTE_RESERVED: u64 = !((1 << 54) - 1);

/// Bytes of a page, as a power of two.
pub const PAGE_SHIFT: u32 = 12;
/// Bytes of a page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// First bit of the translation mode in CR3 and HPTBR.
pub const MODE_SHIFT: u32 = 60;
/// Index bits that each level of a table translates.
pub const LEVEL_BITS: u32 = 9;

/// The translation mode in bits 63:60 of CR3 and HPTBR.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Mode {
    /// No translation.
    Bare = 0,
    /// Three levels, 39-bit addresses.
    Sv39 = 8,
    /// Four levels, 48-bit addresses.
    Sv48 = 9,
}

impl Mode {
    /// The mode with a number.
    pub const fn from_number(number: u64) -> Option<Mode> {
        match number {
            0 => Some(Mode::Bare),
            8 => Some(Mode::Sv39),
            9 => Some(Mode::Sv48),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Bare => "BARE",
            Mode::Sv39 => "SV39",
            Mode::Sv48 => "SV48",
        }
    }

    /// Levels of the table.
    pub const fn levels(self) -> u32 {
        match self {
            Mode::Bare => 0,
            Mode::Sv39 => 3,
            Mode::Sv48 => 4,
        }
    }

    /// Whether tables translate at all.
    pub const fn translates(self) -> bool {
        !matches!(self, Mode::Bare)
    }

    /// Bits of an address that the table translates.
    pub const fn address_bits(self) -> u32 {
        PAGE_SHIFT + LEVEL_BITS * self.levels()
    }
}

/// A page-table base: CR3 (satp, GPTBR), whose tag is the ASID, or HPTBR, whose tag is the VMID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableBase {
    /// Translation mode.
    pub mode: Mode,
    /// ASID (16 bits) or VMID (14 bits).
    pub tag: u16,
    /// Physical address of the root table.
    pub root: u64,
}

/// Width of an ASID.
pub const ASID_BITS: u32 = 16;
/// Width of a VMID. Bits 59:58 of HPTBR are zero.
pub const VMID_BITS: u32 = 14;

impl TableBase {
    /// Decodes CR3. `None` if the mode is not one of [`Mode`].
    pub const fn from_cr3(value: u64) -> Option<TableBase> {
        match Mode::from_number(value >> MODE_SHIFT) {
            Some(mode) => Some(TableBase {
                mode,
                tag: (value >> PPN_BITS) as u16,
                root: (value & ((1 << PPN_BITS) - 1)) << PAGE_SHIFT,
            }),
            None => None,
        }
    }

    /// Decodes HPTBR. `None` if the mode is not one of [`Mode`], or bits 59:58 are not zero.
    pub const fn from_hptbr(value: u64) -> Option<TableBase> {
        match value >> 58 & 3 {
            0 => TableBase::from_cr3(value),
            _ => None,
        }
    }

    /// The register's value.
    pub const fn value(self) -> u64 {
        (self.mode as u64) << MODE_SHIFT | (self.tag as u64) << PPN_BITS | self.root >> PAGE_SHIFT
    }
}
