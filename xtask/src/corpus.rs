//! `cargo xtask corpus`: real programs of Debian's, on every engine and in every mode, against what they print on QEMU.
//!
//! The disk is made of Debian's packages in `build/corpus`; programs and what is expected of them are in `tests/corpus`,
//! whose README says what is where. One boot runs the programs one after the other; if it does not come to its end, the
//! program that ran is wrong, and another boot goes on with the rest.

mod catalogue;
mod console;
mod disk;
mod guest;
mod packages;
mod result;
mod system;

use crate::fetch_debian::kernel;
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use catalogue::Program;
use guest::{Boot, Machine};
use packages::{Disk, Extent, Place, Unreachable};
use result::{Line, Summary, Verdict};
use std::fs;
use std::path::{Path, PathBuf};

/// Run programs of Debian's for riscv64 and compare what they print with what QEMU gave
#[derive(clap::Args)]
pub struct Arguments {
    /// Engines, comma-separated: interpreter, jit, checked, lockstep
    #[arg(long, value_delimiter = ',', default_value = "jit")]
    engine: Vec<String>,
    /// Modes, comma-separated: native, accelerated, software
    #[arg(long, value_delimiter = ',', default_value = "native,accelerated")]
    mode: Vec<String>,
    /// Only these programs, comma-separated
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Only the programs that are quick, as the gate runs them, on a smaller disk unless that of all is there
    #[arg(long)]
    quick: bool,
    /// Instead of programs: boot a whole Debian with systemd, log in, compile, power off, check the disk
    #[arg(long, conflicts_with_all = ["only", "quick", "list", "record", "json"])]
    systemd: bool,
    /// Name the programs, and run none
    #[arg(long)]
    list: bool,
    /// Run qemu-system-riscv64, and take what it gives as what is expected
    #[arg(long, conflicts_with_all = ["engine", "mode", "json"])]
    record: bool,
    /// Write the results as one JSON object; "-" is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// If Debian's packages are needed and cannot be fetched, say so and succeed
    #[arg(long)]
    skip_offline: bool,
    /// A further option of `visa boot`, such as --checked-share=10; may be given again
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    visa_option: Vec<String>,
    /// The visa to run [default: a release build of this tree]
    #[arg(long, value_name = "FILE")]
    visa: Option<PathBuf>,
    /// A Debian mirror [default: the one that this machine's apt uses]
    #[arg(long)]
    mirror: Option<String>,
    /// Fetch packages and make the disk again even if it is there
    #[arg(long)]
    refresh: bool,
}

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let programs = catalogue::chosen(&arguments.only, arguments.quick)?;
    if arguments.list {
        for program in &programs {
            println!("{:<14} {}", program.name, program.about);
        }
        return Ok(());
    }
    let root = workspace::root().join("build/corpus");
    process::create_directory(&root)?;
    let place = Place { root: root.canonicalize()? };
    // What is expected is recorded with all packages.
    let extent = match arguments.systemd {
        true => Extent::System,
        false if arguments.quick && !arguments.record => Extent::Quick,
        false => Extent::Whole,
    };
    let disk = match disk::prepare(&place, extent, arguments.mirror.clone(), arguments.refresh) {
        Err(error) if arguments.skip_offline && error.is::<Unreachable>() => {
            let what = if arguments.systemd {
                "a whole Debian".into()
            } else {
                format!("{} programs of Debian's", programs.len())
            };
            println!("skipped: {what}: {error:#}");
            return Ok(());
        }
        prepared => prepared?,
    };
    if arguments.record {
        return record(&place, &disk.image, &programs);
    }
    let command = match arguments.visa.clone() {
        Some(visa) => visa,
        None => workspace::release_build("visa")?,
    };
    if arguments.systemd {
        return boot_system(&arguments, &command, &place, &disk);
    }
    result::warn_of_other_versions(&disk)?;
    let mut summaries = Vec::new();
    for engine in &arguments.engine {
        for mode in &arguments.mode {
            let machine = Machine::Visa {
                command: command.clone(),
                engine: engine.clone(),
                mode: mode.clone(),
                options: arguments.visa_option.clone(),
            };
            let lines = run_all(&machine, &place, &disk.image, &programs, &format!("{engine}, {mode}"))?;
            summaries.push(Summary { engine: engine.clone(), mode: mode.clone(), lines });
        }
    }
    if let Some(file) = &arguments.json {
        result::write_json(file, &summaries)?;
    }
    if summaries.len() > 1 {
        println!("\n{}", result::table(&summaries));
    }
    summaries.iter().for_each(|summary| println!("{}", summary.line()));
    let wrong = summaries.iter().map(Summary::wrong).sum::<usize>();
    if wrong > 0 {
        bail!("{wrong} results are not what QEMU gave");
    }
    Ok(())
}

