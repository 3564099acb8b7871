//! Numbers of seven bits to the byte (DWARF 5, 7.6).

use gimli::leb128::write;

/// The bytes that a number takes.
pub fn size(number: i64, is_signed: bool) -> usize {
    if is_signed { write::sleb128_size(number) } else { write::uleb128_size(number as u64) }
}

/// A number in exactly so many bytes, which are enough. Bytes that it does not need repeat its sign.
pub fn encode(number: i64, is_signed: bool, size: usize) -> Vec<u8> {
    const MORE: u8 = 0x80;
    let mut rest = number;
    let mut bytes: Vec<u8> = Vec::with_capacity(size);
    for _ in 0..size {
        bytes.push(rest as u8 | MORE);
        rest = if is_signed { rest >> 7 } else { (rest as u64 >> 7) as i64 };
    }
    bytes.last_mut().into_iter().for_each(|last| *last &= !MORE);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> gimli::EndianSlice<'_, gimli::LittleEndian> {
        gimli::EndianSlice::new(bytes, gimli::LittleEndian)
    }

    #[test]
    fn numbers_read_back_with_and_without_padding() {
        const LONGEST: usize = 10;
        for number in [0, 1, 63, 64, -1, -64, -65, 127, 128, 0x1234_5678, i64::MAX, i64::MIN] {
            for padding in 0..2 {
                let bytes = encode(number, true, (size(number, true) + padding).min(LONGEST));
                assert_eq!(gimli::leb128::read::signed(&mut reader(&bytes)), Ok(number));
                let bytes = encode(number, false, (size(number, false) + padding).min(LONGEST));
                assert_eq!(gimli::leb128::read::unsigned(&mut reader(&bytes)), Ok(number as u64));
            }
        }
    }
}
