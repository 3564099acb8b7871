//! The host's SSE unit as oracle for flags and directed rounding: it has four of the five rounding modes, detects
//! tininess after rounding as RISC-V does, and raises the same flags (its denormal flag apart).
#![cfg(target_arch = "x86_64")]

use std::arch::asm;
use visa_float::*;

const CASES: u32 = 400_000;
const MODES: [RoundingMode; 4] =
    [RoundingMode::NearestEven, RoundingMode::TowardsZero, RoundingMode::Down, RoundingMode::Up];

/// MXCSR with all exceptions masked, this rounding mode, and no flags raised.
fn mxcsr(rounding: RoundingMode) -> u32 {
    const ALL_MASKED: u32 = 0x1f80;
    let control = match rounding {
        RoundingMode::NearestEven => 0,
        RoundingMode::Down => 1,
        RoundingMode::Up => 2,
        RoundingMode::TowardsZero => 3,
        RoundingMode::NearestMaxMagnitude => unreachable!("SSE does not have it"),
    };
    ALL_MASKED | control << 13
}

/// MXCSR's flags in the places of fflags; the denormal flag (bit 1) has none.
fn flags(mxcsr: u32) -> Flags {
    const PAIRS: [(u32, Flags); 5] =
        [(0, Flags::NV), (2, Flags::DZ), (3, Flags::OF), (4, Flags::UF), (5, Flags::NX)];
    let mut flags = Flags::NONE;
    for (bit, flag) in PAIRS {
        if mxcsr >> bit & 1 != 0 {
            flags |= flag;
        }
    }
    flags
}

/// One SSE instruction on up to three operands, under an MXCSR of its own.
macro_rules! sse {
    ($name:ident, $bits:ident, $load:literal, $store:literal, $instruction:literal) => {
        fn $name(a: $bits, b: $bits, c: $bits, rounding: RoundingMode) -> ($bits, Flags) {
            let (mut state, mut saved, mut result) = (mxcsr(rounding), 0u32, 0 as $bits);
            // SAFETY: the operands and the three variables are read and written through pointers to them; MXCSR is put
            // back before the block ends, and the registers that it changes are declared.
            unsafe {
                asm!(
                    "stmxcsr [{saved}]",
                    "ldmxcsr [{state}]",
                    concat!($load, " xmm0, [{a}]"),
                    concat!($load, " xmm1, [{b}]"),
                    concat!($load, " xmm2, [{c}]"),
                    $instruction,
                    concat!($store, " [{result}], xmm0"),
                    "stmxcsr [{state}]",
                    "ldmxcsr [{saved}]",
                    saved = in(reg) &mut saved, state = in(reg) &mut state, result = in(reg) &mut result,
                    a = in(reg) &a, b = in(reg) &b, c = in(reg) &c,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _,
                );
            }
            (result, flags(state))
        }
    };
}

sse!(sse_add_f32, u32, "movss", "movss", "addss xmm0, xmm1");
sse!(sse_sub_f32, u32, "movss", "movss", "subss xmm0, xmm1");
sse!(sse_mul_f32, u32, "movss", "movss", "mulss xmm0, xmm1");
sse!(sse_div_f32, u32, "movss", "movss", "divss xmm0, xmm1");
sse!(sse_sqrt_f32, u32, "movss", "movss", "sqrtss xmm0, xmm0");
sse!(sse_fma_f32, u32, "movss", "movss", "vfmadd213ss xmm0, xmm1, xmm2");
sse!(sse_add_f64, u64, "movsd", "movsd", "addsd xmm0, xmm1");
sse!(sse_sub_f64, u64, "movsd", "movsd", "subsd xmm0, xmm1");
sse!(sse_mul_f64, u64, "movsd", "movsd", "mulsd xmm0, xmm1");
sse!(sse_div_f64, u64, "movsd", "movsd", "divsd xmm0, xmm1");
sse!(sse_sqrt_f64, u64, "movsd", "movsd", "sqrtsd xmm0, xmm0");
sse!(sse_fma_f64, u64, "movsd", "movsd", "vfmadd213sd xmm0, xmm1, xmm2");
// The result is a single in the low half of the register; the other half keeps the operand's bits.
sse!(sse_narrow, u64, "movsd", "movsd", "cvtsd2ss xmm0, xmm0");

/// Operands near the ends of the ranges of exponents, where overflow and underflow are decided, and anything.
struct Operands(u64);

