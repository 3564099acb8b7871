//! No input panics, hangs, or takes memory without bound: an object or errors is what comes out.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use proptest::prelude::*;
use std::time::{Duration, Instant};
use visa_asm::{Options, assemble};

const GOOD: [&str; 3] = [
    include_str!("../../../tests/asm/concept.s"),
    include_str!("../../../tests/asm/expressions.s"),
    include_str!("../../../tests/asm/relaxation.s"),
];

/// Pieces that sources are made of, so that random text gets past the first word.
const PIECES: &[&str] = &[
    "addi",
    "li",
    "a0",
    ",",
    " ",
    "\n",
    "(",
    ")",
    "sp",
    "1",
    "0x7fffffffffffffff",
    "-",
    "%hi",
    "%pcrel_lo",
    ".word",
    ".space",
    ".align",
    ".macro m a",
    ".endm",
    ".rept",
    ".endr",
    "m",
    "x:",
    "x",
    "1:",
    "1b",
    "1f",
    "=",
    ".set x,",
    ".org",
    "\"",
    "'",
    "\\",
    "\\a",
    "/*",
    "*/",
    "#",
    ";",
    "[",
    "]",
    "R1",
    "CR3",
    "mov",
    "beq",
    ".option rvc",
    ".section .bss",
    ".data",
    ".insn r",
    ".fill",
    "<<",
    ">>",
    "/",
    "0",
    "~",
    "é",
    "\u{0}",
    ".quad",
    ".",
    ":",
    "j",
    "c.j",
    "call",
    "vmenter",
    "in",
    ".asciz",
    ".comm",
    ".pushsection",
    ".popsection",
    "@",
    "&",
    "|",
    "^",
    "!",
];

fn survive(source: &str) {
    let result = assemble(source, "random.s", &Options::default());
    match result {
        Ok(object) => {
            object.to_elf();
            object.to_flat();
            object.listing();
        }
        Err(errors) => {
            errors.render(false);
            assert!(!errors.list().is_empty() && !errors.to_string().is_empty());
        }
    }
}

proptest! {
    #[test]
    fn random_text(text in "\\PC{0,200}") {
        survive(&text);
    }

    #[test]
    fn random_pieces(indices in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = indices.iter().map(|&index| PIECES[index]).collect::<Vec<_>>().join(" ");
        survive(&text);
        survive(&text.replace(' ', ""));
    }

    #[test]
    fn good_sources_with_damage(
        which in 0..GOOD.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..PIECES.len(), 0usize..12), 1..6),
    ) {
        let mut text: Vec<char> = GOOD[which].chars().collect();
        for (at, piece, removed) in edits {
            let start = at.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, PIECES[piece].chars());
        }
        survive(&text.into_iter().collect::<String>());
    }
}

/// Sources made to cost time, memory or stack.
#[test]
fn hostile_sources_end_soon() {
    let deep = "(".repeat(100_000);
    let long = "1+".repeat(100_000);
    let signs = "-".repeat(100_000);
    let doubling: String = (0..200).map(|n| format!(".set s{}, s{n} + s{n}\n", n + 1)).collect();
    let chain: String = (0..50_000).map(|n| format!(".set c{n}, c{} + 1\n", n + 1)).collect();
    let hostile = [
        format!(".word {deep}"),
        format!(".word {long}1"),
        format!(".word {signs}1"),
        format!("s0:\n{doubling}.quad s200"),
        format!("{chain}.quad c0\nc50000:"),
        ".macro m\nm\nm\n.endm\nm".into(),
        ".rept 1000000000\nnop\n.endr".into(),
        ".rept 1000\n.rept 1000\n.rept 1000\n.endr\n.endr\n.endr".into(),
        ".space 0xffffffffffffffff".into(),
        ".fill 0x7fffffffffffffff, 8, 1".into(),
        ".bss\n.space 0x100000000\n.space 0x100000000".into(),
        ".space 60000000\n.data\n.space 60000000".into(),
        "a: .space b - a\nb: .space a - b + 1".into(),
        ".space end - start\nstart: nop\nend:".into(),
        ".align 20\n".repeat(200),
        "\"".repeat(10_000),
        "x: ".repeat(10_000),
        "bogus\n".repeat(50_000),
        format!("lw a0, {}", "undefined ".repeat(5_000)),
        ".org 0x7fffffffffffffff".into(),
        "li a0, x\n.set x, 0x123456789abcdef\n".repeat(500),
    ];
    for source in hostile {
        let start = Instant::now();
        survive(&source);
        let shown: String = source.chars().take(40).collect();
        assert!(start.elapsed() < Duration::from_secs(10), "{shown:?} took {:?}", start.elapsed());
    }
}

#[test]
fn all_errors_are_reported_up_to_a_bound() {
    let errors = assemble(&"bogus\n".repeat(250), "many.s", &Options::default()).unwrap_err();
    assert_eq!(errors.list().len(), 100);
    assert!(errors.to_string().ends_with("and at least 150 more errors"));
    let last = &errors.list()[99];
    assert_eq!((last.line, last.column), (100, 1));
}
