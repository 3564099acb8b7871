//! Results and flags derived by hand from IEEE 754 and the F and D chapters of the RISC-V manual.

use visa_float::RoundingMode::{Down, NearestEven, NearestMaxMagnitude, TowardsZero, Up};
use visa_float::*;

const ONE: u32 = 0x3f80_0000;
const INFINITY: u32 = 0x7f80_0000;
const LARGEST: u32 = 0x7f7f_ffff;
const SMALLEST_NORMAL: u32 = 0x0080_0000;
const QUIET: u32 = 0x7fc0_1234;
const SIGNALING: u32 = 0x7f80_0001;
const MINUS_ZERO: u32 = SIGN_F32;

const ONE_D: u64 = 0x3ff0_0000_0000_0000;
const INFINITY_D: u64 = 0x7ff0_0000_0000_0000;
const QUIET_D: u64 = 0xfff8_0000_0000_4321;
const SIGNALING_D: u64 = 0x7ff0_0000_0000_0001;

fn single(value: f32) -> u32 {
    value.to_bits()
}

fn double(value: f64) -> u64 {
    value.to_bits()
}

#[test]
fn rounding_mode_of_an_instruction() {
    for rounding in RoundingMode::ALL {
        assert_eq!(RoundingMode::resolve(rounding.bits(), 7), Some(rounding));
        assert_eq!(RoundingMode::resolve(RoundingMode::DYNAMIC, rounding.bits()), Some(rounding));
    }
    for reserved in [5, 6] {
        assert_eq!(RoundingMode::resolve(reserved, 0), None);
        assert_eq!(RoundingMode::resolve(RoundingMode::DYNAMIC, reserved), None);
    }
    assert_eq!(RoundingMode::resolve(RoundingMode::DYNAMIC, RoundingMode::DYNAMIC), None);
}

#[test]
fn flags_have_the_bits_of_fflags() {
    assert_eq!(
        [Flags::NX, Flags::UF, Flags::OF, Flags::DZ, Flags::NV].map(Flags::bits),
        [0x01, 0x02, 0x04, 0x08, 0x10]
    );
    assert_eq!(Flags::from_bits_truncate(0xff), Flags::ALL);
    assert_eq!(format!("{:?} {:?}", Flags::OF | Flags::NX, Flags::NONE), "OF|NX none");
}

#[test]
fn overflow_goes_to_infinity_or_to_the_largest_number() {
    let double_of = |value, rounding| add_f32(value, value, rounding);
    let flags = Flags::OF | Flags::NX;
    for (rounding, positive, negative) in [
        (NearestEven, INFINITY, INFINITY | SIGN_F32),
        (NearestMaxMagnitude, INFINITY, INFINITY | SIGN_F32),
        (TowardsZero, LARGEST, LARGEST | SIGN_F32),
        (Down, LARGEST, INFINITY | SIGN_F32),
        (Up, INFINITY, LARGEST | SIGN_F32),
    ] {
        assert_eq!(double_of(LARGEST, rounding), (positive, flags), "{rounding:?}");
        assert_eq!(double_of(LARGEST | SIGN_F32, rounding), (negative, flags), "{rounding:?}");
    }
}

#[test]
fn underflow_is_detected_after_rounding() {
    // The smallest normal times (1 - 2^-24) has 24 significant bits, so with the exponent unbounded it needs no
    // rounding and is tiny, though RNE then ties up to the smallest normal.
    let below_one = 0x3f7f_ffff;
    assert_eq!(mul_f32(SMALLEST_NORMAL, below_one, NearestEven), (SMALLEST_NORMAL, Flags::UF | Flags::NX));
    assert_eq!(
        mul_f32(SMALLEST_NORMAL, below_one, TowardsZero),
        (SMALLEST_NORMAL - 1, Flags::UF | Flags::NX)
    );
    // (1 + 2^-23) * (smallest normal - 1 step) = 2^-126 * (1 - 2^-46): with the precision kept at 24 bits and
    // the exponent unbounded this rounds to 2^-126 in RNE: not tiny, only inexact.
    assert_eq!(mul_f32(ONE + 1, SMALLEST_NORMAL - 1, NearestEven), (SMALLEST_NORMAL, Flags::NX));
    // Exact subnormal results raise nothing.
    assert_eq!(mul_f32(SMALLEST_NORMAL, single(0.5), NearestEven), (0x0040_0000, Flags::NONE));
}

