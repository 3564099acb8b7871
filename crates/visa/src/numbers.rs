//! Numbers as people write and read them.

pub use visa_bench::table::grouped;

/// Parses a number: decimal or 0x and hexadecimal, underscores allowed.
pub fn number(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.map_err(|error| format!("\"{text}\" is not a number (decimal, or 0x and hexadecimal): {error}"))
}

/// Parses a size: bytes, or with K, M, G or T (powers of 1,024) behind.
pub fn size(text: &str) -> Result<u64, String> {
    let unit = |letter: char| Some(10 * (1 + "KMGT".find(letter.to_ascii_uppercase())? as u32));
    let bare = text
        .strip_suffix("iB")
        .or(text.strip_suffix('B').filter(|_| !text.starts_with("0x")))
        .unwrap_or(text);
    let (digits, shift) = match bare.char_indices().last().and_then(|(at, last)| Some((at, unit(last)?))) {
        Some((at, shift)) => (&bare[..at], shift),
        None => (bare, 0),
    };
    let count =
        number(digits).map_err(|_| format!("\"{text}\" is not a size; examples: 256M, 1G, 0x10000000"))?;
    count.checked_mul(1 << shift).ok_or_else(|| format!("{text} does not fit 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("0x1000_0000"), Ok(0x1000_0000));
        assert_eq!(size("0xB"), Ok(0xb));
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("64kB"), Ok(64 << 10));
        for wrong in ["", "M", "12Q", "-1", "1.5G", "99999999T", "0x"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
