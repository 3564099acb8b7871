//! The columns: emulators, and how each is told to boot.

use std::path::{Path, PathBuf};
use std::process::Command;

/// QEMU's program.
const QEMU: &str = "qemu-system-riscv64";

/// What is booted.
#[derive(Clone, Debug)]
pub struct Guest<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The kernel's command line.
    pub append: &'a str,
    /// MiB of memory.
    pub memory_mib: u64,
}

/// An emulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emulator {
    /// Its name in reports.
    pub name: &'static str,
    /// What it is.
    pub summary: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Qemu { program: PathBuf },
    Visa { program: PathBuf, engine: &'static str, mode: &'static str, visor: Option<PathBuf> },
}

/// The column that the others are compared with.
pub const QEMU_NAME: &str = "qemu";
/// Our engine with the kernel as on bare metal.
pub const NATIVE: &str = "native";
/// Our engine with the kernel in a virtual machine under visor.
pub const ACCELERATED: &str = "accelerated";
/// The reference interpreter with the kernel as on bare metal.
pub const INTERPRETER: &str = "interpreter";

/// The columns that there are, with whether they are there unless others are asked for.
pub const COLUMNS: [(&str, bool); 4] =
    [(QEMU_NAME, true), (NATIVE, true), (ACCELERATED, true), (INTERPRETER, false)];

impl Emulator {
    /// QEMU, if it is installed.
    pub fn qemu() -> Option<Emulator> {
        let path = std::env::var_os("PATH")?;
        let mut files = std::env::split_paths(&path).map(|directory| directory.join(QEMU));
        files.find(|file| file.is_file()).map(Emulator::qemu_at)
    }

    /// The QEMU whose program this is.
    pub(super) fn qemu_at(program: PathBuf) -> Emulator {
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_or_else(|_| Vec::new(), |output| output.stdout);
        let version = String::from_utf8_lossy(&output).lines().next().unwrap_or(QEMU).to_string();
        Emulator {
            name: QEMU_NAME,
            summary: format!("{version}, TCG, one thread"),
            kind: Kind::Qemu { program },
        }
    }

    /// One of ours: the program that this is, by the name of the column.
    pub fn visa(name: &str, program: PathBuf, visor: Option<PathBuf>) -> Option<Emulator> {
        let (name, engine, mode, summary) = match name {
            NATIVE => (NATIVE, "jit", "native", "our engine, the kernel as on bare metal"),
            ACCELERATED => {
                (ACCELERATED, "jit", "accelerated", "our engine, the kernel as a guest under visor")
            }
            INTERPRETER => {
                (INTERPRETER, "interpreter", "native", "the interpreter, the kernel as on bare metal")
            }
            _ => return None,
        };
        Some(Emulator { name, summary: summary.into(), kind: Kind::Visa { program, engine, mode, visor } })
    }

    /// The command that boots a guest, with the console on its standard output.
    pub fn command(&self, guest: &Guest<'_>) -> Command {
        let memory = format!("{}M", guest.memory_mib);
        match &self.kind {
            Kind::Qemu { program } => {
                let mut command = Command::new(program);
                command.args([
                    "-machine",
                    "virt",
                    "-cpu",
                    "rv64",
                    "-accel",
                    "tcg,thread=single",
                    "-smp",
                    "1",
                ]);
                command.args(["-m", &memory, "-nographic", "-bios", "default", "-no-reboot"]);
                command.arg("-kernel").arg(guest.kernel).arg("-initrd").arg(guest.initrd);
                command.args(["-append", guest.append]);
                command
            }
            Kind::Visa { program, engine, mode, visor } => {
                let mut command = Command::new(program);
                command
                    .args(["boot", "--engine", engine, "--mode", mode, "--clock", "virtual", "-m", &memory]);
                command.arg("--kernel").arg(guest.kernel).arg("--initrd").arg(guest.initrd);
                command.args(["--append", guest.append]);
                if let Some(visor) = visor {
                    command.arg("--visor").arg(visor);
                }
                command
            }
        }
    }

    /// The command as one would type it.
    pub fn shown(&self, guest: &Guest<'_>) -> String {
        let command = self.command(guest);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted = words.map(|word| {
            let word = word.to_string_lossy();
            if word.contains(' ') { format!("\"{word}\"") } else { word.into_owned() }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_ours_has_a_command() {
        let guest = Guest { kernel: Path::new("K"), initrd: Path::new("I"), append: "a b", memory_mib: 256 };
        for (name, _) in COLUMNS.iter().filter(|(name, _)| *name != QEMU_NAME) {
            let emulator = Emulator::visa(name, "visa".into(), None).unwrap();
            assert_eq!(emulator.name, *name);
            let shown = emulator.shown(&guest);
            assert!(
                shown.starts_with("visa boot --engine ") && shown.ends_with("--append \"a b\""),
                "{shown}"
            );
        }
        assert_eq!(Emulator::visa("other", "visa".into(), None), None);
    }
}