#[test]
fn division_by_zero_and_invalid_operations() {
    let invalid = (CANONICAL_NAN_F32, Flags::NV);
    assert_eq!(div_f32(ONE, MINUS_ZERO, NearestEven), (INFINITY | SIGN_F32, Flags::DZ));
    assert_eq!(div_f32(INFINITY, 0, NearestEven), (INFINITY, Flags::NONE));
    assert_eq!(div_f32(0, 0, NearestEven), invalid);
    assert_eq!(div_f32(INFINITY, INFINITY, NearestEven), invalid);
    assert_eq!(sub_f32(INFINITY, INFINITY, NearestEven), invalid);
    assert_eq!(mul_f32(INFINITY, MINUS_ZERO, NearestEven), invalid);
    assert_eq!(sqrt_f32(single(-1.0), NearestEven), invalid);
    assert_eq!(sqrt_f32(MINUS_ZERO, NearestEven), (MINUS_ZERO, Flags::NONE));
    assert_eq!(add_f32(QUIET, ONE, NearestEven), (CANONICAL_NAN_F32, Flags::NONE));
    assert_eq!(add_f32(QUIET, SIGNALING, NearestEven), invalid);
    assert_eq!(div_f64(ONE_D, 0, NearestEven), (INFINITY_D, Flags::DZ));
    assert_eq!(mul_f64(QUIET_D, ONE_D, NearestEven), (CANONICAL_NAN_F64, Flags::NONE));
    assert_eq!(mul_f64(SIGNALING_D, QUIET_D, NearestEven), (CANONICAL_NAN_F64, Flags::NV));
}

#[test]
fn exact_zero_sums_take_their_sign_from_the_mode() {
    for rounding in RoundingMode::ALL {
        let zero = if rounding == Down { MINUS_ZERO } else { 0 };
        assert_eq!(sub_f32(ONE, ONE, rounding), (zero, Flags::NONE), "{rounding:?}");
        assert_eq!(add_f32(MINUS_ZERO, MINUS_ZERO, rounding), (MINUS_ZERO, Flags::NONE));
        assert_eq!(fmsub_f32(ONE, ONE, ONE, rounding), (zero, Flags::NONE), "{rounding:?}");
    }
}

#[test]
fn fused_operations_round_once() {
    // (1 + 2^-23)^2 - (1 + 2^-22) = 2^-46, which a rounded product would lose.
    let square = (ONE + 1, ONE + 1);
    assert_eq!(fmsub_f32(square.0, square.1, ONE + 2, NearestEven), (single(2f32.powi(-46)), Flags::NONE));
    assert_eq!(fnmsub_f32(square.0, square.1, ONE + 2, NearestEven), (single(-2f32.powi(-46)), Flags::NONE));
    // -(2 * 3) - 4
    assert_eq!(fnmadd_f64(double(2.0), double(3.0), double(4.0), NearestEven), (double(-10.0), Flags::NONE));
    // Infinity times zero is invalid even with a quiet NaN added ("F" extension, FMADD).
    assert_eq!(fmadd_f32(INFINITY, 0, QUIET, NearestEven), (CANONICAL_NAN_F32, Flags::NV));
    assert_eq!(fmadd_f64(0, INFINITY_D, QUIET_D, NearestEven), (CANONICAL_NAN_F64, Flags::NV));
    assert_eq!(fmadd_f64(ONE_D, INFINITY_D, QUIET_D, NearestEven), (CANONICAL_NAN_F64, Flags::NONE));
}

#[test]
fn ties_go_where_the_mode_says() {
    // 2^24 + 1 lies half-way between 2^24 and 2^24 + 2; 2^24 + 3 between + 2 and + 4.
    let integer = 1 << 24;
    for (rounding, plus_one, plus_three) in [
        (NearestEven, integer, integer + 4),
        (NearestMaxMagnitude, integer + 2, integer + 4),
        (TowardsZero, integer, integer + 2),
        (Down, integer, integer + 2),
        (Up, integer + 2, integer + 4),
    ] {
        let converted = |value| i32_to_f32(value, rounding);
        assert_eq!(converted(integer + 1), (single(plus_one as f32), Flags::NX), "{rounding:?}");
        assert_eq!(converted(integer + 3), (single(plus_three as f32), Flags::NX), "{rounding:?}");
    }
    assert_eq!(i32_to_f32(-integer - 1, NearestMaxMagnitude).0, single(-((integer + 2) as f32)));
    assert_eq!(i32_to_f32(-integer - 1, Down).0, single(-((integer + 2) as f32)));
    assert_eq!(i32_to_f32(-integer - 1, Up).0, single(-(integer as f32)));
    // 1 + 2^-24 in narrowing: a tie again.
    let tie = double(1.0 + 2f64.powi(-24));
    assert_eq!(f64_to_f32(tie, NearestEven), (ONE, Flags::NX));
    assert_eq!(f64_to_f32(tie, NearestMaxMagnitude), (ONE + 1, Flags::NX));
}

