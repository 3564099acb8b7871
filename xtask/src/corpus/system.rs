//! A whole Debian with systemd: boots to a login prompt, says that no unit has failed, compiles a program and runs it, powers
//! off, and leaves a clean disk.

use super::catalogue;
use super::packages::{Disk, Place};
use crate::fetch_debian::initramfs;
use crate::process;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// RAM of the guest.
const MEMORY: &str = "1G";
/// As that of the corpus's other guests, with systemd's own words.
const KERNEL_LINE: &str = "console=ttyS0 quiet panic=-1 cryptomgr.notests no5lvl";
/// Seconds of this machine's time after which it is ended.
const TIMEOUT: u64 = 3_600;

/// What comes on the console, and what is typed then.
const DIALOGUE: [(&str, &str); 3] =
    [("login: ", "root\n"), ("# ", "sh /root/check.sh\n"), ("@@done", "systemctl poweroff\n")];

/// Files of the source tree that are on its disk, and their contents.
pub fn files() -> Result<Vec<(&'static str, String)>> {
    let files = [("root/check.sh", "system/check.sh"), ("root/machine.c", "sources/machine.c")];
    let read = |(to, from)| {
        let from = catalogue::directory().join(from);
        let text = fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        Ok((to, text))
    };
    files.into_iter().map(read).collect()
}

/// What the system said of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    state: String,
    failed: String,
    units: Vec<String>,
    program: Vec<String>,
    boot: String,
}

impl Said {
    fn of(console: &str) -> Said {
        let mut said = Said::default();
        let mut in_program = false;
        for line in console.lines().map(|line| line.trim_end_matches('\r')) {
            if let Some(text) = line.strip_prefix("@@program ") {
                said.program.push(text.into());
                in_program = true;
                continue;
            }
            let Some((name, text)) = line.strip_prefix("@@").and_then(|line| line.split_once(' ')) else {
                if in_program && !line.starts_with("@@") {
                    said.program.push(line.into());
                }
                continue;
            };
            in_program = false;
            match name {
                "state" => said.state = text.into(),
                "failed" => said.failed = text.into(),
                "unit" => said.units.push(text.into()),
                "boot" => said.boot = text.into(),
                _ => {}
            }
        }
        said
    }

    /// What is not as it should be.
    fn complaint(&self, expected: &[String]) -> Option<String> {
        if self.state != "running" || self.failed != "0" {
            let units = self.units.join("; ");
            return Some(format!("its state is `{}`, {} units failed: {units}", self.state, self.failed));
        }
        (self.program != expected)
            .then(|| format!("its program printed {:?}, not {expected:?}", self.program))
    }
}

/// Runs it on an engine in a mode; `visa` is the command with its options for both.
pub fn run(visa: &[String], place: &Place, disk: &Disk, title: &str) -> Result<()> {
    let scratch = place.root.join("runs").join(format!("system-{}", title.replace(", ", "-")));
    process::create_directory(&scratch)?;
    let image = scratch.join("disk.img");
    process::output(Command::new("cp").arg("--sparse=always").arg(&disk.image).arg(&image))?;
    let archive = {
        let init = fs::read(catalogue::directory().join("system/init.sh"))?;
        let mut archive = initramfs::archive_of(&init, &place.root.join("busybox"), &place.modules())?;
        archive.directory("tree");
        initramfs::compress(&archive.finish())?
    };
    let initrd = scratch.join("initramfs.cpio.gz");
    fs::write(&initrd, archive)?;
    let mut command = Command::new(&visa[0]);
    command.args(["boot", "--clock", "virtual", "-m", MEMORY, "--timeout", &TIMEOUT.to_string()]);
    command.args(["--append", KERNEL_LINE, "--kernel"]).arg(place.kernel()).arg("--initrd").arg(&initrd);
    command.arg("--disk").arg(format!("path={}", image.display())).args(&visa[1..]);
    let began = Instant::now();
    let (status, console) = converse(command, &scratch.join("errors.txt"))?;
    fs::write(scratch.join("console.txt"), &console)?;
    let seconds = began.elapsed().as_secs_f64();
    let expected = expected_program()?;
    let said = Said::of(&console);
    if let Some(complaint) = said.complaint(&expected) {
        bail!("{title}: a whole Debian: {complaint} ({status}); its console is in {}", scratch.display());
    }
    if !status.success() {
        bail!("{title}: a whole Debian did not power off: {status}; see {}", scratch.display());
    }
    process::output(Command::new("e2fsck").args(["-f", "-n"]).arg(&image))
        .context("the file system is not clean after the run")?;
    fs::remove_file(&image)?;
    println!(
        "{title}: a whole Debian: logged in, no failed unit, compiled and ran a program, powered off, disk clean, \
         in {seconds:.0} s; {}",
        said.boot
    );
    Ok(())
}

/// What the program prints: the first line of what QEMU gave for it.
fn expected_program() -> Result<Vec<String>> {
    let file: PathBuf = catalogue::directory().join("expected/gcc-small");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    // It was compiled at two levels there, and prints the same.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("code ")).collect();
    Ok(lines[..lines.len() / 2].iter().map(|line| line.to_string()).collect())
}

/// Runs a command, types what the dialogue says, and returns what it printed.
fn converse(mut command: Command, errors: &Path) -> Result<(std::process::ExitStatus, String)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(errors)?);
    let mut child = command.spawn().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let mut input = child.stdin.take().context("a pipe was asked for")?;
    let mut output = child.stdout.take().context("a pipe was asked for")?;
    let mut console = Vec::new();
    let mut dialogue = DIALOGUE.iter().peekable();
    let mut heard = 0;
    let mut buffer = [0; 4096];
    loop {
        let length = output.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        console.extend_from_slice(&buffer[..length]);
        while let Some((expected, typed)) = dialogue.peek() {
            let found = console[heard..].windows(expected.len()).position(|part| part == expected.as_bytes());
            let Some(at) = found else { break };
            heard += at + expected.len();
            // A guest that has ended reads nothing, which its end will tell.
            let _ = input.write_all(typed.as_bytes()).and_then(|()| input.flush());
            dialogue.next();
        }
    }
    drop(input);
    Ok((child.wait()?, String::from_utf8_lossy(&console).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_system_says_is_judged() {
        let console = "corpus login: root\r\n@@state running\r\n@@failed 0\r\n@@program 1 2\r\n3\r\n@@boot Startup\r\n@@done\r\nx\r\n";
        let said = Said::of(console);
        let program = ["1 2".to_string(), "3".to_string()];
        assert_eq!((said.complaint(&program), said.boot.as_str()), (None, "Startup"));
        assert!(said.complaint(&program[..1]).is_some());
        let degraded = Said::of("@@state degraded\n@@failed 1\n@@unit a.service\n@@program 1 2\n3\n@@done\n");
        assert!(degraded.complaint(&program).is_some_and(|complaint| complaint.contains("a.service")));
        assert!(Said::of("Kernel panic").complaint(&program).is_some());
    }

    #[test]
    fn the_program_has_something_to_print() {
        assert!(!expected_program().unwrap().is_empty());
    }
}
