//! No circle of files: a file uses what is below it, and what two need moves down.
//!
//! An arrow runs from a file to another one of its crate that defines what the first names. What a file only hands on (`pub use`) is
//! nobody's but the file's that defines it, and a file that declares its children (`mod`) does not use them by that. Where the
//! arrows of a crate run in a circle, one of them runs up.
//!
//! Arrows are read from the sources alone, so methods are not seen: only names that are written as paths.

mod arrows;

use arrows::{Arrow, Crate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// An arrow that may run up, and why.
struct Upward {
    from: &'static str,
    to: &'static str,
    why: &'static str,
}

/// The arrows that may run up, of all crates.
const UPWARD: &[Upward] = &[];

/// Crates that have circles still, and how many of their files are in one: it may become less.
const TO_BE_UNTIED: &[(&str, usize)] =
    &[("crates/visa-fuzz", 5), ("crates/visa-isa", 7), ("crates/visa-jit", 29)];

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("the crate is in the workspace").to_owned()
}

/// The crates by their directories, from the workspace's root.
fn crates() -> Vec<String> {
    let mut names: Vec<String> = ["crates", "guest"]
        .iter()
        .flat_map(|parent| {
            let entries = std::fs::read_dir(root().join(parent)).expect("the directory is there");
            entries.filter_map(move |entry| Some(format!("{parent}/{}", entry.ok()?.file_name().to_str()?)))
        })
        .filter(|name| root().join(name).join("Cargo.toml").is_file())
        .collect();
    names.push("xtask".into());
    names.sort();
    names
}

/// The files from which arrows lead back to themselves.
fn in_circles(arrows: &BTreeSet<Arrow>) -> Vec<Vec<PathBuf>> {
    let mut reached: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for start in arrows.iter().map(|arrow| arrow.from.as_path()) {
        let mut seen = BTreeSet::new();
        let mut next = vec![start];
        while let Some(file) = next.pop() {
            for arrow in arrows.iter().filter(|arrow| arrow.from == file) {
                if seen.insert(arrow.to.as_path()) {
                    next.push(&arrow.to);
                }
            }
        }
        reached.insert(start, seen);
    }
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|files| files.contains(to));
    let mut circles: Vec<Vec<PathBuf>> = Vec::new();
    for &file in reached.keys().filter(|file| reaches(file, file)) {
        match circles.iter_mut().find(|circle| reaches(file, &circle[0]) && reaches(&circle[0], file)) {
            Some(circle) => circle.push(file.to_owned()),
            None => circles.push(vec![file.to_owned()]),
        }
    }
    circles
}

/// The circles, for somebody who wants to untie them.
fn told(circles: &[Vec<PathBuf>], arrows: &BTreeSet<Arrow>) -> String {
    let mut text = String::new();
    for circle in circles {
        text += &format!("  a circle of {} files:\n", circle.len());
        for arrow in arrows.iter().filter(|arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to))
        {
            let names: Vec<&str> = arrow.names.iter().map(String::as_str).collect();
            text +=
                &format!("    {} -> {}: {}\n", arrow.from.display(), arrow.to.display(), names.join(", "));
        }
    }
    text
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let mut wrong = String::new();
    for name in crates() {
        let arrows = Crate::read(&root(), &name).arrows();
        let allowed = |arrow: &Arrow| {
            UPWARD.iter().any(|up| arrow.from.ends_with(up.from) && arrow.to.ends_with(up.to))
        };
        let left: BTreeSet<Arrow> = arrows.iter().filter(|arrow| !allowed(arrow)).cloned().collect();
        let circles = in_circles(&left);
        let files: usize = circles.iter().map(Vec::len).sum();
        let most = TO_BE_UNTIED.iter().find(|(it, _)| *it == name).map_or(0, |(_, files)| *files);
        println!("{name}: {} arrows, {files} files in circles", arrows.len());
        if files > most {
            wrong += &format!("{name}: {files} files in circles, {most} allowed\n{}", told(&circles, &left));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn each_arrow_that_may_run_up_is_there_and_does() {
    for up in UPWARD {
        assert!(up.why.len() > 20, "{} -> {} wants a reason", up.from, up.to);
        let name = crates().into_iter().find(|name| up.from.starts_with(&format!("{name}/")));
        let name = name.unwrap_or_else(|| panic!("{} is of no crate", up.from));
        let arrows = Crate::read(&root(), &name).arrows();
        let circles = in_circles(&arrows);
        let (from, to) = (Path::new(up.from), Path::new(up.to));
        assert!(
            arrows.iter().any(|arrow| arrow.from == from && arrow.to == to)
                && circles
                    .iter()
                    .any(|circle| circle.iter().any(|file| file == from)
                        && circle.iter().any(|file| file == to)),
            "{} -> {} no longer runs up: take it out of the list",
            up.from,
            up.to
        );
    }
}

/// A crate of six files, told in a directory of its own: what is an arrow, and what is none.
#[test]
fn arrows_are_what_a_file_names_of_another() {
    let directory = std::env::temp_dir().join(format!("visa-circles-{}", std::process::id()));
    let source = directory.join("sample/src");
    std::fs::create_dir_all(source.join("above")).unwrap();
    let files = [
        (
            "lib.rs",
            "#[macro_use]\nmod low;\nmod above;\nmod middle;\npub use above::Top;\n\
             #[cfg(test)]\nmod tests { use crate::above::Top; }",
        ),
        ("low.rs", "macro_rules! say { () => {} }\npub struct Low;\npub struct Other;"),
        ("middle.rs", "use crate::low;\npub fn middle() -> low::Low { say!(); low::Low }"),
        ("above.rs", "mod left;\nmod right;\npub use left::Top;\npub fn up() { right::right() }"),
        ("above/left.rs", "pub struct Top(crate::low::Other);"),
        (
            "above/right.rs",
            "use super::Top;\npub fn right() -> Option<Top> { asm!(\"{}\", sym crate::middle::middle) }",
        ),
    ];
    for (name, text) in files {
        std::fs::write(source.join(name), text).unwrap();
    }
    let arrows = Crate::read(&directory, "sample").arrows();
    let mut told: Vec<String> = arrows
        .iter()
        .map(|arrow| {
            let short = |path: &Path| path.strip_prefix("sample/src").unwrap().display().to_string();
            let names: Vec<&str> = arrow.names.iter().map(String::as_str).collect();
            format!("{} -> {}: {}", short(&arrow.from), short(&arrow.to), names.join(" "))
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "above.rs -> above/right.rs: right",
            "above/left.rs -> low.rs: Other",
            "above/right.rs -> above/left.rs: Top",
            "above/right.rs -> middle.rs: middle",
            "middle.rs -> low.rs: Low say",
        ]
    );
    assert_eq!(in_circles(&arrows), Vec::<Vec<PathBuf>>::new());
    std::fs::write(source.join("low.rs"), "pub struct Low(crate::above::Top);").unwrap();
    std::fs::write(source.join("above/left.rs"), "pub struct Top(crate::low::Other);").unwrap();
    let circles = in_circles(&Crate::read(&directory, "sample").arrows());
    assert_eq!(circles, [["sample/src/above/left.rs", "sample/src/low.rs"].map(PathBuf::from).to_vec()]);
    std::fs::remove_dir_all(directory).unwrap();
}
