//! Names of registers, and what was probably meant by one that is none.

use crate::suggest::did_you_mean;
use visa_isa::register;

/// Whether a name is that of an integer or floating-point register.
pub(crate) fn is_register(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    register::integer(&name).or(register::float(&name)).is_some()
}

/// The register that a name which is none was probably meant for.
pub(crate) fn similar_register(name: &str, is_integer: bool) -> Option<String> {
    if is_register(name) {
        return None;
    }
    // One letter and a number: the number is what is wrong.
    let letters = if is_integer { "rx" } else { "f" };
    let lower = name.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix(|first| letters.contains(first))
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        let first = name.chars().next()?;
        return Some(format!("there are {first}0 to {first}31"));
    }
    let known = if is_integer { &register::INTEGER_ABI } else { &register::FLOAT_ABI };
    did_you_mean(&lower, known.iter().copied().chain(is_integer.then_some("fp")))
}
