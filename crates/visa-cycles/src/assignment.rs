//! Overriding parameters by `key=value`, and what must hold of several at once.

use crate::parameters::{PARAMETERS, Parameters};
use crate::settings::{ParameterError, Preset};

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
