//! The machinery around the table of parameters: units, presets, and overriding by `key=value`.

/// What a parameter counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Cycles, to the thousandth: kept as thousandths.
    Cycles,
    /// 0 or 1.
    Switch,
    /// Instructions.
    Instructions,
    /// Entries of a table.
    Entries,
    /// Ways of a set.
    Ways,
    /// Bytes.
    Bytes,
    /// Bits.
    Bits,
    /// Cache lines.
    Lines,
    /// Percent.
    Percent,
    /// A level of the caches.
    Level,
}

impl Unit {
    /// The name in documents; empty where the number says it.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Cycles => "cycles",
            Unit::Switch => "switch",
            Unit::Instructions => "instructions",
            Unit::Entries => "entries",
            Unit::Ways => "ways",
            Unit::Bytes => "bytes",
            Unit::Bits => "bits",
            Unit::Lines => "lines",
            Unit::Percent => "%",
            Unit::Level => "level",
        }
    }

    /// What a value is multiplied by to be kept as an integer.
    pub const fn scale(self) -> u64 {
        if matches!(self, Unit::Cycles) { 1000 } else { 1 }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The heading that it stands under.
    pub section: &'static str,
    /// Its name on the command line.
    pub key: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Least value, in the unit.
    pub minimum: u64,
    /// Greatest value, in the unit.
    pub maximum: u64,
    /// Value in the preset `small`, scaled.
    pub small: u64,
    /// Where that comes from.
    pub small_source: &'static str,
    /// Value in the preset `large`, scaled.
    pub large: u64,
    /// Where that comes from.
    pub large_source: &'static str,
    /// What it means.
    pub summary: &'static str,
}

impl Parameter {
    /// A scaled value as text in the unit.
    pub fn show(&self, value: u64) -> String {
        let scale = self.unit.scale();
        let (whole, part) = (value / scale, value % scale);
        match part {
            0 => whole.to_string(),
            _ => format!("{whole}.{part:03}").trim_end_matches('0').to_owned(),
        }
    }

    /// Reads a value in the unit; the result is scaled.
    fn parse(&self, text: &str) -> Result<u64, ParameterError> {
        let value = parse_decimal(text, self.unit.scale());
        let scale = self.unit.scale();
        value.filter(|value| (self.minimum * scale..=self.maximum * scale).contains(value)).ok_or_else(|| {
            ParameterError::Value {
                key: self.key,
                text: text.to_owned(),
                unit: self.unit.name(),
                minimum: self.minimum,
                maximum: self.maximum,
            }
        })
    }
}

/// A decimal number times `scale`, which is a power of ten; `None` if it has more digits than that keeps.
fn parse_decimal(text: &str, scale: u64) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || text.ends_with('.') {
        return None;
    }
    let mut value = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut weight = scale;
    for digit in part.bytes() {
        let digit = (digit - b'0') as u64;
        weight /= 10;
        if weight == 0 && digit != 0 {
            return None;
        }
        value = value.checked_add(digit * weight)?;
    }
    Some(value)
}

/// Why a parameter was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// The text has no `=`.
    #[error("`{text}` is not of the form key=value")]
    Form {
        /// The text.
        text: String,
    },
    /// There is no such key.
    #[error("there is no cycle parameter `{key}`{}", near(.nearest))]
    Key {
        /// The key.
        key: String,
        /// One that is written alike.
        nearest: Option<&'static str>,
    },
    /// The value is no number, or out of range.
    #[error("cycle parameter {key}: `{text}` is not a number of {unit} from {minimum} to {maximum}")]
    Value {
        /// The key.
        key: &'static str,
        /// The text.
        text: String,
        /// The unit.
        unit: &'static str,
        /// Least value.
        minimum: u64,
        /// Greatest value.
        maximum: u64,
    },
    /// A structure cannot be built so.
    #[error("cycle parameters {size} and {ways}: {reason}")]
    Geometry {
        /// Key of the size.
        size: &'static str,
        /// Key of the associativity, or of what else limits it.
        ways: &'static str,
        /// What is wrong.
        reason: String,
    },
}

fn near(nearest: &Option<&'static str>) -> String {
    nearest.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default()
}

