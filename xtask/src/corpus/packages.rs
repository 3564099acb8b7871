//! Which of Debian's packages the disk holds, and how they come here.

use crate::fetch_debian::apt::{self, Apt};
use crate::fetch_debian::{kernel, mirror::Mirror, modules, remove_directory};
use crate::process;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The release that the packages are of.
pub const SUITE: &str = "trixie";

/// What programs use; apt adds what these depend on.
const WANTED: [&str; 58] = [
    "base-files",
    "base-passwd",
    "bash",
    "bc",
    "binutils",
    "busybox-static",
    "bzip2",
    "coreutils",
    "cpp",
    "dash",
    "dbus",
    "dbus-bin",
    "dc",
    "diffutils",
    "file",
    "findutils",
    "g++",
    "gawk",
    "gcc",
    "git",
    "grep",
    "guile-3.0",
    "gzip",
    "jq",
    "libc6-dev",
    "libpython3.13-testsuite",
    "lua5.4",
    "luajit",
    "m4",
    "make",
    "nodejs",
    "ocaml-base",
    "ocaml-interp",
    "openjdk-21-jdk-headless",
    "openssl",
    "patch",
    "perl",
    "procps",
    "python3",
    "quickjs",
    "ruby",
    "sbcl",
    "sed",
    "sqlite3",
    "tar",
    "tcl",
    "tzdata",
    "unzip",
    "xz-utils",
    "zip",
    "zstd",
    "libatomic1",
    "libstdc++-14-dev",
    "libluajit-5.1-common",
    "libtcl8.6",
    "libruby3.3",
    "guile-3.0-libs",
    "libnode115",
];

/// What the dependencies of these have that no program here uses.
const LEFT_OUT: [&str; 6] =
    ["ca-certificates-java", "git-man", "linux-image-riscv64", "mesa-libgallium", "libllvm19", "libz3-4"];

/// Modules that the kernel needs to read the disk.
const MODULES: [&str; 4] = ["crc32c_generic", "virtio_mmio", "virtio_blk", "ext4"];

/// Where everything of the corpus is that is not in the source tree.
pub struct Place {
    /// The directory.
    pub root: PathBuf,
}

impl Place {
    /// The private apt's state, and the archives of the packages.
    pub fn apt(&self) -> PathBuf {
        self.root.join("apt")
    }

    /// The kernel.
    pub fn kernel(&self) -> PathBuf {
        self.root.join("Image")
    }

    /// Its modules.
    pub fn modules(&self) -> PathBuf {
        self.root.join("modules")
    }

    /// The packages' names and versions.
    pub fn versions(&self) -> PathBuf {
        self.root.join("packages.txt")
    }

    /// What the disk was made of.
    pub fn recipe(&self) -> PathBuf {
        self.root.join("recipe.txt")
    }
}

/// A text that changes when another disk is to be made, whatever the mirror has.
pub fn recipe(finish: &str) -> String {
    format!("{SUITE}\n{}\n{}\n{}\n{finish}", WANTED.join(" "), LEFT_OUT.join(" "), MODULES.join(" "))
}

/// Fetches what is missing; the archives of all packages of the disk.
pub fn fetch(place: &Place, mirror: &Mirror) -> Result<Vec<PathBuf>> {
    let apt = Apt::new(&place.apt(), mirror, SUITE)?;
    eprintln!("fetching the package lists of {SUITE} for riscv64 from {}", mirror.uri);
    apt.update()?;
    fetch_kernel(place, &apt)?;
    let packages: Vec<String> =
        apt.closure(&WANTED)?.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str())).collect();
    eprintln!("fetching what is missing of {} packages", packages.len());
    let archives = apt.download_missing(&packages)?;
    let versions = Apt::versions_of(&archives)?;
    fs::write(place.versions(), versions)
        .with_context(|| format!("cannot write {}", place.versions().display()))?;
    Ok(archives)
}

/// The kernel and the modules that it needs.
fn fetch_kernel(place: &Place, apt: &Apt) -> Result<()> {
    let package = apt.dependency("linux-image-riscv64", "linux-image-")?;
    let archive = apt.download_missing(std::slice::from_ref(&package))?;
    let unpacked = place.root.join("unpacked-kernel");
    remove_directory(&unpacked)?;
    process::create_directory(&unpacked)?;
    for archive in &archive {
        apt::unpack(archive, &unpacked)?;
    }
    let packaged = kernel::Packaged::find(&unpacked, &package)?;
    packaged.keep_image(&place.kernel())?;
    remove_directory(&place.modules())?;
    modules::collect(&packaged.modules, &MODULES, &place.modules())?;
    remove_directory(&unpacked)
}

/// Unpacks archives into a directory, that of the links that others go through first.
pub fn unpack(archives: &[PathBuf], into: &Path) -> Result<()> {
    let is_base = |archive: &&PathBuf| {
        archive.file_name().is_some_and(|name| name.to_string_lossy().starts_with("base-files_"))
    };
    let (base, others): (Vec<&PathBuf>, Vec<&PathBuf>) = archives.iter().partition(is_base);
    base.into_iter().chain(others).try_for_each(|archive| apt::unpack(archive, into))
}
