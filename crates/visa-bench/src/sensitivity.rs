//! How far conclusions depend on the parameters of the cycle model: each parameter that is a number of cycles is halved and
//! doubled, one at a time.

use serde::Serialize;
use visa_cycles::{PARAMETERS, Parameters, Unit};
use visa_state::{Feature, Features};

use crate::micro::{self, Event, MicroError};

/// A conclusion: how many times the cycles of one event another takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conclusion {
    /// What it says.
    pub name: &'static str,
    /// With the parameters as they are.
    pub ratio: f64,
    /// The least that any change of a parameter makes of it, and that parameter.
    pub least: (f64, String),
    /// The most, likewise.
    pub most: (f64, String),
}

/// An event on a machine with or without a feature.
type Side = (Option<Feature>, &'static str);

/// What is concluded: a name, the dearer side, the cheaper side.
const CONCLUSIONS: [(&str, Side, Side); 5] = [
    ("page fault: trapped / kept in the guest", (None, "page-fault-trapped"), (None, "page-fault-passed")),
    ("CR3 write: trapped / kept in the guest", (None, "cr3-write-trapped"), (None, "cr3-write-passed")),
    ("timer: trapped / kept in the guest", (None, "timer-trapped"), (None, "timer-passed")),
    ("interrupt: from Ring -1 / by VINT_SEND", (None, "interrupt-injected"), (None, "vint-send-self")),
    ("hypercall: one bank / two banks", (Some(Feature::BankedSwitch), "hypercall"), (None, "hypercall")),
];

/// All conclusions.
pub fn run(parameters: &Parameters) -> Result<Vec<Conclusion>, MicroError> {
    let as_is = ratios(parameters)?;
    let mut conclusions: Vec<Conclusion> = CONCLUSIONS
        .iter()
        .zip(&as_is)
        .map(|((name, ..), &ratio)| {
            let none = (ratio, String::new());
            Conclusion { name, ratio, least: none.clone(), most: none }
        })
        .collect();
    for (changed, what) in changes(parameters) {
        for (conclusion, ratio) in conclusions.iter_mut().zip(ratios(&changed)?) {
            if ratio < conclusion.least.0 {
                conclusion.least = (ratio, what.clone());
            }
            if ratio > conclusion.most.0 {
                conclusion.most = (ratio, what.clone());
            }
        }
    }
    Ok(conclusions)
}

/// The parameters with one changed, for each that can be, and what was changed.
fn changes(parameters: &Parameters) -> Vec<(Parameters, String)> {
    let mut all = Vec::new();
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.unit == Unit::Cycles) {
        let Some(value) = parameters.value(parameter.key).filter(|value| *value != 0) else { continue };
        for other in [value / 2, value * 2] {
            let assignment = format!("{}={}", parameter.key, parameter.show(other));
            let mut changed = parameters.clone();
            // A parameter that may not have the value stays out of the sweep.
            if changed.set(&assignment).is_ok() && changed.check().is_ok() {
                all.push((changed, assignment));
            }
        }
    }
    all
}

fn ratios(parameters: &Parameters) -> Result<Vec<f64>, MicroError> {
    let with = micro::run(Features::default(), Some(parameters))?;
    let one_bank = micro::run(Features::default().without(Feature::BankedSwitch), Some(parameters))?;
    let cycles = |(without, name): Side| {
        let events: &[Event] = if without.is_some() { &one_bank } else { &with };
        events.iter().find(|event| event.name == name).and_then(|event| event.cycles).unwrap_or(f64::NAN)
    };
    let ratio = |dear: Side, cheap: Side| (cycles(dear) / cycles(cheap) * 1e3).round() / 1e3;
    Ok(CONCLUSIONS.iter().map(|(_, dear, cheap)| ratio(*dear, *cheap)).collect())
}
