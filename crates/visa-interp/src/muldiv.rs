//! Division as RISC-V defines it: by zero and on overflow it has a result and does not trap (RISC-V unprivileged, 12.2).

/// Signed quotient: all ones for a division by zero, the dividend on overflow.
pub fn divide(dividend: i64, divisor: i64) -> i64 {
    if divisor == 0 { -1 } else { dividend.wrapping_div(divisor) }
}

/// Signed remainder: the dividend for a division by zero, zero on overflow.
pub fn remainder(dividend: i64, divisor: i64) -> i64 {
    if divisor == 0 { dividend } else { dividend.wrapping_rem(divisor) }
}
