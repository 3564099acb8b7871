//! Small programs in assembly that do things between labels, begin_NAME and end_NAME, and their runs.

use std::collections::BTreeMap;
use std::io::Write;

use tempfile::NamedTempFile;
use visa_machine::loader::LoadedImage;
use visa_machine::machine::{End, Machine, Progress};

use crate::micro::MicroError;

/// A run takes far fewer.
const INSTRUCTIONS_MAX: u64 = 50_000_000;

/// How long a slice is; nothing depends on it.
const SLICE_NS: u64 = 1_000_000;

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
    /// The program as an ELF file, linked at `base`.
    pub fn assemble(&self, base: u64) -> Result<NamedTempFile, MicroError> {
        let options = visa_asm::Options { base, ..visa_asm::Options::default() };
        let object = visa_asm::assemble(self.source, self.name, &options)
            .map_err(|diagnostics| MicroError::Assemble(diagnostics.render(false)))?;
        let mut file = NamedTempFile::new()?;
        file.write_all(&object.to_elf())?;
        Ok(file)
    }

    /// Runs a machine of one hart to the program's end, and calls `at` at each label, before the instruction there.
    pub fn watch(
        &self,
        machine: &mut Machine,
        labels: &Labels,
        mut at: impl FnMut(&mut Machine, &str, Side),
    ) -> Result<(), MicroError> {
        machine.breakpoints_mut().extend(labels.keys());
        let mut last = "the start".to_string();
        loop {
            let progress = machine.run_slice(SLICE_NS, u64::MAX);
            let failed = |what: String| Err(MicroError::Run { name: self.name, last: last.clone(), what });
            match progress {
                Progress::Running if machine.instructions() > INSTRUCTIONS_MAX => {
                    return failed(format!("it did not end within {INSTRUCTIONS_MAX} instructions"));
                }
                Progress::Running => {}
                Progress::Ended(End::Finished(0)) => return Ok(()),
                Progress::Ended(end) => return failed(format!("it ended with {end:?}")),
                Progress::Idle(_) => return failed("it waits for what never comes".into()),
                Progress::Breakpoint(hart) => {
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
