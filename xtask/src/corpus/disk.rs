//! The disk: a tree of unpacked packages, with what their installation would have added, as an ext4 image.

use super::packages::{self, Disk, Extent, Place};
use super::system;
use crate::fetch_debian::{kernel, mirror::Mirror, remove_directory};
use crate::process;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The time of all that the image has: 2023-11-14, in seconds.
const TIME: &str = "1700000000";
const UUID: &str = "5b1c9d1e-0f3a-4c58-9d3e-6a7c2e1f0b44";

/// Links that the packages' scripts make, mostly through `update-alternatives`: where, and to what.
const LINKS: [(&str, &str); 7] = [
    ("usr/bin/awk", "gawk"),
    ("usr/bin/guile", "../lib/riscv64-linux-gnu/guile/3.0/bin/guile"),
    ("usr/bin/java", "../lib/jvm/java-21-openjdk-riscv64/bin/java"),
    ("usr/bin/javac", "../lib/jvm/java-21-openjdk-riscv64/bin/javac"),
    ("usr/bin/lua", "lua5.4"),
    ("usr/bin/sh", "dash"),
    ("etc/mtab", "/proc/mounts"),
];

/// What nothing here reads.
const NOT_READ: [&str; 7] = [
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/icons",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
];

const FILES: [(&str, &str); 3] = [
    ("etc/hostname", "corpus\n"),
    ("etc/hosts", "127.0.0.1 localhost corpus\n"),
    ("etc/machine-id", "5b1c9d1e0f3a4c589d3e6a7c2e1f0b44\n"),
];

/// What a whole system needs beside them, for somebody to log in as root, without a password.
const SYSTEM_FILES: [(&str, &str); 8] = [
    ("etc/shadow", "root::19700:0:99999:7:::\n"),
    ("etc/fstab", "/dev/vda / ext4 defaults 0 1\n"),
    ("etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files\n"),
    ("etc/pam.d/common-auth", "auth required pam_unix.so nullok\n"),
    ("etc/pam.d/common-account", "account required pam_unix.so\n"),
    ("etc/pam.d/common-password", "password required pam_unix.so nullok\n"),
    ("etc/pam.d/common-session", "session required pam_unix.so\n"),
    ("etc/pam.d/common-session-noninteractive", "session required pam_unix.so\n"),
];

/// The image, which is made if it is not there or another one is wanted.
pub fn prepare(place: &Place, extent: Extent, mirror: Option<String>, refresh: bool) -> Result<Disk> {
    let of_system = if extent == Extent::System { system::files()? } else { Vec::new() };
    let recipe = |extent| {
        let files = if extent == Extent::System { &SYSTEM_FILES[..] } else { &[] };
        packages::recipe(extent, &format!("{LINKS:?} {NOT_READ:?} {FILES:?} {files:?} {of_system:?}"))
    };
    let is_there = |extent| {
        let disk = place.disk(extent);
        let is_same = fs::read_to_string(&disk.recipe).is_ok_and(|made| made == recipe(extent));
        is_same && disk.image.exists() && place.kernel().exists()
    };
    // All programs have what the quick ones need.
    let others = if extent == Extent::Quick { &[Extent::Whole][..] } else { &[] };
    let mut fitting = [&[extent], others].concat().into_iter();
    if let Some(there) = fitting.find(|extent| is_there(*extent) && !refresh) {
        return Ok(place.disk(there));
    }
    let disk = place.disk(extent);
    process::require("mke2fs", "e2fsprogs")?;
    let mirror = match mirror {
        Some(uri) => Mirror::given(uri),
        None => Mirror::of_this_machine()?,
    };
    let archives = packages::fetch(place, extent, &mirror)?;
    let tree = place.root.join("tree");
    remove_directory(&tree)?;
    eprintln!("unpacking {} packages", archives.len());
    packages::unpack(&archives, &tree)?;
    kernel::keep(&tree.join("usr/bin/busybox"), &place.root.join("busybox"))?;
    if extent == Extent::System {
        SYSTEM_FILES.iter().try_for_each(|(name, text)| write(&tree.join(name), text))?;
        process::create_directory(&tree.join("root"))?;
        of_system.iter().try_for_each(|(name, text)| write(&tree.join(name), text))?;
    }
    finish(&tree)?;
    eprintln!("making {}", disk.image.display());
    make_image(&tree, &disk.image, extent == Extent::System)?;
    remove_directory(&tree)?;
    fs::write(&disk.recipe, recipe(extent))?;
    Ok(disk)
}

/// What the packages' scripts would have done, as far as programs here need it.
fn finish(tree: &Path) -> Result<()> {
    let at = |path: &str| tree.join(path);
    for (name, master) in [("etc/passwd", "passwd.master"), ("etc/group", "group.master")] {
        let master = at("usr/share/base-passwd").join(master);
        let text =
            fs::read_to_string(&master).with_context(|| format!("cannot read {}", master.display()))?;
        let bus = if name.ends_with("passwd") {
            "messagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n"
        } else {
            "messagebus:x:100:\n"
        };
        write(&at(name), &(text.replace(":*:", ":x:") + bus))?;
    }
    for (name, text) in FILES {
        write(&at(name), text)?;
    }
    for (name, to) in LINKS {
        let link = at(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        if let Some(parent) = link.parent() {
            process::create_directory(parent)?;
        }
        symlink(to, &link).with_context(|| format!("cannot make the link {}", link.display()))?;
    }
    for directory in ["dev", "mnt", "proc", "run", "sys", "tmp"] {
        process::create_directory(&at(directory))?;
    }
    NOT_READ.iter().try_for_each(|path| remove_directory(&at(path)))?;
    // One time for all, so that the same packages give the same tree.
    process::output(Command::new("find").arg(tree).args([
        "-exec",
        "touch",
        "--no-dereference",
        &format!("--date=@{TIME}"),
        "{}",
        "+",
    ]))
    .map(drop)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// An image with a tenth of it free, and a journal if it is to be written. What mke2fs would take from chance or from the clock is given to it.
fn make_image(tree: &Path, image: &Path, written: bool) -> Result<()> {
    let used = process::output(Command::new("du").arg("--summarize").arg("--block-size=1M").arg(tree))?;
    let used: u64 = used.split_whitespace().next().and_then(|word| word.parse().ok()).context("du")?;
    if image.exists() {
        fs::remove_file(image)?;
    }
    let mut command = Command::new("mke2fs");
    let features = if written { "^metadata_csum_seed" } else { "^has_journal,^metadata_csum_seed" };
    command.args(["-q", "-t", "ext4", "-O", features, "-m", "0", "-N", "60000"]);
    command.args(["-U", UUID, "-E", &format!("hash_seed={UUID},root_owner=0:0")]);
    command.env("E2FSPROGS_FAKE_TIME", TIME).env("SOURCE_DATE_EPOCH", TIME);
    command.arg("-d").arg(tree).arg(image).arg(format!("{}M", used + used / 8 + 64));
    process::output(&mut command).map(drop)
}
