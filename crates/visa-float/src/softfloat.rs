//! Everything that rounds, and the compares: Berkeley SoftFloat behind safe functions.
//!
//! This is the only module with `unsafe` code. SoftFloat is built in its RISC-V specialisation, which yields
//! canonical NaNs, detects tininess after rounding, and saturates conversions to integers as RISC-V defines.
//! It takes the rounding mode from, and leaves its flags in, variables that are compiled as `_Thread_local`;
//! `with_state` sets and reads them around every single operation, so no state outlives a call and two
//! threads never see each other's.

use crate::{Flags, RoundingMode};
use softfloat_sys as soft;

/// What SoftFloat's variables mean is what fcsr's fields mean, so both pass unchanged.
const _: () = {
    assert!(soft::softfloat_round_near_even == RoundingMode::NearestEven.bits());
    assert!(soft::softfloat_round_minMag == RoundingMode::TowardsZero.bits());
    assert!(soft::softfloat_round_min == RoundingMode::Down.bits());
    assert!(soft::softfloat_round_max == RoundingMode::Up.bits());
    assert!(soft::softfloat_round_near_maxMag == RoundingMode::NearestMaxMagnitude.bits());
    assert!(soft::softfloat_flag_inexact == Flags::NX.bits());
    assert!(soft::softfloat_flag_underflow == Flags::UF.bits());
    assert!(soft::softfloat_flag_overflow == Flags::OF.bits());
    assert!(soft::softfloat_flag_infinite == Flags::DZ.bits());
    assert!(soft::softfloat_flag_invalid == Flags::NV.bits());
};

/// Runs one SoftFloat operation with this rounding mode, and collects the flags that it raised.
#[inline]
fn with_state<T>(rounding: RoundingMode, operation: impl FnOnce() -> T) -> (T, Flags) {
    // SAFETY: the helpers store one byte each into variables of the calling thread; every RoundingMode is a
    // mode that SoftFloat knows (checked above).
    unsafe {
        soft::softfloat_roundingMode_write_helper(rounding.bits());
        soft::softfloat_exceptionFlags_write_helper(0);
    }
    let value = operation();
    // SAFETY: the helper loads one byte from a variable of the calling thread.
    let raised = unsafe { soft::softfloat_exceptionFlags_read_helper() };
    (value, Flags::from_bits_truncate(raised))
}

/// Operations on values of one format that round to the same format.
macro_rules! arithmetic {
    ($($(#[$doc:meta])* $name:ident: $bits:ident as $float:ident, $function:ident($($operand:ident),+);)+) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name($($operand: $bits,)+ rounding: RoundingMode) -> ($bits, Flags) {
            // SAFETY: SoftFloat's function takes and returns plain values, accepts every bit pattern, and
            // touches no memory but its thread's own variables.
            with_state(rounding, || unsafe { soft::$function($(soft::$float { v: $operand }),+).v })
        }
    )+};
}

arithmetic! {
    /// FADD.S: `a + b`.
    add_f32: u32 as float32_t, f32_add(a, b);
    /// FSUB.S: `a - b`.
    sub_f32: u32 as float32_t, f32_sub(a, b);
    /// FMUL.S: `a * b`.
    mul_f32: u32 as float32_t, f32_mul(a, b);
    /// FDIV.S: `a / b`.
    div_f32: u32 as float32_t, f32_div(a, b);
    /// FSQRT.S: the square root of `a`.
    sqrt_f32: u32 as float32_t, f32_sqrt(a);
    /// FMADD.S: `a * b + c`, rounded once. Infinity times zero is invalid even if `c` is a quiet NaN.
    fmadd_f32: u32 as float32_t, f32_mulAdd(a, b, c);
    /// FADD.D: `a + b`.
    add_f64: u64 as float64_t, f64_add(a, b);
    /// FSUB.D: `a - b`.
    sub_f64: u64 as float64_t, f64_sub(a, b);
    /// FMUL.D: `a * b`.
    mul_f64: u64 as float64_t, f64_mul(a, b);
    /// FDIV.D: `a / b`.
    div_f64: u64 as float64_t, f64_div(a, b);
    /// FSQRT.D: the square root of `a`.
    sqrt_f64: u64 as float64_t, f64_sqrt(a);
    /// FMADD.D: `a * b + c`, rounded once. Infinity times zero is invalid even if `c` is a quiet NaN.
    fmadd_f64: u64 as float64_t, f64_mulAdd(a, b, c);
}

/// The other three of the fused family are FMADD with signs flipped before the one rounding; flipping a
/// NaN's sign changes nothing, because NaN results are canonical.
macro_rules! fused {
    ($bits:ident, $sign:path, $fmadd:ident, $fmsub:ident, $fnmsub:ident, $fnmadd:ident) => {
        /// FMSUB: `a * b - c`, rounded once.
        #[inline]
        pub fn $fmsub(a: $bits, b: $bits, c: $bits, rounding: RoundingMode) -> ($bits, Flags) {
            $fmadd(a, b, c ^ $sign, rounding)
        }

        /// FNMSUB: `-(a * b) + c`, rounded once.
        #[inline]
        pub fn $fnmsub(a: $bits, b: $bits, c: $bits, rounding: RoundingMode) -> ($bits, Flags) {
            $fmadd(a ^ $sign, b, c, rounding)
        }

        /// FNMADD: `-(a * b) - c`, rounded once.
        #[inline]
        pub fn $fnmadd(a: $bits, b: $bits, c: $bits, rounding: RoundingMode) -> ($bits, Flags) {
            $fmadd(a ^ $sign, b, c ^ $sign, rounding)
        }
    };
}

