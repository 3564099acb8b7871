//! `cargo xtask generate`: the files that are made from the tables of `visa-isa`, and the check that they are fresh.

mod guest_crate;
mod header;
mod output;
mod tables;
mod text;

use crate::workspace;
use anyhow::{Context, Result, bail};

/// Writes the C header, the Rust wrappers and the specification's tables from crates/visa-isa
#[derive(clap::Args)]
pub struct Arguments {
    /// Write nothing; fail and name the files that are stale
    #[arg(long)]
    check: bool,
}

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let mut outputs = vec![header::generate()];
    outputs.extend(guest_crate::generate());
    outputs.extend(tables::generate());
    let mut stale = Vec::new();
    for output in &outputs {
        let path = workspace::root().join(&output.path);
        if std::fs::read_to_string(&path).is_ok_and(|current| current == output.content) {
            continue;
        }
        stale.push(output.path.as_str());
        if !arguments.check {
            if let Some(directory) = path.parent() {
                crate::process::create_directory(directory)?;
            }
            std::fs::write(&path, &output.content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    match (arguments.check, stale.is_empty()) {
        (true, false) => bail!("stale, run `cargo xtask generate`:\n  {}", stale.join("\n  ")),
        (_, true) => println!("{} generated files are fresh", outputs.len()),
        (false, false) => println!("wrote {}", stale.join("\n      ")),
    }
    Ok(())
}
