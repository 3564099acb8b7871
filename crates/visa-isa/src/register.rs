//! Register names: R and F numbers, the ABI's names, rounding modes and fence sets.

/// The ABI names of R0 to R31.
pub const INTEGER_ABI: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// The ABI names of F0 to F31.
pub const FLOAT_ABI: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4",
    "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8",
    "ft9", "ft10", "ft11",
];

/// Rounding modes by number; 5 and 6 are reserved.
pub const ROUNDING: [(&str, u8); 6] =
    [("rne", 0), ("rtz", 1), ("rdn", 2), ("rup", 3), ("rmm", 4), ("dyn", 7)];

/// The number of an integer register named in lower case: `r1`, `x1`, or an ABI name.
pub fn integer(name: &str) -> Option<u8> {
    if name == "fp" {
        return Some(8);
    }
    numbered(name, 'r').or_else(|| numbered(name, 'x')).or_else(|| position(&INTEGER_ABI, name))
}

/// The number of a floating-point register named in lower case: `f1`, or an ABI name.
pub fn float(name: &str) -> Option<u8> {
    numbered(name, 'f').or_else(|| position(&FLOAT_ABI, name))
}

fn position(names: &[&str; 32], name: &str) -> Option<u8> {
    names.iter().position(|&known| known == name).map(|index| index as u8)
}

fn numbered(name: &str, prefix: char) -> Option<u8> {
    let digits = name.strip_prefix(prefix)?;
    let canonical = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|&number| canonical && number < 32)
}
