//! The two fields of fcsr: the rounding mode (frm) and the accrued exceptions (fflags).

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// How an inexact result is rounded. The discriminants are the encodings of the rm and frm fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RoundingMode {
    /// RNE: to nearest, ties to even.
    NearestEven = 0,
    /// RTZ: towards zero.
    TowardsZero = 1,
    /// RDN: down, towards minus infinity.
    Down = 2,
    /// RUP: up, towards plus infinity.
    Up = 3,
    /// RMM: to nearest, ties away from zero (to the maximum magnitude).
    NearestMaxMagnitude = 4,
}

impl RoundingMode {
    /// The rm encoding that says "take the mode from frm" (DYN).
    pub const DYNAMIC: u8 = 0b111;

    /// All five modes, in the order of their encodings.
    pub const ALL: [Self; 5] =
        [Self::NearestEven, Self::TowardsZero, Self::Down, Self::Up, Self::NearestMaxMagnitude];

    /// The mode that a field of three bits encodes; `None` for the reserved encodings and for DYN.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::NearestEven),
            1 => Some(Self::TowardsZero),
            2 => Some(Self::Down),
            3 => Some(Self::Up),
            4 => Some(Self::NearestMaxMagnitude),
            _ => None,
        }
    }

    /// The mode that an instruction with this `rm` field uses while fcsr holds this `frm`.
    ///
    /// `None` makes the instruction illegal: a reserved rm, or DYN while frm holds a reserved value.
    #[inline]
    pub const fn resolve(rm: u8, frm: u8) -> Option<Self> {
        if rm == Self::DYNAMIC { Self::from_bits(frm) } else { Self::from_bits(rm) }
    }

    /// The encoding in the rm and frm fields.
    #[inline]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// A set of accrued exceptions, with the bit positions of fflags.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No exception.
    pub const NONE: Self = Self(0);
    /// NX: inexact.
    pub const NX: Self = Self(1 << 0);
    /// UF: underflow.
    pub const UF: Self = Self(1 << 1);
    /// OF: overflow.
    pub const OF: Self = Self(1 << 2);
    /// DZ: division by zero.
    pub const DZ: Self = Self(1 << 3);
    /// NV: invalid operation.
    pub const NV: Self = Self(1 << 4);
    /// Every exception: the implemented bits of fflags.
    pub const ALL: Self = Self(0b1_1111);

    const NAMED: [(Self, &str); 5] =
        [(Self::NV, "NV"), (Self::DZ, "DZ"), (Self::OF, "OF"), (Self::UF, "UF"), (Self::NX, "NX")];

    /// The bits as fflags holds them.
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set that these fflags bits stand for; bits beyond fflags are dropped.
    #[inline]
    pub const fn from_bits_truncate(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Whether every exception of `other` is in this set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// This set if `condition` holds, else the empty one.
    #[inline]
    pub(crate) const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }
}

impl BitOr for Flags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, name) in Self::NAMED {
            if self.contains(flag) {
                write!(formatter, "{separator}{name}")?;
                separator = "|";
            }
        }
        if self.is_empty() { formatter.write_str("none") } else { Ok(()) }
    }
}
