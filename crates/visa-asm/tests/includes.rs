//! Sources that include others: what they become, where errors point, and what is refused.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use visa_asm::{Diagnostics, Files, MOST_SOURCE_BYTES, Object, Options, Severity, assemble_with};

/// Files of a test.
#[derive(Default)]
struct Shelf {
    files: HashMap<PathBuf, Vec<u8>>,
    reads: Cell<usize>,
}

impl Shelf {
    fn of(files: &[(&str, &[u8])]) -> Shelf {
        let files = files.iter().map(|(name, bytes)| (PathBuf::from(name), bytes.to_vec()));
        Shelf { files: files.collect(), reads: Cell::new(0) }
    }
}

impl Files for Shelf {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.reads.set(self.reads.get() + 1);
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        assert!(bytes.len() as u64 <= most);
        Ok(bytes.clone())
    }
}

fn assembled(source: &str, shelf: &Shelf) -> Result<Object, Diagnostics> {
    let options = Options { include: vec!["first".into(), "second".into()], ..Options::default() };
    assemble_with(source, "project/main.s", &options, shelf)
}

#[test]
fn included_lines_and_bytes_become_part_of_the_program() {
    let shelf = Shelf::of(&[
        ("project/a.inc", b".equ five, 5\n.include \"deep/b.inc\"\n"),
        ("project/deep/b.inc", b".byte five\n.include \"c.inc\"\n.include \"d.inc\"\n"),
        ("project/deep/c.inc", b".byte 6\n"),
        ("project/c.inc", b".byte 99\n"),
        ("second/d.inc", b".byte 7\n"),
        ("blob", b"0123456789"),
    ]);
    let source = ".data\n.include \"a.inc\"\n.incbin \"blob\", 8\n.incbin \"blob\", 1, 2\n.incbin \"blob\",,1\n\
        .include \"deep/c.inc\"\nend: .byte five\n";
    let object = assembled(source, &shelf).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(object.to_flat(), [5, 6, 7, b'8', b'9', b'1', b'2', b'0', 6, 5]);
    let names: Vec<&str> = object.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "project/main.s",
            "project/a.inc",
            "project/deep/b.inc",
            "project/deep/c.inc",
            "second/d.inc",
            "project/deep/c.inc"
        ]
    );
    let listing = object.listing();
    let order = [".include \"a.inc\"", ".equ five", "deep/b.inc", ".byte five", "c.inc", ".byte 6", "blob"];
    let mut rest = listing.as_str();
    for part in order {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part} where it belongs in\n{listing}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn errors_point_into_the_file_that_has_them() {
    let shelf = Shelf::of(&[("project/a.inc", b"\n  addi a0, a0, 5000\n.macro m x\n  li \\x, 1\n.endm\n")]);
    let errors = assembled("nop\n.include \"a.inc\"\nm a0\n m b7\nfoo\n", &shelf).unwrap_err();
    let places: Vec<(&str, u32, u32)> =
        errors.list().iter().map(|error| (error.file.as_str(), error.line, error.column)).collect();
    // The value that the macro got is what is wrong, and stands in the call.
    assert_eq!(
        places,
        [("project/a.inc", 2, 16), ("project/main.s", 4, 4), ("project/main.s", 5, 1)],
        "{errors}"
    );
    let help = |index: usize| errors.list()[index].help.clone().unwrap_or_default();
    assert!(help(0).contains("included at project/main.s:2:1"), "{}", help(0));
    assert!(help(1).contains("in the expansion of `m` at project/main.s:4:2: `li b7, 1`"), "{}", help(1));
    let shown = errors.render(false);
    assert!(shown.contains("project/a.inc:2:16") && shown.contains(" 2 │   addi a0, a0, 5000"), "{shown}");
}

#[test]
fn errors_in_a_body_point_into_the_body() {
    let source = ".macro m x\n  addi \\x, \\x, 5000\n.endm\n\n m a0\n.rept 2\n  addi a1, a1, 6000\n.endr\n";
    let errors = assembled(source, &Shelf::default()).unwrap_err();
    let places: Vec<(u32, u32)> = errors.list().iter().map(|error| (error.line, error.column)).collect();
    // The two of the repetition are one.
    assert_eq!(places, [(2, 16), (7, 16)], "{errors}");
    assert!(errors.to_string().contains("in the expansion of `m` at project/main.s:5:2"), "{errors}");
}

#[test]
fn files_that_cannot_be_had_are_named() {
    let shelf = Shelf::of(&[("project/bad.inc", b"a\xffb"), ("project/blob", b"xy")]);
    for (source, expected) in [
        (".include \"none.inc\"", "cannot read `none.inc`"),
        (".include \"none.inc\"", "looked in project, first, second, .; -I"),
        (".incbin \"none\"", "cannot read `none`"),
        (".include \"bad.inc\"", "project/bad.inc is no text: byte 1 is not UTF-8"),
        (".include \"\"", "no file's name"),
        (".include \"a\\0b\"", "no file's name"),
        (".include none", "a file's name in quotation marks"),
        (".incbin \"blob\", 3", "project/blob has 2 bytes, and not this part"),
        (".incbin \"blob\", 1, 2", "project/blob has 2 bytes, and not this part"),
        (".incbin \"blob\", -1", "project/blob has 2 bytes, and not this part"),
    ] {
        let errors = assembled(source, &shelf).unwrap_err().to_string();
        assert!(errors.contains(expected) && errors.lines().count() == 1, "{source}: {errors}");
    }
    let alone = visa_asm::assemble(".include \"a\"", "a.s", &Options::default()).unwrap_err().to_string();
    assert!(alone.contains("without access to files"), "{alone}");
}