fused!(u32, crate::pattern::SIGN_F32, fmadd_f32, fmsub_f32, fnmsub_f32, fnmadd_f32);
fused!(u64, crate::pattern::SIGN_F64, fmadd_f64, fmsub_f64, fnmsub_f64, fnmadd_f64);

/// Compares. They do not round; the mode is there only because SoftFloat wants one.
macro_rules! compare {
    ($($(#[$doc:meta])* $name:ident: $bits:ident as $float:ident, $function:ident;)+) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(a: $bits, b: $bits) -> (bool, Flags) {
            let (a, b) = (soft::$float { v: a }, soft::$float { v: b });
            // SAFETY: as for the arithmetic: plain values in and out, every bit pattern accepted.
            with_state(RoundingMode::NearestEven, || unsafe { soft::$function(a, b) })
        }
    )+};
}

compare! {
    /// FEQ.S: a quiet compare; NV for a signaling NaN only. False if either operand is a NaN.
    eq_f32: u32 as float32_t, f32_eq;
    /// FLT.S: a signaling compare; NV for every NaN. False if either operand is a NaN.
    lt_f32: u32 as float32_t, f32_lt;
    /// FLE.S: a signaling compare; NV for every NaN. False if either operand is a NaN.
    le_f32: u32 as float32_t, f32_le;
    /// FEQ.D: a quiet compare; NV for a signaling NaN only. False if either operand is a NaN.
    eq_f64: u64 as float64_t, f64_eq;
    /// FLT.D: a signaling compare; NV for every NaN. False if either operand is a NaN.
    lt_f64: u64 as float64_t, f64_lt;
    /// FLE.D: a signaling compare; NV for every NaN. False if either operand is a NaN.
    le_f64: u64 as float64_t, f64_le;
}

/// Conversions to integers: a NaN and what lies above yield the largest value, what lies below the smallest,
/// with NV and without NX.
macro_rules! to_integer {
    ($($(#[$doc:meta])* $name:ident: $bits:ident as $float:ident, $function:ident -> $integer:ident;)+) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(a: $bits, rounding: RoundingMode) -> ($integer, Flags) {
            const REPORT_INEXACT: bool = true;
            let a = soft::$float { v: a };
            // SAFETY: as for the arithmetic: plain values in and out, every bit pattern accepted.
            // SoftFloat returns its "fast" integer type, which is at least as wide and holds a value in range.
            with_state(rounding, || unsafe {
                soft::$function(a, rounding.bits(), REPORT_INEXACT) as $integer
            })
        }
    )+};
}

to_integer! {
    /// FCVT.W.S
    f32_to_i32: u32 as float32_t, f32_to_i32 -> i32;
    /// FCVT.WU.S; the instruction sign-extends its 32-bit result like any other.
    f32_to_u32: u32 as float32_t, f32_to_ui32 -> u32;
    /// FCVT.L.S
    f32_to_i64: u32 as float32_t, f32_to_i64 -> i64;
    /// FCVT.LU.S
    f32_to_u64: u32 as float32_t, f32_to_ui64 -> u64;
    /// FCVT.W.D
    f64_to_i32: u64 as float64_t, f64_to_i32 -> i32;
    /// FCVT.WU.D; the instruction sign-extends its 32-bit result like any other.
    f64_to_u32: u64 as float64_t, f64_to_ui32 -> u32;
    /// FCVT.L.D
    f64_to_i64: u64 as float64_t, f64_to_i64 -> i64;
    /// FCVT.LU.D
    f64_to_u64: u64 as float64_t, f64_to_ui64 -> u64;
}

/// Conversions from integers.
macro_rules! from_integer {
    ($($(#[$doc:meta])* $name:ident: $integer:ident, $function:ident -> $bits:ident;)+) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(a: $integer, rounding: RoundingMode) -> ($bits, Flags) {
            // SAFETY: as for the arithmetic: plain values in and out, every integer accepted.
            with_state(rounding, || unsafe { soft::$function(a).v })
        }
    )+};
}

from_integer! {
    /// FCVT.S.W
    i32_to_f32: i32, i32_to_f32 -> u32;
    /// FCVT.S.WU
    u32_to_f32: u32, ui32_to_f32 -> u32;
    /// FCVT.S.L
    i64_to_f32: i64, i64_to_f32 -> u32;
    /// FCVT.S.LU
    u64_to_f32: u64, ui64_to_f32 -> u32;
    /// FCVT.D.W; always exact.
    i32_to_f64: i32, i32_to_f64 -> u64;
    /// FCVT.D.WU; always exact.
    u32_to_f64: u32, ui32_to_f64 -> u64;
    /// FCVT.D.L
    i64_to_f64: i64, i64_to_f64 -> u64;
    /// FCVT.D.LU
    u64_to_f64: u64, ui64_to_f64 -> u64;
}

/// FCVT.S.D: narrows, and rounds.
#[inline]
pub fn f64_to_f32(a: u64, rounding: RoundingMode) -> (u32, Flags) {
    // SAFETY: as for the arithmetic: plain values in and out, every bit pattern accepted.
    with_state(rounding, || unsafe { soft::f64_to_f32(soft::float64_t { v: a }).v })
}

/// FCVT.D.S: widens; exact, so it takes no rounding mode. NV for a signaling NaN.
#[inline]
pub fn f32_to_f64(a: u32) -> (u64, Flags) {
    // SAFETY: as for the arithmetic: plain values in and out, every bit pattern accepted.
    with_state(RoundingMode::NearestEven, || unsafe { soft::f32_to_f64(soft::float32_t { v: a }).v })
}
