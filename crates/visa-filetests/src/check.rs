//! The language of checks: what stands after `;=`.

/// One check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    /// A register or memory has a value.
    Equal(String, String),
    /// A register or memory has grown by a value since the mark.
    Grown(String, String),
    /// Remember the state.
    Mark,
    /// All but these names are as at the mark.
    Same(Vec<String>),
    /// The exit record: the cause and the words after it.
    Exit(Words),
    /// An entry failed for a field.
    Refused(String),
    /// The guest took a trap to Ring 0.
    Trap(Words),
    /// Ring -1 took an exception.
    Hypervisor(Words),
}

/// A cause with keys and flags.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words {
    /// The expression of the cause.
    pub cause: String,
    /// `key=value`.
    pub pairs: Vec<(String, String)>,
    /// Words alone.
    pub flags: Vec<String>,
}

/// What may follow `exit`.
const EXIT_KEYS: &[&str] =
    &["at", "pc", "ring", "gva", "gpa", "value", "code", "cookie", "result", "size", "reg", "len", "inst"];
const EXIT_FLAGS: &[&str] = &["write", "signed", "execute", "float", "walk", "read", "host"];

impl Check {
    /// The checks of a line.
    pub fn parse_line(line: &str) -> Result<Vec<Check>, String> {
        line.split(',').map(|text| Check::parse(text.trim())).collect()
    }

    fn parse(text: &str) -> Result<Check, String> {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        Ok(match first {
            "mark" if rest.is_empty() => Check::Mark,
            "same" => match rest.strip_prefix("except ") {
                Some(names) => Check::Same(names.split_whitespace().map(str::to_uppercase).collect()),
                None if rest.is_empty() => Check::Same(Vec::new()),
                None => return Err(format!("`{text}`: expected `same` or `same except NAME ...`")),
            },
            "exit" => Check::Exit(Words::parse(rest, EXIT_KEYS, EXIT_FLAGS)?),
            "refused" => Check::Refused(rest.into()),
            "trap" => Check::Trap(Words::parse(rest, &["at", "pc", "tval", "from"], &["interrupt"])?),
            "hv" => Check::Hypervisor(Words::parse(rest, &["at", "tval"], &[])?),
            _ => {
                if let Some((name, value)) = text.split_once("+=") {
                    return Ok(Check::Grown(name.trim().into(), value.trim().into()));
                }
                let (name, value) =
                    text.split_once('=').ok_or(format!("`{text}` is no check: expected `NAME = value`"))?;
                Check::Equal(name.trim().into(), value.trim().into())
            }
        })
    }
}

impl Words {
    fn parse(text: &str, keys: &[&str], flags: &[&str]) -> Result<Words, String> {
        let mut words = text.split_whitespace();
        let cause = words.next().ok_or("a cause is missing")?;
        let mut parsed = Words { cause: cause.into(), ..Words::default() };
        for word in words {
            match word.split_once('=') {
                Some((key, value)) if keys.contains(&key) => parsed.pairs.push((key.into(), value.into())),
                None if flags.contains(&word) => parsed.flags.push(word.into()),
                _ => return Err(format!("`{word}`: expected one of {}", [keys, flags].concat().join(", "))),
            }
        }
        Ok(parsed)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether a flag is there.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|name| name == flag)
    }
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn a_line_holds_several_checks() {
        let checks = Check::parse_line("R1 = 5, VMCOUNT_EXIT += 1, mark").unwrap();
        assert_eq!(checks[0], Check::Equal("R1".into(), "5".into()));
        assert_eq!(checks[1], Check::Grown("VMCOUNT_EXIT".into(), "1".into()));
        assert_eq!(checks[2], Check::Mark);
    }

    #[test]
    fn mistakes_are_reported() {
        for text in ["R1", "exit", "exit 1 sise=4", "exit 1 red", "same but R1", "trap 2 size=1"] {
            assert!(Check::parse_line(text).is_err(), "{text}");
        }
    }
}