#[test]
fn half_way_integers_in_every_mode() {
    for (value, expected) in [
        (2.5, [2, 2, 2, 3, 3]),
        (3.5, [4, 3, 3, 4, 4]),
        (-2.5, [-2, -2, -3, -2, -3]),
        (-0.5, [0, 0, -1, 0, -1]),
        (0.25, [0, 0, 0, 1, 0]),
    ] {
        for (rounding, expected) in RoundingMode::ALL.into_iter().zip(expected) {
            let flags = Flags::NX;
            assert_eq!(f32_to_i32(single(value), rounding), (expected, flags), "{value} {rounding:?}");
            let value = double(f64::from(value));
            assert_eq!(f64_to_i64(value, rounding), (i64::from(expected), flags), "{value} {rounding:?}");
        }
    }
}

#[test]
fn conversions_to_integers_saturate_with_nv_alone() {
    let invalid = Flags::NV;
    for nan in [QUIET, SIGNALING, QUIET | SIGN_F32, INFINITY] {
        assert_eq!(f32_to_i32(nan, TowardsZero), (i32::MAX, invalid));
        assert_eq!(f32_to_u32(nan, TowardsZero), (u32::MAX, invalid));
        assert_eq!(f32_to_i64(nan, TowardsZero), (i64::MAX, invalid));
        assert_eq!(f32_to_u64(nan, TowardsZero), (u64::MAX, invalid));
    }
    for nan in [QUIET_D, SIGNALING_D, INFINITY_D] {
        assert_eq!(f64_to_i32(nan, Down), (i32::MAX, invalid));
        assert_eq!(f64_to_u32(nan, Down), (u32::MAX, invalid));
        assert_eq!(f64_to_i64(nan, Down), (i64::MAX, invalid));
        assert_eq!(f64_to_u64(nan, Down), (u64::MAX, invalid));
    }
    let minus_infinity = INFINITY_D | SIGN_F64;
    assert_eq!(f64_to_i32(minus_infinity, Up), (i32::MIN, invalid));
    assert_eq!(f64_to_u32(minus_infinity, Up), (0, invalid));
    assert_eq!(f64_to_i64(minus_infinity, Up), (i64::MIN, invalid));
    assert_eq!(f64_to_u64(minus_infinity, Up), (0, invalid));
    // One beyond each end.
    assert_eq!(f64_to_i32(double(2147483648.0), TowardsZero), (i32::MAX, invalid));
    assert_eq!(f64_to_i32(double(-2147483649.0), TowardsZero), (i32::MIN, invalid));
    assert_eq!(f64_to_u32(double(4294967296.0), TowardsZero), (u32::MAX, invalid));
    assert_eq!(f64_to_u32(double(-1.0), TowardsZero), (0, invalid));
    // Beyond the end before rounding, inside it after.
    assert_eq!(f64_to_i32(double(2147483647.5), TowardsZero), (i32::MAX, Flags::NX));
    assert_eq!(f64_to_i32(double(2147483647.5), NearestEven), (i32::MAX, invalid));
    assert_eq!(f64_to_u32(double(-0.75), TowardsZero), (0, Flags::NX));
    assert_eq!(f64_to_u32(double(-0.75), Down), (0, invalid));
    assert_eq!(f32_to_u64(single(-0.25), NearestEven), (0, Flags::NX));
}

#[test]
fn conversions_between_formats() {
    assert_eq!(f32_to_f64(ONE), (ONE_D, Flags::NONE));
    assert_eq!(f32_to_f64(QUIET), (CANONICAL_NAN_F64, Flags::NONE));
    assert_eq!(f32_to_f64(SIGNALING | SIGN_F32), (CANONICAL_NAN_F64, Flags::NV));
    // The smallest subnormal single, 2^-149, is a normal double.
    assert_eq!(f32_to_f64(1), (double(2f64.powi(-149)), Flags::NONE));
    assert_eq!(f64_to_f32(SIGNALING_D, NearestEven), (CANONICAL_NAN_F32, Flags::NV));
    assert_eq!(f64_to_f32(QUIET_D, NearestEven), (CANONICAL_NAN_F32, Flags::NONE));
    assert_eq!(f64_to_f32(double(1e300), NearestEven), (INFINITY, Flags::OF | Flags::NX));
    assert_eq!(f64_to_f32(double(1e-300), Up), (1, Flags::UF | Flags::NX));
    assert_eq!(f64_to_f32(double(-1e-300), Up), (MINUS_ZERO, Flags::UF | Flags::NX));
}

