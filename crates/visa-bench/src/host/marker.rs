//! The lines that the guest prints for the host.

/// What all such lines have.
const WORD: &str = "@host ";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// /init begins.
    Ready,
    /// The workload with this place among the orders begins.
    Begin(usize),
    /// It has ended, and has found this.
    End(usize, u64),
    /// All have.
    Done,
    /// The guest says what went wrong.
    Failed(String),
}

/// Reads a line; nothing if it is not one of these. The kernel may have printed something in front.
pub fn parse(line: &str) -> Option<Marker> {
    let text = line[line.find(WORD)? + WORD.len()..].trim_end();
    if let Some(what) = text.strip_prefix("failed: ") {
        return Some(Marker::Failed(what.to_string()));
    }
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["ready"] => Some(Marker::Ready),
        ["done"] => Some(Marker::Done),
        ["begin", index] => Some(Marker::Begin(index.parse().ok()?)),
        ["end", index, checksum] => {
            Some(Marker::End(index.parse().ok()?, u64::from_str_radix(checksum, 16).ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_and_nothing_else() {
        assert_eq!(parse("@host ready\r\n"), Some(Marker::Ready));
        assert_eq!(parse("@host begin 12\r\n"), Some(Marker::Begin(12)));
        assert_eq!(parse("@host end 3 00ff\r\n"), Some(Marker::End(3, 255)));
        assert_eq!(parse("[    1.0] late message@host done\n"), Some(Marker::Done));
        let failed = parse("@host failed: mmap 12\r\n");
        assert_eq!(failed, Some(Marker::Failed("mmap 12".into())));
        for other in [
            "",
            "ready",
            "@host",
            "@host begin",
            "@host begin x",
            "@host end 3",
            "@host end 3 xyz",
            "@host done 1",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
