//! The host's FPU as oracle: values in the rounding mode that every host has, to nearest, ties to even.

use visa_float::*;

const CASES: u32 = 2_000_000;
const RNE: RoundingMode = RoundingMode::NearestEven;

/// A source of operands that meets the interesting ones often: zeros, infinities, NaNs, the ends of the
/// subnormal and normal ranges, near neighbours, and anything at all.
struct Operands(u64);

impl Operands {
    fn next(&mut self) -> u64 {
        // SplitMix64: small, and full-period from any seed.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn single(&mut self) -> u32 {
        const SPECIAL: [u32; 10] = [
            0,
            1,
            0x007f_ffff,
            0x0080_0000,
            0x3f80_0000,
            0x7f7f_ffff,
            0x7f80_0000,
            0x7f80_0001,
            0x7fc0_0000,
            0x4b80_0000,
        ];
        let random = self.next();
        let sign = (random as u32) & SIGN_F32;
        match random >> 61 {
            0 => sign | SPECIAL[(random >> 32) as usize % SPECIAL.len()],
            1 => sign | (SPECIAL[(random >> 32) as usize % SPECIAL.len()].wrapping_add(random as u32 & 3)),
            // Close to one: sums cancel, products and roots tie.
            2 | 3 => sign | (0x3f80_0000 + ((random >> 8) as u32 & 0x01ff_ffff)),
            // Few significant bits: exact results and exact ties.
            4 => (random as u32) & 0xfff8_0000,
            _ => random as u32,
        }
    }

    fn double(&mut self) -> u64 {
        const SPECIAL: [u64; 10] = [
            0,
            1,
            0x000f_ffff_ffff_ffff,
            0x0010_0000_0000_0000,
            0x3ff0_0000_0000_0000,
            0x7fef_ffff_ffff_ffff,
            0x7ff0_0000_0000_0000,
            0x7ff0_0000_0000_0001,
            0x7ff8_0000_0000_0000,
            0x4340_0000_0000_0000,
        ];
        let (random, pattern) = (self.next(), self.next());
        let sign = pattern & SIGN_F64;
        match random >> 61 {
            0 => sign | SPECIAL[random as usize % SPECIAL.len()],
            1 => sign | (SPECIAL[random as usize % SPECIAL.len()].wrapping_add(pattern & 3)),
            2 | 3 => sign | (0x3ff0_0000_0000_0000 + (pattern >> 12)),
            4 => pattern & 0xffff_ff00_0000_0000,
            _ => pattern,
        }
    }
}

fn canonical_single(value: f32) -> u32 {
    if value.is_nan() { CANONICAL_NAN_F32 } else { value.to_bits() }
}

fn canonical_double(value: f64) -> u64 {
    if value.is_nan() { CANONICAL_NAN_F64 } else { value.to_bits() }
}

