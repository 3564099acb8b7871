//! The machinery around the table of parameters: units, presets, and the macro that makes the table.

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
    pub(crate) fn parse(&self, text: &str) -> Result<u64, ParameterError> {
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