/// A named set of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// A small core: single issue, in order.
    Small,
    /// A large core: out of order.
    Large,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Preset; 2] = [Preset::Small, Preset::Large];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Small => "small",
            Preset::Large => "large",
        }
    }

    /// The preset with a name.
    pub fn from_name(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }
}

/// A value in a unit, scaled.
pub(crate) const fn scaled(value: f64, unit: Unit) -> u64 {
    (value * unit.scale() as f64 + 0.5) as u64
}

macro_rules! parameters {
    ($( $section:literal { $(
        $name:ident $key:literal $unit:ident $minimum:literal ..= $maximum:literal,
        $small:literal $small_source:literal, $large:literal $large_source:literal, $summary:literal;
    )* } )*) => {
        /// The values of all parameters; cycles in thousandths.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Parameters { $( $( #[doc = $summary] pub $name: u64, )* )* }

        /// The table, in the order of the documentation.
        pub static PARAMETERS: &[$crate::settings::Parameter] = &[ $( $( $crate::settings::Parameter {
            section: $section,
            key: $key,
            unit: Unit::$unit,
            minimum: $minimum,
            maximum: $maximum,
            small: $crate::settings::scaled($small as f64, Unit::$unit),
            small_source: $small_source,
            large: $crate::settings::scaled($large as f64, Unit::$unit),
            large_source: $large_source,
            summary: $summary,
        }, )* )* ];

        impl Parameters {
            /// The values of a preset.
            pub fn preset(preset: $crate::settings::Preset) -> Parameters {
                let mut rows = PARAMETERS.iter().map(|row| match preset {
                    $crate::settings::Preset::Small => row.small,
                    $crate::settings::Preset::Large => row.large,
                });
                Parameters { $( $( $name: rows.next().unwrap_or_default(), )* )* }
            }

            pub(crate) fn value_mut(&mut self, key: &str) -> Option<&mut u64> {
                match key { $( $( $key => Some(&mut self.$name), )* )* _ => None }
            }

            /// The value of a key, scaled.
            pub fn value(&self, key: &str) -> Option<u64> {
                match key { $( $( $key => Some(self.$name), )* )* _ => None }
            }
        }
    };
}
pub(crate) use parameters;

use crate::parameters::{PARAMETERS, Parameters};

impl Parameters {
    /// Overrides one parameter by `key=value`, with the value in the parameter's unit.
    pub fn set(&mut self, assignment: &str) -> Result<(), ParameterError> {
        let (key, text) =
            assignment.split_once('=').ok_or_else(|| ParameterError::Form { text: assignment.to_owned() })?;
        let (key, text) = (key.trim(), text.trim());
        let row = PARAMETERS.iter().find(|row| row.key == key);
        let (Some(row), Some(value)) = (row, self.value_mut(key)) else {
            return Err(ParameterError::Key { key: key.to_owned(), nearest: nearest(key) });
        };
        *value = row.parse(text)?;
        Ok(())
    }

    /// Checks what concerns several parameters at once: that every structure can be built.
    pub fn check(&self) -> Result<(), ParameterError> {
        let geometry = |size, ways, reason: &str| {
            Err(ParameterError::Geometry { size, ways, reason: reason.to_owned() })
        };
        if !self.line.is_power_of_two() {
            return geometry("cache.line", "cache.line", "a line is a power of two");
        }
        if !self.branch_table.is_power_of_two() {
            return geometry("branch.table", "branch.history", "the table's size is a power of two");
        }
        if 1 << self.branch_history > self.branch_table {
            return geometry(
                "branch.table",
                "branch.history",
                "the table has fewer entries than there are histories",
            );
        }
        let lines = |bytes: u64| if bytes.is_multiple_of(self.line) { bytes / self.line } else { 0 };
        for (size_key, ways_key, entries, ways) in [
            ("branch.target", "branch.target-ways", self.branch_target, self.branch_target_ways),
            ("l1i.size", "l1i.ways", lines(self.l1i_size), self.l1i_ways),
            ("l1d.size", "l1d.ways", lines(self.l1d_size), self.l1d_ways),
            ("l2.size", "l2.ways", lines(self.l2_size), self.l2_ways),
            ("tlb.second", "tlb.second-ways", self.tlb2, self.tlb2_ways),
        ] {
            if !entries.is_multiple_of(ways) || !(entries / ways).is_power_of_two() {
                return geometry(size_key, ways_key, "entries / ways is not a power of two");
            }
        }
        Ok(())
    }

