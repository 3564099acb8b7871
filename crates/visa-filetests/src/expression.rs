//! Values in checks: numbers, names, the usual operators.

/// Evaluates an expression; `name` gives the value of a symbol or register.
pub fn evaluate(text: &str, name: &dyn Fn(&str) -> Option<u64>) -> Result<u64, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, index: 0, name };
    let value = parser.binary(0)?;
    match parser.tokens.get(parser.index) {
        None => Ok(value),
        Some(token) => Err(format!("`{token}` is not expected in `{text}`")),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut list = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let length = match first {
            '<' | '>' if rest.starts_with("<<") || rest.starts_with(">>") => 2,
            '+' | '-' | '*' | '&' | '|' | '^' | '~' | '(' | ')' => 1,
            c if is_word(c) => {
                let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                // `mem64[address]` is one name.
                match rest[word..].starts_with('[') {
                    true => word + rest[word..].find(']').ok_or(format!("`]` is missing in `{text}`"))? + 1,
                    false => word,
                }
            }
            other => return Err(format!("`{other}` means nothing in `{text}`")),
        };
        list.push(rest[..length].to_string());
        rest = rest[length..].trim_start();
    }
    Ok(list)
}

struct Parser<'a> {
    tokens: &'a [String],
    index: usize,
    name: &'a dyn Fn(&str) -> Option<u64>,
}

impl Parser<'_> {
    fn binary(&mut self, least: u32) -> Result<u64, String> {
        let mut left = self.term()?;
        while let Some(operator) = self.tokens.get(self.index)
            && let Some(strength) = strength(operator)
            && strength > least
        {
            self.index += 1;
            let right = self.binary(strength)?;
            left = match operator.as_str() {
                "+" => left.wrapping_add(right),
                "-" => left.wrapping_sub(right),
                "*" => left.wrapping_mul(right),
                "&" => left & right,
                "|" => left | right,
                "^" => left ^ right,
                "<<" => left.checked_shl(right as u32).unwrap_or(0),
                _ => left.checked_shr(right as u32).unwrap_or(0),
            };
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<u64, String> {
        let token = self.tokens.get(self.index).ok_or("a value is missing")?;
        self.index += 1;
        match token.as_str() {
            "-" => Ok(self.term()?.wrapping_neg()),
            "~" => Ok(!self.term()?),
            "(" => {
                let value = self.binary(0)?;
                let close = self.tokens.get(self.index).is_some_and(|token| token == ")");
                self.index += 1;
                if close { Ok(value) } else { Err("`)` is missing".into()) }
            }
            word if word.starts_with(|c: char| c.is_ascii_digit()) => number(word),
            word => (self.name)(word).ok_or(format!("`{word}` is no symbol and no register")),
        }
    }
}

fn strength(operator: &str) -> Option<u32> {
    Some(match operator {
        "|" => 1,
        "^" => 2,
        "&" => 3,
        "<<" | ">>" => 4,
        "+" | "-" => 5,
        "*" => 6,
        _ => return None,
    })
}

fn number(word: &str) -> Result<u64, String> {
    let digits = word.replace('_', "");
    let parsed = match digits.get(..2) {
        Some("0x") => u64::from_str_radix(&digits[2..], 16),
        Some("0b") => u64::from_str_radix(&digits[2..], 2),
        _ => digits.parse(),
    };
    parsed.map_err(|_| format!("`{word}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    fn value(text: &str) -> Result<u64, String> {
        evaluate(text, &|name| (name == "here").then_some(0x1000))
    }

    #[test]
    fn operators_bind_as_in_c() {
        assert_eq!(value("1 | 2 + 3 << 1"), Ok(11));
        assert_eq!(value("(1 | 2) * -1"), Ok(u64::MAX - 2));
        assert_eq!(value("here - 4 & ~0xf"), Ok(0xff0));
        assert_eq!(value("8 - 4 - 2"), Ok(2));
    }

    #[test]
    fn what_is_no_value_is_named() {
        assert!(value("there").unwrap_err().contains("there"));
        assert!(value("1 +").is_err());
        assert!(value("(1").is_err());
        assert!(value("0xg").is_err());
        assert!(value("1 2").is_err());
    }
}
