//! Addresses, by the space that they are of: what one stage of translation takes cannot be taken for what it gives.

use core::fmt;

/// An address of some space.
pub trait Address: Copy + Eq {
    /// The one with a number.
    fn new(number: u64) -> Self;
    /// Its number.
    fn number(self) -> u64;
}

macro_rules! spaces {
    ($( $(#[$doc:meta])* $name:ident; )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[repr(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// So many bytes on, round the end of the space.
            #[inline(always)]
            pub const fn plus(self, bytes: u64) -> $name {
                $name(self.0.wrapping_add(bytes))
            }

            /// How far it is behind another, round the end of the space.
            #[inline(always)]
            pub const fn behind(self, other: $name) -> u64 {
                self.0.wrapping_sub(other.0)
            }

            /// The first address of the page of a size, as a power of two, that holds it.
            #[inline(always)]
            pub const fn page(self, page_shift: u32) -> $name {
                $name(self.0 & !((1 << page_shift) - 1))
            }
        }

        impl Address for $name {
            #[inline(always)]
            fn new(number: u64) -> $name {
                $name(number)
            }

            #[inline(always)]
            fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:#x})", stringify!($name), self.0)
            }
        }
    )* };
}

spaces! {
    /// What a guest's program names: the first stage takes it.
    GuestVirtual;
    /// What a guest takes for physical: the first stage gives it, and the second takes it.
    GuestPhysical;
    /// Where memory and devices are: the second stage gives it.
    Physical;
}
