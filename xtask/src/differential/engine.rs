//! What runs an image: QEMU's user mode, and the `visa` command.

use super::image::{self, Image};
use super::results::Results;
use crate::process;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use visa_isa::Op;

/// QEMU's user mode for riscv64.
pub const QEMU: &str = "qemu-riscv64";

/// QEMU's user mode.
pub struct Qemu {
    file: PathBuf,
}

impl Qemu {
    /// An engine that writes its program into a directory.
    pub fn new(directory: &Path) -> Self {
        Self { file: directory.join("for-qemu.elf") }
    }

    /// Instructions that the installed version is known to get wrong; it is asked for a case of each.
    pub fn defects(&self) -> Result<Vec<Op>> {
        // Versions before 8 let CTZW count on into the upper half.
        const SUSPECTS: [(Op, u64, i32); 1] = [(Op::Ctzw, 1 << 52, 32)];
        let mut defects = Vec::new();
        for (op, operand, expected) in SUSPECTS {
            self.write(&image::probe(op, operand))?;
            let status = process::run_captured(Command::new(QEMU).arg(&self.file))?.status;
            if status.code() != Some(expected) {
                defects.push(op);
            }
        }
        Ok(defects)
    }

    /// Runs an image to its end.
    pub fn run(&self, image: &Image) -> Result<Results> {
        self.write(&image.for_qemu())?;
        let mut command = Command::new(QEMU);
        let output = process::run_captured(command.arg(&self.file))?;
        if !output.status.success() {
            bail!("{}", process::describe_failure(&command, &output));
        }
        complete(output.stdout, image).with_context(|| format!("{QEMU} {}", self.file.display()))
    }
}

impl Qemu {
    fn write(&self, program: &[u8]) -> Result<()> {
        std::fs::write(&self.file, program)?;
        std::fs::set_permissions(&self.file, std::fs::Permissions::from_mode(0o755))?;
        Ok(())
    }
}

/// The `visa` command.
pub struct VisaCommand {
    command: PathBuf,
    file: PathBuf,
}

impl VisaCommand {
    /// An engine that writes its program into a directory.
    pub fn new(command: PathBuf, directory: &Path) -> Self {
        Self { command, file: directory.join("for-visa.elf") }
    }

    /// Runs an image to its end.
    pub fn run(&self, image: &Image) -> Result<Results> {
        const TIMEOUT_S: &str = "60";
        std::fs::write(&self.file, image.for_visa())?;
        let mut command = Command::new(&self.command);
        let output =
            process::run_captured(command.arg("run").arg(&self.file).args(["--timeout", TIMEOUT_S]))?;
        if !output.status.success() {
            bail!("{}", process::describe_failure(&command, &output));
        }
        // The guest's console may have company on the standard output: its line is the longest.
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().max_by_key(|line| line.len()).unwrap_or_default();
        let bytes =
            from_hexadecimal(line.trim()).context("the results on the console are not hexadecimal")?;
        complete(bytes, image).with_context(|| format!("visa run {}", self.file.display()))
    }
}

fn complete(results: Vec<u8>, image: &Image) -> Result<Results> {
    if results.len() != image.results_size() {
        bail!("{} bytes of results, {} expected", results.len(), image.results_size());
    }
    Ok(Results { bytes: results })
}

fn from_hexadecimal(line: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        line.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