#[test]
fn a_file_that_includes_itself_ends_soon() {
    let once = Shelf::of(&[("project/a.inc", b".include \"a.inc\"\n")]);
    let errors = assembled(".include \"a.inc\"\n", &once).unwrap_err().to_string();
    assert!(errors.contains("nest more than 40 deep; does the file include itself?"), "{errors}");
    assert_eq!(once.reads.get(), 1, "a file is read once");

    let twice = Shelf::of(&[("project/a.inc", b"nop\n.include \"a.inc\"\n.include \"a.inc\"\n")]);
    let start = std::time::Instant::now();
    assert!(assembled(".include \"a.inc\"\n", &twice).is_err());
    let large = Shelf::of(&[("project/a.inc", &vec![b'\n'; 1 << 20])]);
    let errors = assembled(&".include \"a.inc\"\n".repeat(70), &large).unwrap_err().to_string();
    assert!(errors.contains(&format!("more than {} MiB", MOST_SOURCE_BYTES >> 20)), "{errors}");
    let blob = Shelf::of(&[("project/blob", &vec![1; 1 << 20])]);
    let errors = assembled(".rept 100\n.incbin \"blob\"\n.endr\n", &blob).unwrap_err().to_string();
    assert!(errors.contains("more room than the 64 MiB"), "{errors}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn writes_of_what_is_read_only_are_warned_of() {
    let source = "mov vmcause, a0\ncsrw cycle, a0\ncsrr a0, vmcause\ncsrrs a0, time, zero\ncsrrs a0, time, a1\n\
        csrsi 0xc01, 0\ncsrsi 0xc01, 1\ncsrw satp, a0\nunimp\n.equ own, 0xfc0\ncsrw own, a0\n\
        csrw VISA_MSR_HARTID, a0\nwrmsr hartid, r1\n.warning \"look\"\n";
    let object = assembled(source, &Shelf::default()).unwrap_or_else(|errors| panic!("{errors}"));
    let lines: Vec<u32> = object.warnings.list().iter().map(|warning| warning.line).collect();
    assert_eq!(lines, [1, 2, 5, 7, 11, 12, 13, 14], "{}", object.warnings);
    assert!(object.warnings.list().iter().all(|warning| warning.severity == Severity::Warning));
    let text = object.warnings.to_string();
    assert!(text.contains("project/main.s:1:5: warning: `vmcause` is read-only"), "{text}");
    assert!(object.warnings.render(false).starts_with("Warning: `vmcause` is read-only"));
    // Beside errors they are told, too.
    let errors = assembled("csrw cycle, a0\nbogus\n", &Shelf::default()).unwrap_err();
    let severities: Vec<Severity> = errors.list().iter().map(|one| one.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Error]);
}

#[test]
fn a_name_of_the_tables_is_the_sources_if_it_defines_it() {
    let value = |source: &str| assembled(source, &Shelf::default()).map(|object| object.to_flat());
    let name = "VISA_VMCS_PC";
    assert_eq!(value(&format!(".data\n.half {name}\n")).unwrap(), [0, 1]);
    // Before or after its use, as any symbol.
    assert_eq!(value(&format!(".data\n.equ {name}, 7\n.half {name}\n")).unwrap(), [7, 0]);
    assert_eq!(value(&format!(".data\n.half {name}\n.equ {name}, 7\n")).unwrap(), [7, 0]);
    // Not after something was decided by it.
    let errors = value(&format!(".data\n.if {name}\n.byte 1\n.endif\n.equ {name}, 7\n")).unwrap_err();
    let text = errors.to_string();
    assert!(text.contains("is defined by V-ISA, and its value was used before this"), "{text}");
    assert!(text.contains("the first use is in line 2"), "{text}");
    // It is not among the symbols of the program.
    let object = assembled(&format!("li a0, {name}\n"), &Shelf::default()).unwrap();
    assert!(object.symbol(name).is_none());
}

#[test]
fn nothing_of_a_source_reaches_the_terminal_as_a_command() {
    let source = "\x1b]0;title\x07 nop\n.ascii \"\\q\x1b[31m\"\n.error \"\\e[2J\"\n\x7f\u{9b}31m\u{202e}\n\
        .macro \x1b\n.include \"\x1b[31m\"\n.if \x1b\n mov \u{feff}a0, 1 # \x1b\n";
    let errors = assembled(source, &Shelf::default()).unwrap_err();
    for text in [errors.to_string(), errors.render(false)] {
        let is_bad = |letter: &char| letter.is_control() && *letter != '\n' || *letter == '\u{202e}';
        assert_eq!(text.chars().find(is_bad), None, "{text:?}");
        assert!(text.contains('\u{241b}'), "{text}");
    }
    // Colours are the report's own.
    let shown = errors.render(true);
    assert!(!shown.contains("\x1b[2J") && !shown.contains("\x1b]0"), "{shown:?}");
    let object = assembled("nop # \x1b[31m\n", &Shelf::default()).unwrap();
    assert!(!object.listing().contains('\x1b'));
}
