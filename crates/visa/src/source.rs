//! Sources of the assembler: where they and what they include come from, and how their errors and warnings are told.

use std::fs::File;
use std::io::{self, IsTerminal, Read, stderr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use visa_asm::{Files, MOST_SOURCE_BYTES, Object};

use crate::output;

/// What all commands that assemble take.
#[derive(Args, Debug, Clone)]
pub struct SourceOptions {
    /// Look here, too, for what ".include" and ".incbin" name; may be given several times
    #[arg(short = 'I', value_name = "DIR", help_heading = "Source")]
    include: Vec<PathBuf>,
}

impl SourceOptions {
    /// The assembler's options.
    pub fn options(&self) -> visa_asm::Options {
        visa_asm::Options { include: self.include.clone(), ..visa_asm::Options::default() }
    }
}

/// The files of the host.
struct HostFiles;

impl Files for HostFiles {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // A file that has no end, or grows, is not read to it.
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > most {
            true => Err(io::Error::other(format!("longer than {most:#x} bytes, the most that is read"))),
            false => Ok(bytes),
        }
    }
}

/// Whether a file is a source, by its name.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("s"))
}

/// Assembles a source; warnings go to standard error. `None`: there are errors, and they went there.
pub fn assemble(path: &Path, options: visa_asm::Options) -> anyhow::Result<Option<Object>> {
    let name = path.display().to_string();
    let bytes = HostFiles.read(path, MOST_SOURCE_BYTES).with_context(|| name.clone())?;
    let text = String::from_utf8(bytes).with_context(|| name.clone())?;
    let (object, told) = match visa_asm::assemble_with(&text, &name, &options, &HostFiles) {
        Ok(object) => {
            let warnings = object.warnings.clone();
            (Some(object), warnings)
        }
        Err(diagnostics) => (None, diagnostics),
    };
    if !told.is_empty() {
        output::tell(format_args!("{}", told.render(stderr().is_terminal())));
    }
    Ok(object)
}

/// What names of sources in line tables are relative to: where the command was started.
pub fn directory() -> String {
    std::env::current_dir().map_or_else(|_| ".".into(), |directory| directory.display().to_string())
}
