//! What the JIT generates: instructions of the guest, templates for several, and ways; and which of that was executed.

use anyhow::{Context, Error, Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Something that was generated, or can be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Point {
    /// What it is: `operation`, `interpreted`, `pattern` or `edge`.
    pub kind: String,
    /// In what: `block`, `region`, `optimised` or `shared`.
    pub tier: String,
    /// Its name.
    pub name: String,
}

/// Whether each was executed.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Points(pub BTreeMap<Point, bool>);

impl Points {
    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Points) {
        for (point, reached) in &other.0 {
            *self.0.entry(point.clone()).or_default() |= reached;
        }
    }

    /// How many points of a kind in a tier were reached, of how many; if no tier is named, in all.
    pub fn share(&self, kind: &str, tier: Option<&str>) -> (usize, usize) {
        let wanted = |point: &&Point| point.kind == kind && tier.is_none_or(|tier| point.tier == tier);
        let points = self.0.iter().filter(|(point, _)| wanted(point));
        points.fold((0, 0), |(reached, all), (_, here)| (reached + usize::from(*here), all + 1))
    }

    /// The names of those that were not reached.
    pub fn missing(&self, kind: &str, tier: &str) -> Vec<&str> {
        let missed =
            |(point, reached): &(&Point, &bool)| !**reached && point.kind == kind && point.tier == tier;
        self.0.iter().filter(missed).map(|(point, _)| point.name.as_str()).collect()
    }
}

impl FromStr for Points {
    type Err = Error;

    /// Reads what a test has written: a line for each, by tabs.
    fn from_str(text: &str) -> Result<Points> {
        let mut points = Points::default();
        for (number, line) in text.lines().enumerate() {
            let at = || format!("line {}: `{line}`", number + 1);
            let [tier, kind, name, reached] = line.split('\t').collect::<Vec<_>>()[..] else {
                bail!("{} does not have four fields", at());
            };
            let reached = reached.parse::<u8>().with_context(at)? != 0;
            let point = Point { kind: kind.to_owned(), tier: tier.to_owned(), name: name.to_owned() };
            *points.0.entry(point).or_default() |= reached;
        }
        Ok(points)
    }
}

impl Serialize for Points {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            point: &'a Point,
            reached: bool,
        }
        serializer.collect_seq(self.0.iter().map(|(point, reached)| Line { point, reached: *reached }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_and_added() {
        let one = "block\toperation\taddi\t1\nblock\toperation\tsc.w\t0\nregion\tedge\tout of it\t0\n";
        let two = "block\toperation\taddi\t0\nregion\tedge\tout of it\t1\nblock\tinterpreted\tmret\t1\n";
        let mut all: Points = one.parse().unwrap();
        all.add(&two.parse().unwrap());
        assert_eq!(all.share("operation", Some("block")), (1, 2));
        assert_eq!(all.share("operation", None), (1, 2));
        assert_eq!(all.share("edge", Some("region")), (1, 1));
        assert_eq!(all.missing("operation", "block"), ["sc.w"]);
        assert_eq!(all.missing("edge", "region"), [""; 0]);
    }

    #[test]
    fn a_report_that_is_none_is_an_error_that_names_the_line() {
        let error = |text: &str| format!("{:#}", text.parse::<Points>().unwrap_err());
        assert!(error("block\toperation\taddi\t1\nblock\n").contains("line 2"));
        assert!(error("block\toperation\taddi\tyes\n").contains("line 1"));
    }

    #[test]
    fn json_has_a_line_for_each() {
        let points: Points = "block\tedge\tout\t1\n".parse().unwrap();
        let json = serde_json::to_string(&points).unwrap();
        assert_eq!(json, r#"[{"kind":"edge","tier":"block","name":"out","reached":true}]"#);
    }
}
