//! The timeline of `--trace-exits`.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::Context;
use visa_bench::timeline::{Axis, Tenants, TimelineWriter};
use visa_machine::machine::Machine;

use crate::options::RunOptions;
use crate::output::Out;

/// Moments of a hart between two slices: far more than a slice has room for.
const MOMENTS_MAX: usize = 1 << 20;

/// A timeline and its file.
pub struct ExitTimeline {
    writer: TimelineWriter<BufWriter<Out>>,
    path: PathBuf,
}

impl ExitTimeline {
    /// As the options ask for. `None`: they do not.
    pub fn new(
        options: &RunOptions,
        mode: &str,
        machine: &mut Machine,
    ) -> anyhow::Result<Option<ExitTimeline>> {
        let Some(path) = &options.trace_exits else { return Ok(None) };
        let cannot = || format!("--trace-exits: cannot write {}", path.display());
        let file = BufWriter::new(Out::to(File::create(path).with_context(cannot)?));
        let axis = if machine.cycles().is_some() { Axis::Cycles } else { Axis::Instructions };
        let tenants = if mode == "software" { Tenants::SoftwareOnly } else { Tenants::KernelBelowPrograms };
        let writer = TimelineWriter::new(file, machine.harts.len(), axis, tenants).with_context(cannot)?;
        machine.record_timeline(MOMENTS_MAX);
        Ok(Some(ExitTimeline { writer, path: path.clone() }))
    }

    /// Writes down what came since the last call.
    pub fn note(&mut self, machine: &mut Machine) -> anyhow::Result<()> {
        for hart in 0..machine.harts.len() {
            let moments = machine.take_timeline(hart);
            let written = self.writer.add(hart, &moments);
            written.with_context(|| format!("--trace-exits: cannot write {}", self.path.display()))?;
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self, machine: &mut Machine) -> anyhow::Result<()> {
        self.note(machine)?;
        let now: Vec<_> =
            machine.harts.iter().map(|hart| (hart.state.instructions, hart.state.millicycles)).collect();
        let written = self.writer.finish(&now);
        written.map(drop).with_context(|| format!("--trace-exits: cannot write {}", self.path.display()))
    }
}
