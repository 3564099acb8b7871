//! A compiler for the guests: an installed rustup target, or Debian's packages `rustc-web` and `rust-web-src`, which
//! have a compiler with the sources of its library, unpacked beside the system.

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of the guests.
pub const TARGET: &str = "riscv64gc-unknown-none-elf";

/// Libraries that Debian's compiler needs at run time.
const RUNTIME_PACKAGES: [&str; 6] = ["libedit2", "libffi8", "libxml2", "libz3-4", "libzstd1", "zlib1g"];

/// Where the packages have the library's sources.
const LIBRARY: &str = "usr/lib/rustlib/src/rust";

/// A compiler and a linker.
pub struct Toolchain {
    /// The directory of Debian's compiler; without it, the rustup toolchain in use.
    debian: Option<PathBuf>,
    linker: PathBuf,
}

impl Toolchain {
    /// Finds one, or sets one up.
    pub fn find(given: Option<PathBuf>) -> Result<Toolchain> {
        let linker = linker()?;
        let debian = match given {
            Some(directory) if directory.join("rustc").is_file() => Some(absolute(&directory)?),
            Some(directory) => bail!("there is no compiler at {}", directory.join("rustc").display()),
            None if has_rustup_target() => None,
            None => Some(debian(&workspace::root().join("build/rv-rust"))?),
        };
        Ok(Toolchain { debian, linker })
    }

    /// Names and versions of compiler and linker.
    pub fn version(&self) -> String {
        let asked = |program: &Path, arguments: &[&str]| {
            let text = process::output(Command::new(program).args(arguments)).unwrap_or_default();
            text.lines().next().unwrap_or("unknown").trim().to_string()
        };
        let linker = if is_lld(&self.linker) {
            // The rest of the line names the build.
            let line = asked(&self.linker, &["-flavor", "gnu", "--version"]);
            line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        } else {
            asked(&self.linker, &["--version"])
        };
        format!("{}, {linker}", asked(&self.rustc(), &["--version"]))
    }

    /// Makes a cargo command use it.
    pub fn apply(&self, command: &mut Command) {
        command.arg("--config").arg(format!("target.{TARGET}.linker='{}'", self.linker.display()));
        if self.debian.is_some() {
            // The library is not there compiled, and only a nightly compiler, or one told so, builds it along.
            command.arg("-Zbuild-std=core,alloc").env("RUSTC_BOOTSTRAP", "1").env("RUSTC", self.rustc());
        }
    }

    /// Where the library's sources are, if they are compiled along.
    pub fn library(&self) -> Option<PathBuf> {
        self.debian.as_ref().map(|directory| directory.join(LIBRARY))
    }

    fn rustc(&self) -> PathBuf {
        self.debian.as_ref().map_or_else(|| "rustc".into(), |directory| directory.join("rustc"))
    }
}

