//! Names that every source knows: the constants of the tables.

use std::collections::HashMap;
use std::sync::LazyLock;
use visa_isa::constant::GROUPS;

/// What all of them begin with.
const PREFIX: &str = "VISA_";

static VALUES: LazyLock<HashMap<String, i64>> = LazyLock::new(|| {
    let mut values = HashMap::new();
    for group in GROUPS {
        group.for_each(|constant| {
            values.insert(constant.to_string(), constant.value as i64);
        });
    }
    values
});

/// The value of a name.
pub fn value(name: &str) -> Option<i64> {
    if name.starts_with(PREFIX) { VALUES.get(name).copied() } else { None }
}

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    VALUES.keys().map(String::as_str)
}