    /// Every parameter that differs from a preset, as `key=value`.
    pub fn differences(&self, preset: Preset) -> Vec<String> {
        let base = Parameters::preset(preset);
        let changed = PARAMETERS.iter().filter(|row| self.value(row.key) != base.value(row.key));
        changed
            .map(|row| format!("{}={}", row.key, row.show(self.value(row.key).unwrap_or_default())))
            .collect()
    }
}

/// The key that shares the longest beginning or a whole part with a wrong one.
fn nearest(wrong: &str) -> Option<&'static str> {
    let alike = |key: &str| {
        let beginning = key.bytes().zip(wrong.bytes()).take_while(|(a, b)| a == b).count();
        let shared = key.split(['.', '-']).any(|part| part.len() > 2 && wrong.contains(part));
        beginning + if shared { 3 } else { 0 }
    };
    PARAMETERS.iter().map(|row| row.key).max_by_key(|key| alike(key)).filter(|key| alike(key) >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_their_units() {
        let mut parameters = Parameters::preset(Preset::Small);
        parameters.set("issue.alu=0.25").expect("to the thousandth");
        parameters.set(" l2.size = 524288 ").expect("spaces do not matter");
        assert_eq!((parameters.issue_alu, parameters.l2_size), (250, 524_288));
        assert_eq!(parameters.differences(Preset::Small), ["issue.alu=0.25", "l2.size=524288"]);
        parameters.check().expect("both can be built");
    }

    #[test]
    fn errors_name_the_key_and_the_range() {
        let mut parameters = Parameters::preset(Preset::Small);
        let mut error = |assignment: &str| parameters.set(assignment).expect_err("it is wrong").to_string();
        assert_eq!(error("issue.alu"), "`issue.alu` is not of the form key=value");
        for text in ["101", "-1", "1.2345", "x", "", "1.", ".5", "1e3"] {
            assert_eq!(
                error(&format!("issue.alu={text}")),
                format!("cycle parameter issue.alu: `{text}` is not a number of cycles from 0 to 100")
            );
        }
        assert_eq!(
            error("l1d.ways=1.5"),
            "cycle parameter l1d.ways: `1.5` is not a number of ways from 1 to 64"
        );
        assert_eq!(
            error("l1d.sizes=4096"),
            "there is no cycle parameter `l1d.sizes`; did you mean `l1d.size`?"
        );
        assert_eq!(error("zzz=1"), "there is no cycle parameter `zzz`");
        assert_eq!(parameters, Parameters::preset(Preset::Small), "and nothing has changed");
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        for (assignments, complaint) in [
            (
                &["l1d.ways=3"][..],
                "cycle parameters l1d.size and l1d.ways: entries / ways is not a power of two",
            ),
            (
                &["l1d.size=33000"],
                "cycle parameters l1d.size and l1d.ways: entries / ways is not a power of two",
            ),
            (
                &["tlb.second=500"],
                "cycle parameters tlb.second and tlb.second-ways: entries / ways is not a power of two",
            ),
            (&["cache.line=48"], "cycle parameters cache.line and cache.line: a line is a power of two"),
            (
                &["branch.table=100"],
                "cycle parameters branch.table and branch.history: the table's size is a power of two",
            ),
            (
                &["branch.history=10"],
                "cycle parameters branch.table and branch.history: the table has fewer entries than there are histories",
            ),
        ] {
            let mut parameters = Parameters::preset(Preset::Small);
            assignments.iter().for_each(|assignment| parameters.set(assignment).expect("in range"));
            assert_eq!(parameters.check().expect_err("it cannot be built").to_string(), complaint);
        }
    }

    #[test]
    fn presets_can_be_built_and_keys_are_unique() {
        for preset in Preset::ALL {
            Parameters::preset(preset).check().expect("a preset can be built");
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
        for (index, row) in PARAMETERS.iter().enumerate() {
            assert!(PARAMETERS[..index].iter().all(|other| other.key != row.key), "{}", row.key);
            for value in [row.small, row.large] {
                let range = row.minimum * row.unit.scale()..=row.maximum * row.unit.scale();
                assert!(range.contains(&value), "{}", row.key);
                assert_eq!(row.parse(&row.show(value)), Ok(value), "{}", row.key);
            }
        }
    }
}
