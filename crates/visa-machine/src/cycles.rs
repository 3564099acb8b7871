//! The cycle model of a machine, one for each hart, and the features that a machine can be without.

use visa_core::timeline::{Moment, Timeline};
use visa_cycles::{CycleModel, CycleReport, ParameterError, Parameters};
use visa_state::{Feature, Features};

use crate::machine::Machine;

impl Machine {
    /// Takes features away, before the machine runs. Before [`Machine::model_cycles`], which asks for them.
    pub fn set_features(&mut self, features: Features) {
        for hart in &mut self.harts {
            hart.set_features(features);
        }
    }

    /// Whether it has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.harts.iter().all(|hart| hart.state.features.has(feature))
    }

    /// Models cycles from now on. It changes nothing of what the machine does.
    pub fn model_cycles(&mut self, parameters: &Parameters) -> Result<(), ParameterError> {
        let models = self.harts.iter().map(|hart| CycleModel::new(parameters, hart.state.features));
        self.models = models.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Lets the guest see modelled cycles in the MSR `cycle`, instead of retired instructions. What a guest does may then
    /// depend on the model's parameters.
    pub fn show_cycles_to_guest(&mut self) {
        for hart in &mut self.harts {
            hart.state.cycle_is_modelled = true;
        }
    }

    /// What the models have counted, over all harts; `None` without models.
    pub fn cycles(&self) -> Option<CycleReport> {
        let mut reports = self.models.iter().map(CycleModel::report);
        let first = reports.next()?;
        Some(reports.fold(first, |mut sum, report| {
            sum.merge(&report);
            sum
        }))
    }

    /// Records VM entries and exits from now on, up to `capacity` for each hart between two calls of
    /// [`Machine::take_timeline`].
    pub fn record_timeline(&mut self, capacity: usize) {
        for hart in &mut self.harts {
            hart.observers.keep_timeline(capacity);
        }
    }

    /// A hart's VM entries and exits since the last call.
    pub fn take_timeline(&mut self, hart: usize) -> Vec<Moment> {
        let timeline = self.harts.get_mut(hart).and_then(|hart| hart.observers.timeline_mut());
        timeline.map(Timeline::take).unwrap_or_default()
    }
}