/// Boots a whole Debian on each engine in each mode.
fn boot_system(arguments: &Arguments, visa: &Path, place: &Place, disk: &Disk) -> Result<()> {
    for engine in &arguments.engine {
        for mode in &arguments.mode {
            let mut command = vec![visa.display().to_string()];
            command.extend(["--engine", engine, "--mode", mode].map(str::to_owned));
            command.extend(arguments.visa_option.iter().cloned());
            system::run(&command, place, disk, &format!("{engine}, {mode}"))?;
        }
    }
    Ok(())
}

/// Runs programs on one machine: one boot, and more if it does not come to its end.
fn run_all(
    machine: &Machine,
    place: &Place,
    image: &Path,
    programs: &[Program],
    title: &str,
) -> Result<Vec<Line>> {
    let scratch = place.root.join("runs").join(title.replace(", ", "-"));
    process::create_directory(&scratch)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut left = programs;
    while !left.is_empty() {
        let boot = Boot { machine, place, image, scratch: &scratch, timeout: guest::timeout(left) };
        let ran = boot.run(left, |console| {
            if let Some(output) = console.outputs.last() {
                let line = result::judge(output, left);
                println!("{title}: {}", line.text());
                lines.push(line);
            }
        })?;
        for complaint in &ran.console.complaints {
            eprintln!("{title}: the guest: {complaint}");
        }
        let ended = ran.console.outputs.len();
        left = &left[ended..];
        if ran.console.done {
            break;
        }
        let Some(unfinished) = ran.console.unfinished() else {
            bail!(
                "{title}: the guest ended without a program ({}); its last line: {}",
                ran.ended,
                ran.console.last_line
            );
        };
        let line =
            Line { name: unfinished.into(), seconds: None, verdict: Verdict::Unfinished(ran.ended.clone()) };
        println!("{title}: {}", line.text());
        lines.push(line);
        left = &left[1..];
    }
    Ok(lines)
}

/// What QEMU gives becomes what is expected.
fn record(place: &Place, image: &Path, programs: &[Program]) -> Result<()> {
    process::require("qemu-system-riscv64", "qemu-system-misc")?;
    let expected = catalogue::directory().join("expected");
    process::create_directory(&expected)?;
    let scratch = place.root.join("runs/qemu");
    process::create_directory(&scratch)?;
    let boot =
        Boot { machine: &Machine::Qemu, place, image, scratch: &scratch, timeout: guest::timeout(programs) };
    let mut failed = None;
    let ran = boot.run(programs, |console| {
        if let Some(output) = console.outputs.last() {
            let code = output.text.lines().last().unwrap_or_default();
            println!("{}: {:.1} s, {code}", output.name, output.took.as_secs_f64());
            // Written at once: a run of all of them takes long.
            if let Err(error) = fs::write(expected.join(&output.name), &output.text) {
                failed = Some(error);
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error).with_context(|| format!("cannot write to {}", expected.display()));
    }
    kernel::keep(&place.disk(Extent::Whole).versions, &expected.join("packages.txt"))?;
    if !ran.console.done {
        bail!("QEMU's run did not come to its end ({}): {}", ran.ended, ran.console.last_line);
    }
    Ok(())
}
