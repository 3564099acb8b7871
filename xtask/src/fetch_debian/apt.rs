//! apt with lists, cache and sources of its own, for another architecture than the machine's.

use super::mirror::Mirror;
use crate::process;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One private apt.
pub struct Apt {
    directory: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    /// Lays out the private state below `directory`.
    pub fn new(directory: &Path, mirror: &Mirror, suite: &str) -> Result<Self> {
        for program in ["apt-get", "apt-cache", "dpkg"] {
            if !process::exists(program) {
                bail!("`{program}` is not there: this chore needs a Debian system, or a Debian container");
            }
        }
        for part in ["lists/partial", "cache/archives/partial", "packages"] {
            process::create_directory(&directory.join(part))?;
        }
        let option = match &mirror.signed_by {
            Some(keyring) => format!("[signed-by={keyring}] "),
            None => String::new(),
        };
        write(&directory.join("sources.list"), &format!("deb {option}{} {suite} main\n", mirror.uri))?;
        // dpkg's status: nothing is installed, as far as this apt knows.
        write(&directory.join("status"), "")?;
        let configuration = directory.join("apt.conf");
        write(&configuration, &configuration_text(directory))?;
        Ok(Self { directory: directory.to_owned(), configuration })
    }

    /// Fetches the lists of packages.
    pub fn update(&self) -> Result<()> {
        let update = self.command("apt-get", &["update", "--error-on=any"]);
        process::output(&mut { update }).map(drop).context(
            "cannot fetch Debian's package lists: is the network there, and does the mirror carry riscv64? \
             (another mirror: --mirror URI)",
        )
    }

    /// The package with this prefix that a meta package depends on.
    pub fn dependency(&self, package: &str, prefix: &str) -> Result<String> {
        let depends = process::output(&mut self.command("apt-cache", &["depends", "--important", package]))
            .with_context(|| format!("the mirror's lists have no package {package}"))?;
        depends
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .with_context(|| format!("{package} depends on no package named {prefix}..."))
    }

    /// Packages that give a system with these in it, dependencies included, in an order in which they can be installed.
    pub fn closure(&self, packages: &[&str]) -> Result<Vec<String>> {
        let mut command =
            self.command("apt-get", &["install", "--simulate", "--no-install-recommends", "--assume-yes"]);
        let plan = process::output(command.args(packages))
            .context("apt finds no set of packages in which these can be installed")?;
        let names = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
        Ok(names.map(str::to_owned).collect())
    }

    /// As [`Apt::download`], but an archive that is there in the version that the lists have is not fetched again.
    pub fn download_missing(&self, packages: &[String]) -> Result<Vec<PathBuf>> {
        let into = self.directory.join("packages");
        let mut command = self.command("apt-get", &["download", "--print-uris"]);
        let shown = process::output(command.args(packages).current_dir(&into))?;
        // A line has the address in quotes, the file's name, its size and its checksum; the names of those that are there
        // already are not shown.
        let missing: Vec<&str> = shown
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1)?.split('_').next())
            .filter(|name| packages.iter().any(|package| package == name))
            .collect();
        if !missing.is_empty() {
            let mut command = self.command("apt-get", &["download"]);
            process::output(command.args(&missing).current_dir(&into))
                .context("cannot download the packages")?;
        }
        packages.iter().map(|package| newest_archive(&into, package)).collect()
    }

    /// Downloads packages, and returns their archives.
    pub fn download(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let into = self.directory.join("packages");
        let mut command = self.command("apt-get", &["download"]);
        process::output(command.args(packages).current_dir(&into)).context("cannot download the packages")?;
        packages.iter().map(|package| newest_archive(&into, package)).collect()
    }

    /// A line for each archive: the name and version of the package in it.
    pub fn versions_of(archives: &[PathBuf]) -> Result<String> {
        let mut lines = Vec::new();
        for archive in archives {
            let mut command = Command::new("dpkg-deb");
            command.arg("--show").arg("--showformat=${Package} ${Version}\\n").arg(archive);
            lines.push(process::output(&mut command)?);
        }
        lines.sort();
        Ok(lines.concat())
    }

    /// A line for each package: its name and version.
    pub fn versions(&self, packages: &[&str]) -> Result<String> {
        let mut text = String::new();
        for package in packages {
            let shown =
                process::output(&mut self.command("apt-cache", &["show", "--no-all-versions", package]))?;
            let version = shown.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("?");
            text += &format!("{package} {version}\n");
        }
        Ok(text)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("APT_CONFIG", &self.configuration).env("LC_ALL", "C");
        command
    }
}

/// The archive of a package that was downloaded last: an earlier, interrupted run may have left older ones.
fn newest_archive(directory: &Path, package: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".deb") && name.split('_').next() == Some(package) {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    let newest = found.into_iter().max().map(|(_, path)| path);
    newest.with_context(|| format!("apt-get left no archive of {package} in {}", directory.display()))
}

/// The machine's own configuration parts stay in force (proxies, certificates); only the state moves.
fn configuration_text(directory: &Path) -> String {
    let place = directory.display();
    format!(
        "APT::Architecture \"riscv64\";\n\
         APT::Architectures {{ \"riscv64\"; }};\n\
         // As root, apt would download as a user who cannot write here.\n\
         APT::Sandbox::User \"\";\n\
         Dir::State \"{place}\";\n\
         Dir::State::status \"{place}/status\";\n\
         Dir::State::lists \"{place}/lists\";\n\
         Dir::Cache \"{place}/cache\";\n\
         Dir::Etc::SourceList \"{place}/sources.list\";\n\
         Dir::Etc::SourceParts \"/dev/null\";\n\
         Dir::Etc::PreferencesParts \"/dev/null\";\n\
         Acquire::Retries \"3\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n"
    )
}

/// Unpacks an archive into a directory, without installing it.
pub fn unpack(archive: &Path, into: &Path) -> Result<()> {
    process::create_directory(into)?;
    process::output(Command::new("dpkg").arg("-x").arg(archive).arg(into)).map(drop)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
