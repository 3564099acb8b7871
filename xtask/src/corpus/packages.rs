//! Which of Debian's packages the disk holds, and how they come here.

use crate::fetch_debian::apt::{self, Apt};
use crate::fetch_debian::{kernel, mirror::Mirror, modules, remove_directory};
use crate::process;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The release that the packages are of.
pub const SUITE: &str = "trixie";

/// What the quick programs use; apt adds what these depend on.
const QUICK: [&str; 40] = [
    "base-files",
    "base-passwd",
    "bash",
    "bc",
    "busybox-static",
    "bzip2",
    "coreutils",
    "dash",
    "dbus",
    "dbus-bin",
    "dc",
    "diffutils",
    "file",
    "findutils",
    "gawk",
    "gcc",
    "git",
    "grep",
    "gzip",
    "jq",
    "libatomic1",
    "libc6-dev",
    "libluajit-5.1-common",
    "lua5.4",
    "luajit",
    "m4",
    "make",
    "openssl",
    "patch",
    "perl",
    "procps",
    "python3",
    "sed",
    "sqlite3",
    "tar",
    "tzdata",
    "unzip",
    "xz-utils",
    "zip",
    "zstd",
];

/// What the others use as well.
const MORE: [&str; 18] = [
    "binutils",
    "cpp",
    "g++",
    "guile-3.0",
    "libpython3.13-testsuite",
    "nodejs",
    "ocaml-base",
    "ocaml-interp",
    "openjdk-21-jdk-headless",
    "quickjs",
    "ruby",
    "sbcl",
    "tcl",
    "libstdc++-14-dev",
    "libtcl8.6",
    "libruby3.3",
    "guile-3.0-libs",
    "libnode115",
];

/// What a whole Debian has that is booted.
const SYSTEM: [&str; 34] = [
    "base-files",
    "base-passwd",
    "bash",
    "busybox-static",
    "coreutils",
    "dash",
    "dbus",
    "debianutils",
    "diffutils",
    "e2fsprogs",
    "findutils",
    "gawk",
    "gcc",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "kmod",
    "libc-bin",
    "libc6-dev",
    "libpam-modules",
    "libpam-runtime",
    "login",
    "mount",
    "ncurses-base",
    "ncurses-bin",
    "passwd",
    "procps",
    "sed",
    "systemd",
    "systemd-sysv",
    "tar",
    "udev",
    "util-linux",
];

/// What the dependencies of these have that no program here uses.
const LEFT_OUT: [&str; 10] = [
    "ca-certificates-java",
    "git-man",
    "libasan8",
    "liblsan0",
    "libllvm19",
    "libtsan2",
    "libubsan1",
    "libz3-4",
    "linux-image-riscv64",
    "mesa-libgallium",
];

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

    /// A disk, be it there or not.
    pub fn disk(&self, extent: Extent) -> Disk {
        let prefix = match extent {
            Extent::Whole => "",
            Extent::Quick => "quick-",
            Extent::System => "system-",
        };
        let at = |name: &str| self.root.join(format!("{prefix}{name}"));
        Disk { image: at("disk.img"), versions: at("packages.txt"), recipe: at("recipe.txt") }
    }
}

/// Which programs a disk is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All.
    Whole,
    /// The quick ones.
    Quick,
    /// None: it is a system, with systemd, that is booted.
    System,
}

impl Extent {
    fn wanted(self) -> Vec<&'static str> {
        let lists = match self {
            Extent::Whole => [&QUICK[..], &MORE],
            Extent::Quick => [&QUICK[..], &[]],
            Extent::System => [&SYSTEM[..], &[]],
        };
        lists.concat()
    }
}

/// The files of a disk.
pub struct Disk {
    /// The image.
    pub image: PathBuf,
    /// The packages' names and versions.
    pub versions: PathBuf,
    /// What it was made of.
    pub recipe: PathBuf,
}

/// Why packages could not be fetched, if it is the network.
#[derive(Debug)]
pub struct Unreachable;

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Debian's archive cannot be reached")
    }
}

/// A text that changes when another disk is to be made, whatever the mirror has.
pub fn recipe(extent: Extent, finish: &str) -> String {
    format!("{SUITE}\n{}\n{}\n{}\n{finish}", extent.wanted().join(" "), LEFT_OUT.join(" "), MODULES.join(" "))
}

/// Fetches what is missing; the archives of all packages of the disk.
pub fn fetch(place: &Place, extent: Extent, mirror: &Mirror) -> Result<Vec<PathBuf>> {
    let apt = Apt::new(&place.apt(), mirror, SUITE)?;
    eprintln!("fetching the package lists of {SUITE} for riscv64 from {}", mirror.uri);
    apt.update().context(Unreachable)?;
    fetch_kernel(place, &apt)?;
    let packages: Vec<String> = apt
        .closure(&extent.wanted())?
        .into_iter()
        .filter(|name| !LEFT_OUT.contains(&name.as_str()))
        .collect();
    eprintln!("fetching what is missing of {} packages", packages.len());
    let archives = apt.download_missing(&packages)?;
    let versions = Apt::versions_of(&archives)?;
    let file = place.disk(extent).versions;
    fs::write(&file, versions).with_context(|| format!("cannot write {}", file.display()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_disk_is_another_one_with_a_part_of_the_packages() {
        let place = Place { root: "root".into() };
        let [quick, whole] = [Extent::Quick, Extent::Whole].map(|extent| place.disk(extent));
        assert_ne!((quick.image, quick.versions), (whole.image, whole.versions));
        let (few, all) = (Extent::Quick.wanted(), Extent::Whole.wanted());
        assert!(few.len() < all.len() && few.iter().all(|package| all.contains(package)));
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
        assert_ne!(recipe(Extent::Quick, ""), recipe(Extent::Whole, ""));
    }
}