#[test]
fn feq_is_quiet_and_flt_and_fle_are_signaling() {
    assert_eq!(eq_f32(QUIET, ONE), (false, Flags::NONE));
    assert_eq!(eq_f32(ONE, SIGNALING), (false, Flags::NV));
    assert_eq!(lt_f32(QUIET, ONE), (false, Flags::NV));
    assert_eq!(le_f32(ONE, QUIET), (false, Flags::NV));
    assert_eq!(eq_f64(QUIET_D, QUIET_D), (false, Flags::NONE));
    assert_eq!(le_f64(QUIET_D, QUIET_D), (false, Flags::NV));
    assert_eq!(lt_f64(SIGNALING_D, ONE_D), (false, Flags::NV));
    assert_eq!(eq_f32(0, MINUS_ZERO), (true, Flags::NONE));
    assert_eq!(lt_f32(MINUS_ZERO, 0), (false, Flags::NONE));
    assert_eq!(le_f32(0, MINUS_ZERO), (true, Flags::NONE));
}

#[test]
fn minimum_and_maximum_prefer_numbers_and_order_zeros() {
    for (a, b) in [(0, MINUS_ZERO), (MINUS_ZERO, 0)] {
        assert_eq!(min_f32(a, b), (MINUS_ZERO, Flags::NONE));
        assert_eq!(max_f32(a, b), (0, Flags::NONE));
    }
    for (a, b) in [(0, SIGN_F64), (SIGN_F64, 0)] {
        assert_eq!(min_f64(a, b), (SIGN_F64, Flags::NONE));
        assert_eq!(max_f64(a, b), (0, Flags::NONE));
    }
    assert_eq!(min_f32(QUIET, ONE), (ONE, Flags::NONE));
    assert_eq!(max_f32(ONE, QUIET), (ONE, Flags::NONE));
    assert_eq!(min_f32(ONE, SIGNALING), (ONE, Flags::NV));
    assert_eq!(max_f32(SIGNALING, ONE), (ONE, Flags::NV));
    assert_eq!(max_f32(QUIET, SIGNALING), (CANONICAL_NAN_F32, Flags::NV));
    assert_eq!(min_f64(QUIET_D, QUIET_D), (CANONICAL_NAN_F64, Flags::NONE));
    assert_eq!(max_f64(SIGNALING_D, ONE_D), (ONE_D, Flags::NV));
    assert_eq!(min_f32(INFINITY | SIGN_F32, single(-1.0)), (INFINITY | SIGN_F32, Flags::NONE));
    assert_eq!(max_f32(single(-2.0), single(-1.0)), (single(-1.0), Flags::NONE));
}

#[test]
fn nan_boxes() {
    assert_eq!(box_f32(ONE), 0xffff_ffff_3f80_0000);
    assert_eq!(unbox_f32(0xffff_ffff_3f80_0000), ONE);
    assert_eq!(unbox_f32(0xffff_fffe_3f80_0000), CANONICAL_NAN_F32);
    assert_eq!(unbox_f32(0x0000_0000_3f80_0000), CANONICAL_NAN_F32);
    assert_eq!(unbox_f32(box_f32(SIGNALING)), SIGNALING);
}

#[test]
fn sign_injection_keeps_nan_payloads() {
    assert_eq!(sgnj_f32(SIGNALING, MINUS_ZERO), SIGNALING | SIGN_F32);
    assert_eq!(sgnjn_f32(ONE, ONE), ONE | SIGN_F32);
    assert_eq!(sgnjx_f32(ONE | SIGN_F32, ONE | SIGN_F32), ONE);
    assert_eq!(sgnj_f64(ONE_D, QUIET_D), ONE_D | SIGN_F64);
    assert_eq!(sgnjn_f64(ONE_D | SIGN_F64, SIGN_F64), ONE_D);
    assert_eq!(sgnjx_f64(ONE_D, SIGN_F64), ONE_D | SIGN_F64);
}

#[test]
fn classes_in_the_order_of_their_bits() {
    let singles = [
        INFINITY | SIGN_F32,
        ONE | SIGN_F32,
        SIGN_F32 | 1,
        MINUS_ZERO,
        0,
        SMALLEST_NORMAL - 1,
        SMALLEST_NORMAL,
        INFINITY,
        SIGNALING | SIGN_F32,
        QUIET,
    ];
    let doubles = [
        INFINITY_D | SIGN_F64,
        0x8010_0000_0000_0000,
        0x800f_ffff_ffff_ffff,
        SIGN_F64,
        0,
        1,
        ONE_D,
        INFINITY_D,
        SIGNALING_D,
        QUIET_D,
    ];
    for (bit, (a, b)) in singles.into_iter().zip(doubles).enumerate() {
        assert_eq!(classify_f32(a), 1 << bit, "{a:08x}");
        assert_eq!(classify_f64(b), 1 << bit, "{b:016x}");
    }
}