#[test]
fn single_arithmetic_matches_the_host() {
    let mut operands = Operands(1);
    for _ in 0..CASES {
        let (a, b, c) = (operands.single(), operands.single(), operands.single());
        let (x, y, z) = (f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
        let check = |name: &str, ours: (u32, Flags), host: f32| {
            assert_eq!(ours.0, canonical_single(host), "{name} {a:08x} {b:08x} {c:08x}");
        };
        check("add", add_f32(a, b, RNE), x + y);
        check("sub", sub_f32(a, b, RNE), x - y);
        check("mul", mul_f32(a, b, RNE), x * y);
        check("div", div_f32(a, b, RNE), x / y);
        check("sqrt", sqrt_f32(a, RNE), x.sqrt());
        check("fmadd", fmadd_f32(a, b, c, RNE), x.mul_add(y, z));
        check("fmsub", fmsub_f32(a, b, c, RNE), x.mul_add(y, -z));
        check("fnmsub", fnmsub_f32(a, b, c, RNE), (-x).mul_add(y, z));
        check("fnmadd", fnmadd_f32(a, b, c, RNE), (-x).mul_add(y, -z));
    }
}

#[test]
fn double_arithmetic_matches_the_host() {
    let mut operands = Operands(2);
    for _ in 0..CASES {
        let (a, b, c) = (operands.double(), operands.double(), operands.double());
        let (x, y, z) = (f64::from_bits(a), f64::from_bits(b), f64::from_bits(c));
        let check = |name: &str, ours: (u64, Flags), host: f64| {
            assert_eq!(ours.0, canonical_double(host), "{name} {a:016x} {b:016x} {c:016x}");
        };
        check("add", add_f64(a, b, RNE), x + y);
        check("sub", sub_f64(a, b, RNE), x - y);
        check("mul", mul_f64(a, b, RNE), x * y);
        check("div", div_f64(a, b, RNE), x / y);
        check("sqrt", sqrt_f64(a, RNE), x.sqrt());
        check("fmadd", fmadd_f64(a, b, c, RNE), x.mul_add(y, z));
        check("fmsub", fmsub_f64(a, b, c, RNE), x.mul_add(y, -z));
        check("fnmsub", fnmsub_f64(a, b, c, RNE), (-x).mul_add(y, z));
        check("fnmadd", fnmadd_f64(a, b, c, RNE), (-x).mul_add(y, -z));
    }
}

/// Exactness as the host tells it: NX is down exactly when the double result of two singles, which is exact
/// for a product, equals the single one.
#[test]
fn inexact_single_products_are_flagged() {
    let mut operands = Operands(3);
    for _ in 0..CASES {
        let (a, b) = (operands.single(), operands.single());
        let exact = f64::from(f32::from_bits(a)) * f64::from(f32::from_bits(b));
        if !exact.is_finite() {
            continue;
        }
        for rounding in RoundingMode::ALL {
            let (product, flags) = mul_f32(a, b, rounding);
            let same = f64::from(f32::from_bits(product)) == exact;
            assert_eq!(flags.contains(Flags::NX), !same, "{a:08x} * {b:08x} {rounding:?}");
        }
    }
}

/// The directed modes bracket the exact product, one step apart at most.
#[test]
fn directed_rounding_brackets_the_exact_product() {
    let mut operands = Operands(4);
    for _ in 0..CASES {
        let (a, b) = (operands.single(), operands.single());
        let exact = f64::from(f32::from_bits(a)) * f64::from(f32::from_bits(b));
        if exact.is_nan() {
            continue;
        }
        let value = |rounding| f64::from(f32::from_bits(mul_f32(a, b, rounding).0));
        let (down, up) = (value(RoundingMode::Down), value(RoundingMode::Up));
        assert!(down <= exact && exact <= up, "{a:08x} * {b:08x}: {down} {exact} {up}");
        assert!(f32::from_bits(mul_f32(a, b, RoundingMode::Down).0).next_up() as f64 >= up);
        assert_eq!(value(RoundingMode::TowardsZero), if exact < 0.0 { up } else { down });
        let nearest = value(RoundingMode::NearestMaxMagnitude);
        assert!(nearest == down || nearest == up);
    }
}

#[test]
fn conversions_match_the_host() {
    let mut operands = Operands(5);
    let truncate = RoundingMode::TowardsZero;
    for _ in 0..CASES {
        let (a, b, integer) = (operands.single(), operands.double(), operands.next());
        let integer = integer >> (operands.next() % 64);
        let (x, y) = (f32::from_bits(a), f64::from_bits(b));
        assert_eq!(f32_to_f64(a).0, canonical_double(f64::from(x)));
        assert_eq!(f64_to_f32(b, RNE).0, canonical_single(y as f32), "{b:016x}");
        assert_eq!(i64_to_f64(integer as i64, RNE).0, (integer as i64 as f64).to_bits());
        assert_eq!(u64_to_f64(integer, RNE).0, (integer as f64).to_bits());
        assert_eq!(i64_to_f32(integer as i64, RNE).0, (integer as i64 as f32).to_bits());
        assert_eq!(u64_to_f32(integer, RNE).0, (integer as f32).to_bits());
        assert_eq!(i32_to_f32(integer as i32, RNE).0, (integer as i32 as f32).to_bits());
        assert_eq!(u32_to_f32(integer as u32, RNE).0, (integer as u32 as f32).to_bits());
        assert_eq!(i32_to_f64(integer as i32, RNE), ((integer as i32 as f64).to_bits(), Flags::NONE));
        assert_eq!(u32_to_f64(integer as u32, RNE), ((integer as u32 as f64).to_bits(), Flags::NONE));
        // Rust's `as` saturates like RISC-V, except that a NaN becomes zero.
        if !x.is_nan() {
            assert_eq!(f32_to_i32(a, truncate).0, x as i32);
            assert_eq!(f32_to_u32(a, truncate).0, x as u32);
            assert_eq!(f32_to_i64(a, truncate).0, x as i64);
            assert_eq!(f32_to_u64(a, truncate).0, x as u64);
        }
        if !y.is_nan() {
            assert_eq!(f64_to_i32(b, truncate).0, y as i32);
            assert_eq!(f64_to_u32(b, truncate).0, y as u32);
            assert_eq!(f64_to_i64(b, truncate).0, y as i64);
            assert_eq!(f64_to_u64(b, truncate).0, y as u64);
        }
    }
}

#[test]
fn compares_and_selections_match_the_host() {
    let mut operands = Operands(6);
    for _ in 0..CASES {
        let (a, b) = (operands.single(), operands.single());
        let (x, y) = (f32::from_bits(a), f32::from_bits(b));
        assert_eq!((eq_f32(a, b).0, lt_f32(a, b).0, le_f32(a, b).0), (x == y, x < y, x <= y));
        if x < y {
            assert_eq!((min_f32(a, b).0, max_f32(a, b).0), (a, b), "{a:08x} {b:08x}");
            assert_eq!((min_f32(b, a).0, max_f32(b, a).0), (a, b), "{a:08x} {b:08x}");
        }
        let (a, b) = (operands.double(), operands.double());
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        assert_eq!((eq_f64(a, b).0, lt_f64(a, b).0, le_f64(a, b).0), (x == y, x < y, x <= y));
        if x < y {
            assert_eq!((min_f64(a, b).0, max_f64(a, b).0), (a, b), "{a:016x} {b:016x}");
            assert_eq!((min_f64(b, a).0, max_f64(b, a).0), (a, b), "{a:016x} {b:016x}");
        }
    }
}

/// SoftFloat's state is per thread: threads with different modes do not disturb one another.
#[test]
fn threads_do_not_share_state() {
    let third = |rounding| div_f32(1f32.to_bits(), 3f32.to_bits(), rounding);
    std::thread::scope(|scope| {
        for rounding in RoundingMode::ALL {
            scope.spawn(move || {
                // 1/3 lies between 3eaaaaaa and 3eaaaaab, nearer to the upper one.
                let expected = match rounding {
                    RoundingMode::TowardsZero | RoundingMode::Down => 0x3eaa_aaaa,
                    _ => 0x3eaa_aaab,
                };
                for _ in 0..200_000 {
                    assert_eq!(third(rounding), (expected, Flags::NX), "{rounding:?}");
                    assert_eq!(add_f32(0, 0, rounding).1, Flags::NONE);
                }
            });
        }
    });
}
