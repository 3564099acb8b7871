//! Running other programs, with errors that say what was run and what it said.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// Whether a program of this name is on the PATH.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Whether this process may install packages.
pub fn is_root() -> bool {
    // The owner of /proc/self is the effective user of this process.
    std::os::unix::fs::MetadataExt::uid(&match std::fs::metadata("/proc/self") {
        Ok(metadata) => metadata,
        Err(_) => return false,
    }) == 0
}

/// Runs a command to its end, and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = run_captured(command)?;
    if !output.status.success() {
        bail!("{}", describe_failure(command, &output));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote no UTF-8", shown(command)))
}

/// Runs a command to its end, whatever its exit code, with its output captured.
pub fn run_captured(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("cannot run `{}`", shown(command)))
}

/// Makes sure that a program is there: installs the Debian package that has it if this process may, else
/// says what to do.
pub fn require(program: &str, package: &str) -> Result<()> {
    install(program, package, &|| exists(program))
}

/// The same for a file that is no program.
pub fn require_file(file: &Path, package: &str) -> Result<()> {
    install(&file.display().to_string(), package, &|| file.is_file())
}

fn install(what: &str, package: &str, is_there: &dyn Fn() -> bool) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    if !exists("apt-get") || !is_root() {
        bail!("`{what}` is not installed; on Debian: sudo apt-get install {package}");
    }
    eprintln!("installing {package}, which has `{what}`");
    apt_get(["update"])?;
    apt_get(["install", "--yes", "--no-install-recommends", package])?;
    if !is_there() {
        bail!("package {package} is installed, and still `{what}` is not found");
    }
    Ok(())
}

fn apt_get<const N: usize>(arguments: [&str; N]) -> Result<()> {
    output(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

/// One line for what was run, and the last lines of what it said.
pub fn describe_failure(command: &Command, output: &Output) -> String {
    const LAST_LINES: usize = 15;
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
    format!("`{}` failed ({}):\n{tail}", shown(command), output.status)
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(Into::into)
        .collect();
    words.join(" ")
}

/// Creates a directory with its parents.
pub fn create_directory(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}
