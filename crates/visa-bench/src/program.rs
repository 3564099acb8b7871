//! Small programs in assembly that do things between labels, begin_NAME and end_NAME, and their runs.

use std::collections::BTreeMap;

use visa_cycles::ParameterError;
use visa_embed::{BootError, End, Image, Instance, RunOutcome};
use visa_machine::loader::LoadedImage;
use visa_machine::machine::Machine;

/// A run takes far fewer.
const INSTRUCTIONS_MAX: u64 = 50_000_000;

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum MicroError {
    /// The program does not assemble.
    #[error("{0}")]
    Assemble(String),
    /// The machine could not be made.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The cycle model.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The program did not get to its end.
    #[error("{name}: after {last}: {what}")]
    Run {
        /// The program.
        name: &'static str,
        /// The last label that it came to.
        last: String,
        /// What happened.
        what: String,
    },
}

/// A program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The file, for messages.
    pub name: &'static str,
    /// What is in it.
    pub source: &'static str,
}

/// Whether a label begins or ends something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// It begins.
    Begin,
    /// It ends.
    End,
}

/// The labels by address, with the name of what they begin or end.
pub type Labels = BTreeMap<u64, (String, Side)>;

/// The labels of an image.
pub fn labels(image: &LoadedImage) -> Labels {
    let label = |name: &str| {
        let begin = name.strip_prefix("begin_").map(|name| (name.to_string(), Side::Begin));
        begin.or_else(|| name.strip_prefix("end_").map(|name| (name.to_string(), Side::End)))
    };
    image.symbols.iter().filter_map(|symbol| Some((symbol.address, label(&symbol.name)?))).collect()
}

impl Program {
    /// The program as an ELF, linked at `base`.
    pub fn assemble(&self, base: u64) -> Result<Image, MicroError> {
        let options = visa_asm::Options { base, ..visa_asm::Options::default() };
        let object = visa_asm::assemble(self.source, self.name, &options)
            .map_err(|diagnostics| MicroError::Assemble(diagnostics.render(false)))?;
        Ok(Image::Bytes(self.name.into(), object.to_elf().into()))
    }

    /// Runs a machine of one hart to the program's end, and calls `at` at each label, before the instruction there.
    pub fn watch(
        &self,
        instance: &mut Instance,
        labels: &Labels,
        mut at: impl FnMut(&mut Machine, &str, Side),
    ) -> Result<(), MicroError> {
        instance.breakpoints_mut().extend(labels.keys());
        let mut last = "the start".to_string();
        loop {
            let outcome = instance.run(INSTRUCTIONS_MAX.saturating_sub(instance.instructions()));
            let failed = |what: String| Err(MicroError::Run { name: self.name, last: last.clone(), what });
            match outcome {
                RunOutcome::Limit => {
                    return failed(format!("it did not end within {INSTRUCTIONS_MAX} instructions"));
                }
                // Nobody reads what it prints.
                RunOutcome::ConsoleFull => drop(instance.take_console()),
                RunOutcome::Ended(End::Finished(0)) => return Ok(()),
                RunOutcome::Ended(end) => return failed(format!("it ended with {end:?}")),
                RunOutcome::Waits { .. } => return failed("it waits for what never comes".into()),
                RunOutcome::EnginesDiffer(_) => return failed("the engines differ".into()),
                RunOutcome::Breakpoint { hart } => {
                    let machine = instance.machine_mut();
                    if let Some((name, side)) = labels.get(&machine.harts[hart].state.bank.pc) {
                        // A trap that comes first leads back to the label, and then this is done again.
                        at(machine, name, *side);
                        last.clone_from(name);
                    }
                    machine.step(hart);
                }
            }
        }
    }
}