impl Operands {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn value(&mut self, exponent_bits: u32, fraction_bits: u32) -> u64 {
        let random = self.next();
        let largest_exponent = (1u64 << exponent_bits) - 1;
        let half = largest_exponent / 2;
        let exponent = match random % 8 {
            0 => 0,
            1 => 1 + self.next() % 3,
            2 => largest_exponent - self.next() % 4,
            // Halves: their products are at the ends.
            3 => half / 2 + self.next() % 4,
            4 => half + half / 2 - self.next() % 4,
            5 | 6 => half - 2 + self.next() % 4,
            _ => self.next() & largest_exponent,
        };
        let fraction = match random >> 8 & 3 {
            0 => self.next() & 3,
            1 => !(self.next() & 3),
            2 => self.next() & !0 << (fraction_bits / 2),
            _ => self.next(),
        };
        let sign = random >> 63;
        sign << (exponent_bits + fraction_bits)
            | exponent << fraction_bits
            | fraction & ((1 << fraction_bits) - 1)
    }

    fn single(&mut self) -> u32 {
        self.value(8, 23) as u32
    }

    fn double(&mut self) -> u64 {
        self.value(11, 52)
    }
}

#[test]
fn single_arithmetic_with_flags() {
    let has_fma = is_x86_feature_detected!("fma");
    let mut operands = Operands(11);
    for _ in 0..CASES {
        let (a, b, c) = (operands.single(), operands.single(), operands.single());
        for rounding in MODES {
            let check = |name: &str, ours: (u32, Flags), (value, flags): (u32, Flags)| {
                let value = if is_nan_f32(value) { CANONICAL_NAN_F32 } else { value };
                assert_eq!(ours, (value, flags), "{name} {a:08x} {b:08x} {c:08x} {rounding:?}");
            };
            check("add", add_f32(a, b, rounding), sse_add_f32(a, b, c, rounding));
            check("sub", sub_f32(a, b, rounding), sse_sub_f32(a, b, c, rounding));
            check("mul", mul_f32(a, b, rounding), sse_mul_f32(a, b, c, rounding));
            check("div", div_f32(a, b, rounding), sse_div_f32(a, b, c, rounding));
            check("sqrt", sqrt_f32(a, rounding), sse_sqrt_f32(a, b, c, rounding));
            // With a NaN as addend, the host leaves infinity times zero unflagged.
            if has_fma && !is_nan_f32(c) {
                check("fma", fmadd_f32(a, b, c, rounding), sse_fma_f32(a, b, c, rounding));
            }
        }
    }
}

#[test]
fn double_arithmetic_with_flags() {
    let has_fma = is_x86_feature_detected!("fma");
    let mut operands = Operands(12);
    for _ in 0..CASES {
        let (a, b, c) = (operands.double(), operands.double(), operands.double());
        for rounding in MODES {
            let check = |name: &str, ours: (u64, Flags), (value, flags): (u64, Flags)| {
                let value = if is_nan_f64(value) { CANONICAL_NAN_F64 } else { value };
                assert_eq!(ours, (value, flags), "{name} {a:016x} {b:016x} {c:016x} {rounding:?}");
            };
            check("add", add_f64(a, b, rounding), sse_add_f64(a, b, c, rounding));
            check("sub", sub_f64(a, b, rounding), sse_sub_f64(a, b, c, rounding));
            check("mul", mul_f64(a, b, rounding), sse_mul_f64(a, b, c, rounding));
            check("div", div_f64(a, b, rounding), sse_div_f64(a, b, c, rounding));
            check("sqrt", sqrt_f64(a, rounding), sse_sqrt_f64(a, b, c, rounding));
            if has_fma && !is_nan_f64(c) {
                check("fma", fmadd_f64(a, b, c, rounding), sse_fma_f64(a, b, c, rounding));
            }
        }
    }
}

#[test]
fn narrowing_with_flags() {
    const SINGLE_BIAS_OFFSET: u64 = 1023 - 127;
    let mut operands = Operands(13);
    for _ in 0..CASES {
        // Doubles around the ends of the singles' range.
        let exponent = (SINGLE_BIAS_OFFSET - 26 + operands.next() % 300) << 52;
        let a = operands.double() & !(0x7ff << 52) | exponent;
        for a in [a, operands.double()] {
            for rounding in MODES {
                let (value, flags) = sse_narrow(a, 0, 0, rounding);
                let value = value as u32;
                let value = if is_nan_f32(value) { CANONICAL_NAN_F32 } else { value };
                assert_eq!(f64_to_f32(a, rounding), (value, flags), "{a:016x} {rounding:?}");
            }
        }
    }
}
