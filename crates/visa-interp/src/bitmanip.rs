//! The word that a register keeps, and bit manipulation that takes more than a line (RISC-V unprivileged, Zbb).

/// The low 32 bits, sign-extended: what the `W` forms leave in a register.
pub fn word(value: u64) -> u64 {
    value as i32 as u64
}

/// ROLW: rotates the low 32 bits left.
pub fn rotate_left_word(value: u64, amount: u64) -> u64 {
    word((value as u32).rotate_left(amount as u32 & 31) as u64)
}

/// RORW and RORIW: rotates the low 32 bits right.
pub fn rotate_right_word(value: u64, amount: u64) -> u64 {
    word((value as u32).rotate_right(amount as u32 & 31) as u64)
}

/// ORC.B: each byte all ones if any of its bits is set.
pub fn or_combine_bytes(value: u64) -> u64 {
    u64::from_le_bytes(value.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))
}
