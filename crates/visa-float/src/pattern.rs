//! What only looks at the bits of a value: NaN boxes, sign injection, classes. None of it raises a flag.

/// The sign bit of binary32.
pub const SIGN_F32: u32 = 1 << 31;
/// The sign bit of binary64.
pub const SIGN_F64: u64 = 1 << 63;

/// The NaN that every operation on binary32 yields: positive, quiet, no payload.
pub const CANONICAL_NAN_F32: u32 = 0x7fc0_0000;
/// The NaN that every operation on binary64 yields: positive, quiet, no payload.
pub const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;

/// The upper half of an F register that holds a binary32 value: all ones.
const BOX: u64 = 0xffff_ffff_0000_0000;

/// A binary32 value as a 64-bit F register holds it: below 32 ones.
#[inline]
pub const fn box_f32(value: u32) -> u64 {
    BOX | value as u64
}

/// The binary32 value that an instruction reads from an F register: the canonical NaN unless it is boxed.
///
/// FSW, FMV.X.W and FSD do not look: they take the register's bits as they are.
#[inline]
pub const fn unbox_f32(register: u64) -> u32 {
    if register & BOX == BOX { register as u32 } else { CANONICAL_NAN_F32 }
}

/// The ten classes of FCLASS; a result holds exactly one of these bits.
pub mod class {
    /// Minus infinity.
    pub const NEGATIVE_INFINITY: u64 = 1 << 0;
    /// A negative normal number.
    pub const NEGATIVE_NORMAL: u64 = 1 << 1;
    /// A negative subnormal number.
    pub const NEGATIVE_SUBNORMAL: u64 = 1 << 2;
    /// Minus zero.
    pub const NEGATIVE_ZERO: u64 = 1 << 3;
    /// Plus zero.
    pub const POSITIVE_ZERO: u64 = 1 << 4;
    /// A positive subnormal number.
    pub const POSITIVE_SUBNORMAL: u64 = 1 << 5;
    /// A positive normal number.
    pub const POSITIVE_NORMAL: u64 = 1 << 6;
    /// Plus infinity.
    pub const POSITIVE_INFINITY: u64 = 1 << 7;
    /// A signaling NaN.
    pub const SIGNALING_NAN: u64 = 1 << 8;
    /// A quiet NaN.
    pub const QUIET_NAN: u64 = 1 << 9;
}

macro_rules! bit_patterns {
    ($bits:ident, $sign:ident, $exponent:literal, $quiet:literal,
     $sgnj:ident, $sgnjn:ident, $sgnjx:ident, $is_nan:ident, $is_signaling_nan:ident, $classify:ident) => {
        /// FSGNJ: the magnitude of `a` with the sign of `b`.
        #[inline]
        pub const fn $sgnj(a: $bits, b: $bits) -> $bits {
            (a & !$sign) | (b & $sign)
        }

        /// FSGNJN: the magnitude of `a` with the opposite of the sign of `b`.
        #[inline]
        pub const fn $sgnjn(a: $bits, b: $bits) -> $bits {
            (a & !$sign) | (!b & $sign)
        }

        /// FSGNJX: `a` with its sign flipped if `b` is negative.
        #[inline]
        pub const fn $sgnjx(a: $bits, b: $bits) -> $bits {
            a ^ (b & $sign)
        }

        /// Whether the pattern is a NaN of either kind.
        #[inline]
        pub const fn $is_nan(a: $bits) -> bool {
            a & !$sign > $exponent
        }

        /// Whether the pattern is a signaling NaN.
        #[inline]
        pub const fn $is_signaling_nan(a: $bits) -> bool {
            $is_nan(a) && a & $quiet == 0
        }

        /// FCLASS: one bit of [`class`].
        #[inline]
        pub const fn $classify(a: $bits) -> u64 {
            let negative = a & $sign != 0;
            let magnitude = a & !$sign;
            if $is_signaling_nan(a) {
                class::SIGNALING_NAN
            } else if $is_nan(a) {
                class::QUIET_NAN
            } else if magnitude == $exponent {
                if negative { class::NEGATIVE_INFINITY } else { class::POSITIVE_INFINITY }
            } else if magnitude == 0 {
                if negative { class::NEGATIVE_ZERO } else { class::POSITIVE_ZERO }
            } else if magnitude & $exponent == 0 {
                if negative { class::NEGATIVE_SUBNORMAL } else { class::POSITIVE_SUBNORMAL }
            } else if negative {
                class::NEGATIVE_NORMAL
            } else {
                class::POSITIVE_NORMAL
            }
        }
    };
}

bit_patterns!(
    u32,
    SIGN_F32,
    0x7f80_0000,
    0x0040_0000,
    sgnj_f32,
    sgnjn_f32,
    sgnjx_f32,
    is_nan_f32,
    is_signaling_nan_f32,
    classify_f32
);
bit_patterns!(
    u64,
    SIGN_F64,
    0x7ff0_0000_0000_0000,
    0x0008_0000_0000_0000,
    sgnj_f64,
    sgnjn_f64,
    sgnjx_f64,
    is_nan_f64,
    is_signaling_nan_f64,
    classify_f64
);
