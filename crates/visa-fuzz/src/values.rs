//! Values that programs start from: mostly those at which something changes.

use crate::Random;

/// Halves of 32 bits at edges of integers and of singles.
const EDGES_32: [u32; 22] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x0000_ffff,
    0x007f_ffff, // largest subnormal single
    0x0080_0000, // smallest normal single
    0x3f80_0000, // 1.0
    0x3fff_ffff,
    0x4b80_0000, // 2^24, where singles stop to hold every integer
    0x4f00_0000, // 2^31
    0x5f00_0000, // 2^63
    0x7f7f_ffff, // largest finite single
    0x7f80_0000, // infinity
    0x7f80_0001, // signaling NaN
    0x7fc0_0000, // quiet NaN
    0x7fff_ffff,
    0xffff_ffff,
];

/// Values of 64 bits at edges of integers and of doubles.
const EDGES_64: [u64; 20] = [
    0,
    1,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x000f_ffff_ffff_ffff, // largest subnormal double
    0x0010_0000_0000_0000, // smallest normal double
    0x36a0_0000_0000_0000, // 2^-149, the smallest single
    0x3810_0000_0000_0000, // 2^-126, the smallest normal single
    0x3ff0_0000_0000_0000, // 1.0
    0x3fe0_0000_0000_0000, // 0.5
    0x41e0_0000_0000_0000, // 2^31
    0x4340_0000_0000_0000, // 2^53
    0x43e0_0000_0000_0000, // 2^63
    0x47ef_ffff_e000_0000, // largest finite single
    0x7fef_ffff_ffff_ffff, // largest finite double
    0x7ff0_0000_0000_0000, // infinity
    0x7ff0_0000_0000_0001, // signaling NaN
    0x7ff8_0000_0000_0000, // quiet NaN
];

/// A value for an integer register.
pub fn integer(random: &mut Random) -> u64 {
    let bits = random.bits();
    match random.below(8) {
        0 => near(random, EDGES_64.as_slice()),
        1 => u64::from(random.pick(&EDGES_32)) | u64::from(random.pick(&EDGES_32)) << 32,
        2 => random.pick(&EDGES_32) as i32 as u64,
        // A small number of either sign; a power of two; the two's complement of one.
        3 => (bits as i8) as u64,
        4 => 1 << (bits % 64),
        5 => !0 << (bits % 64),
        _ => bits,
    }
}

/// A value for a floating-point register: a double, a boxed single, or (rarely) a badly boxed one.
pub fn float(random: &mut Random) -> u64 {
    let bits = random.bits();
    match random.below(8) {
        0 | 1 => near(random, EDGES_64.as_slice()) ^ (bits & 1 << 63),
        2 => boxed(random.pick(&EDGES_32) ^ (bits as u32 & 1 << 31)),
        3 => boxed(bits as u32),
        // Exponents around zero, so that sums and products neither vanish nor overflow.
        4 => boxed(0x3f00_0000 + (bits as u32 & 0x81ff_ffff)),
        5 => 0x3fe0_0000_0000_0000 + (bits & 0x803f_ffff_ffff_ffff),
        // Few significant bits: exact results and ties.
        6 => bits & 0xffff_fff0_0000_0000,
        _ => bits,
    }
}

fn boxed(single: u32) -> u64 {
    0xffff_ffff_0000_0000 | u64::from(single)
}

/// An edge, one above or one below it, or its complement.
fn near(random: &mut Random, edges: &[u64]) -> u64 {
    let edge = random.pick(edges);
    match random.below(6) {
        0 => edge.wrapping_add(1),
        1 => edge.wrapping_sub(1),
        2 => !edge,
        _ => edge,
    }
}
