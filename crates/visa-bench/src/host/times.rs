//! Times, and what is made of them.

use std::time::Duration;

use serde::Serialize;

use super::emulator::{ACCELERATED, NATIVE};
use super::matrix::{Run, Series};
use super::measure::Sample;

/// The times of one emulator in one row, in seconds of processor time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Times {
    /// The median.
    pub median_seconds: f64,
    /// The least.
    pub least_seconds: f64,
    /// How far the extremes are from each other, by the median.
    pub spread: f64,
    /// All, in the order in which they were measured.
    pub seconds: Vec<f64>,
}

/// Seconds of processor time of two emulators that shared the processor, by repetition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Together {
    /// Native.
    pub native_seconds: Vec<f64>,
    /// Accelerated.
    pub accelerated_seconds: Vec<f64>,
    /// The least and the most of the ratios.
    pub ratios: [f64; 2],
}

/// A ratio, and what is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The ratio.
    pub ratio: f64,
    /// What it is to be at most.
    pub target: f64,
    /// Whether it is.
    pub is_met: bool,
}

impl Series {
    /// The samples of a place of the orders. The last repetition lacks some if one of two emulators came to nothing in it.
    pub fn samples(&self, place: usize) -> Vec<Sample> {
        self.workloads.iter().filter_map(|whole| whole.samples.get(place).copied()).collect()
    }

    /// The times of a place; without one, those of the boot.
    pub fn seconds(&self, place: Option<usize>) -> Vec<f64> {
        let times: Vec<Duration> = match place {
            None => self.boots.iter().map(|boot| boot.total).collect(),
            Some(place) => self.samples(place).iter().map(|sample| sample.time).collect(),
        };
        times.iter().map(Duration::as_secs_f64).collect()
    }
}

impl Together {
    /// What native and accelerated took at a place, as in [`Series::seconds`]; nothing if they were not measured beside each
    /// other.
    pub fn of(runs: &[Run], place: Option<usize>) -> Option<Together> {
        let seconds = |name: &str| {
            runs.iter().find(|run| run.emulator.name == name).map(|run| run.together.seconds(place))
        };
        let (native_seconds, accelerated_seconds) = (seconds(NATIVE)?, seconds(ACCELERATED)?);
        let mut together = Together { native_seconds, accelerated_seconds, ratios: [0.0; 2] };
        let sorted = together.sorted();
        together.ratios = [*sorted.first()?, *sorted.last()?];
        Some(together)
    }

    /// The ratios of all repetitions.
    fn sorted(&self) -> Vec<f64> {
        let both = self.accelerated_seconds.iter().zip(&self.native_seconds);
        let mut ratios: Vec<f64> = both
            .filter(|(_, native)| **native > 0.0)
            .map(|(accelerated, native)| accelerated / native)
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// The median of the ratios.
    pub fn median(&self) -> Option<f64> {
        median(&self.sorted())
    }
}

/// The middle of values in order.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { *upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

impl Times {
    /// Of samples; nothing of none.
    pub fn of(seconds: Vec<f64>) -> Option<Times> {
        let mut sorted = seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let (least, most, median) = (*sorted.first()?, *sorted.last()?, median(&sorted)?);
        let spread = if median > 0.0 { (most - least) / median } else { 0.0 };
        Some(Times { median_seconds: median, least_seconds: least, spread, seconds })
    }
}

impl Ratio {
    /// A ratio, which may be as large as the target.
    pub fn new(ratio: f64, target: f64) -> Ratio {
        Ratio { ratio, target, is_met: ratio <= target }
    }
}

/// Of values above 0; nothing of none.
pub fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value.ln(), count + 1));
    (count != 0).then(|| (sum / f64::from(count)).exp())
}
