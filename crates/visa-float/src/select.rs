//! FMIN and FMAX: IEEE 754-2019 minimumNumber and maximumNumber, as version 2.2 of the F extension asks.
//!
//! A NaN loses against a number, -0 is below +0, two NaNs give the canonical one, and a signaling NaN raises
//! NV whatever the result.

use crate::{Flags, pattern};

macro_rules! minimum_maximum {
    ($bits:ident, $signed:ident, $min:ident, $max:ident,
     $is_nan:ident, $is_signaling_nan:ident, $canonical:ident) => {
        /// FMIN: the smaller one, a number rather than a NaN, -0 rather than +0.
        #[inline]
        pub fn $min(a: $bits, b: $bits) -> ($bits, Flags) {
            let flags = Flags::NV.when(pattern::$is_signaling_nan(a) || pattern::$is_signaling_nan(b));
            (pick(a, b, pattern::$is_nan, pattern::$canonical, |a, b| order(a) < order(b)), flags)
        }

        /// FMAX: the larger one, a number rather than a NaN, +0 rather than -0.
        #[inline]
        pub fn $max(a: $bits, b: $bits) -> ($bits, Flags) {
            let flags = Flags::NV.when(pattern::$is_signaling_nan(a) || pattern::$is_signaling_nan(b));
            (pick(a, b, pattern::$is_nan, pattern::$canonical, |a, b| order(a) > order(b)), flags)
        }

        /// A key that orders all patterns but NaNs as their values, -0 below +0: sign and magnitude turned
        /// into two's complement.
        #[inline]
        fn order(a: $bits) -> $signed {
            let a = a as $signed;
            if a < 0 { $signed::MIN.wrapping_sub(a).wrapping_sub(1) } else { a }
        }
    };
}

/// The operand that `better` prefers among numbers; a number rather than a NaN.
#[inline]
fn pick<T: Copy>(a: T, b: T, is_nan: fn(T) -> bool, canonical: T, better: impl Fn(T, T) -> bool) -> T {
    match (is_nan(a), is_nan(b)) {
        (true, true) => canonical,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            if better(a, b) {
                a
            } else {
                b
            }
        }
    }
}

mod single {
    use super::{Flags, pattern, pick};
    minimum_maximum!(u32, i32, min_f32, max_f32, is_nan_f32, is_signaling_nan_f32, CANONICAL_NAN_F32);
}

mod double {
    use super::{Flags, pattern, pick};
    minimum_maximum!(u64, i64, min_f64, max_f64, is_nan_f64, is_signaling_nan_f64, CANONICAL_NAN_F64);
}

pub use double::{max_f64, min_f64};
pub use single::{max_f32, min_f32};