/// Writes a wrapper for the compiler that makes the names in what it compiles independent of where the sources are:
/// cargo tells crates apart by a number that it makes of their paths; here name and version do.
pub fn write_wrapper(directory: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    const WRAPPER: &str = "#!/bin/sh\n\
        rustc=$1\n\
        shift\n\
        for argument do\n\
        \x20   shift\n\
        \x20   case $argument in\n\
        \x20       metadata=*) argument=\"metadata=$CARGO_CRATE_NAME-$CARGO_PKG_VERSION\" ;;\n\
        \x20   esac\n\
        \x20   set -- \"$@\" \"$argument\"\n\
        done\n\
        exec \"$rustc\" \"$@\"\n";
    let path = directory.join("rustc-wrapper");
    if fs::read_to_string(&path).ok().as_deref() != Some(WRAPPER) {
        fs::write(&path, WRAPPER).with_context(|| format!("cannot write {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(path)
}

/// Whether the rustup toolchain in use has the target's library.
fn has_rustup_target() -> bool {
    let directory = rustc_says(&["--print", "target-libdir", "--target", TARGET]);
    directory.is_ok_and(|directory| Path::new(&directory).is_dir())
}

/// The linker of the rustup toolchain in use, or else that of Debian's binutils.
fn linker() -> Result<PathBuf> {
    const BINUTILS: &str = "riscv64-unknown-elf-ld";
    let sysroot = PathBuf::from(rustc_says(&["--print", "sysroot"])?);
    let version = rustc_says(&["-vV"])?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let lld = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    if lld.is_file() {
        return Ok(lld);
    }
    process::require(BINUTILS, "binutils-riscv64-unknown-elf")?;
    Ok(BINUTILS.into())
}

fn is_lld(linker: &Path) -> bool {
    linker.file_name().is_some_and(|name| name == "rust-lld")
}

fn rustc_says(arguments: &[&str]) -> Result<String> {
    process::output(Command::new("rustc").args(arguments)).map(|text| text.trim().to_string())
}

fn absolute(directory: &Path) -> Result<PathBuf> {
    directory.canonicalize().with_context(|| format!("cannot resolve {}", directory.display()))
}

/// Debian's compiler in a directory: unpacked from its packages if it is not there yet.
fn debian(directory: &Path) -> Result<PathBuf> {
    if !directory.join("rustc").is_file() {
        for program in ["apt-get", "apt-cache", "dpkg", "dpkg-deb", "tar"] {
            if !process::exists(program) {
                bail!(
                    "no compiler for {TARGET}: run `rustup target add {TARGET}` (`{program}`, to fetch Debian's, is not there)"
                );
            }
        }
        eprintln!("unpacking Debian's Rust compiler into {}", directory.display());
        unpack(directory).with_context(|| {
            format!(
                "cannot set up Debian's compiler; where rustup can, `rustup target add {TARGET}` does instead"
            )
        })?;
    }
    absolute(directory)
}

/// Fetches and unpacks the packages. The directory appears when it is complete.
fn unpack(directory: &Path) -> Result<()> {
    if process::is_root() {
        apt(&["apt-get", "update"])?;
        let install = ["apt-get", "install", "--yes", "--no-install-recommends"];
        apt(&[&install[..], &RUNTIME_PACKAGES[..]].concat())?;
    }
    let version = candidate("rustc-web")?;
    let std = dependency(&format!("libstd-rust-web-dev={version}"), "libstd-rust-web-")?;
    let llvm = dependency(&format!("{std}={version}"), "libllvm")?;
    let own =
        ["rustc-web", "libstd-rust-web-dev", &std, "rust-web-src"].map(|name| format!("{name}={version}"));

    let partial = directory.with_extension("partial");
    // What an interrupted run has left is of no use.
    let _ = fs::remove_dir_all(&partial);
    let archives = partial.join("archives");
    process::create_directory(&archives)?;
    let mut download = Command::new("apt-get");
    process::output(download.arg("download").args(&own).arg(&llvm).current_dir(&archives))?;
    for entry in fs::read_dir(&archives)? {
        let archive = entry?.path();
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("rust-web-src_") {
            unpack_library(&archive, &partial)?;
        } else {
            process::output(Command::new("dpkg").arg("-x").arg(&archive).arg(&partial))?;
        }
    }
    fs::remove_dir_all(&archives)?;
    write_launcher(&partial.join("rustc"))?;
    fs::rename(&partial, directory).with_context(|| format!("cannot create {}", directory.display()))
}

/// Of the sources, the library alone: the compiler's own are large.
fn unpack_library(archive: &Path, into: &Path) -> Result<()> {
    use std::process::Stdio;
    let mut contents =
        Command::new("dpkg-deb").arg("--fsys-tarfile").arg(archive).stdout(Stdio::piped()).spawn()?;
    let pipe = contents.stdout.take().context("dpkg-deb has no output")?;
    let mut tar = Command::new("tar");
    // Where to goes before what: it holds for what follows it.
    tar.arg("-C").arg(into).args([
        "-x",
        "--wildcards",
        "./usr/src/rustc-*/library",
        "./usr/lib/rustlib/src/rust",
    ]);
    process::output(tar.stdin(pipe))?;
    if !contents.wait()?.success() {
        bail!("dpkg-deb cannot read {}", archive.display());
    }
    Ok(())
}

/// The compiler finds its libraries beside itself.
fn write_launcher(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    const LAUNCHER: &str = "#!/bin/sh\n\
        tree=$(dirname \"$(readlink -f \"$0\")\")/usr\n\
        for library in \"$tree\"/lib/*-linux-gnu; do\n\
        \x20   LD_LIBRARY_PATH=\"$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"\n\
        done\n\
        export LD_LIBRARY_PATH\n\
        exec \"$tree/bin/rustc\" \"$@\"\n";
    fs::write(path, LAUNCHER)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn apt(words: &[&str]) -> Result<String> {
    let mut command = Command::new(words[0]);
    process::output(command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C"))
}

/// The version of a package that apt would install.
fn candidate(package: &str) -> Result<String> {
    let policy = apt(&["apt-cache", "policy", package])?;
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    version
        .filter(|version| *version != "(none)")
        .map(str::to_owned)
        .with_context(|| format!("apt has no package {package}"))
}

/// What a package depends on that has a prefix and goes on with a digit.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let depends = apt(&["apt-cache", "depends", package])?;
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let is_versioned = |name: &&str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let found = names.into_iter().find(is_versioned);
    found.map(str::to_owned).with_context(|| format!("{package} depends on no {prefix}..."))
}
