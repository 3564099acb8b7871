//! The columns of the matrix: ways to run the same kernel and the same workloads.

use visa_machine::boot::Mode;
use visa_state::{Feature, Features};

/// A way to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The name on the command line and in reports.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub summary: &'static str,
    /// How the kernel runs.
    pub mode: Mode,
    /// The feature that the machine lacks.
    pub without: Option<Feature>,
}

/// The name of the variant that everything is compared with.
pub const NATIVE: &str = "native";

/// The name of the variant with every feature.
pub const ACCELERATED: &str = "accelerated";

/// The name of the variant that uses none.
pub const SOFTWARE: &str = "software";

impl Variant {
    /// The machine's features.
    pub fn features(&self) -> Features {
        self.without.map_or(Features::default(), |feature| Features::default().without(feature))
    }
}

/// All variants: the modes, then the accelerated mode without one feature each.
pub fn all() -> Vec<Variant> {
    let mode = |name, mode, summary| Variant { name, summary, mode, without: None };
    let mut variants = vec![
        mode(
            NATIVE,
            Mode::Native,
            "the kernel in Ring 0 of the machine itself: nothing trapped, one stage of translation",
        ),
        mode(
            ACCELERATED,
            Mode::Accelerated,
            "the kernel in a virtual machine of visor's, with every feature of V-ISA",
        ),
        mode(
            SOFTWARE,
            Mode::Software,
            "the kernel in Ring 3 and visor in Ring 0: trap and emulate, shadow page tables, nothing of V-ISA's virtualization",
        ),
    ];
    variants.extend(Feature::ALL.into_iter().map(|feature| Variant {
        name: without_name(feature),
        summary: feature.without(),
        mode: Mode::Accelerated,
        without: Some(feature),
    }));
    variants
}

/// `without-` and the feature's name.
const fn without_name(feature: Feature) -> &'static str {
    match feature {
        Feature::BankedSwitch => "without-banked-switch",
        Feature::TlbTags => "without-tlb-tags",
        Feature::WalkCaches => "without-walk-caches",
        Feature::DecodeAssist => "without-decode-assist",
        Feature::TrapFilter => "without-trap-filter",
        Feature::TimerWithoutExit => "without-timer-without-exit",
        Feature::NestedPaging => "without-nested-paging",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_missing() {
        for variant in all() {
            let missing: Vec<_> = variant.features().missing().collect();
            match variant.without {
                None => assert!(missing.is_empty(), "{}", variant.name),
                Some(feature) => {
                    assert_eq!(missing, [feature]);
                    assert_eq!(variant.name, format!("without-{}", feature.name()));
                }
            }
        }
    }
}
