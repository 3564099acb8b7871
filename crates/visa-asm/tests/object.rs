//! The assembled program as a whole: sections, symbols, ELF, flat image and listing.

use object::{Object as _, ObjectSection, ObjectSegment, ObjectSymbol};
use visa_asm::{Object, Options, assemble, format_instruction};

const SOURCE: &str = "
        .globl  _start
        .type   _start, @function
helper: ret
_start: la      a0, counter
        ld      a1, (a0)
        .size   _start, . - _start
        .equ    limit, 42
        .data
counter: .dword limit
        .section .rodata
text:   .asciz \"hello\"
        .bss
        .balign 64
stack:  .space  4096
top:
";

fn assembled(options: &Options) -> Object {
    assemble(SOURCE, "object.s", options).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn sections_lie_in_order_at_their_alignment() {
    let object = assembled(&Options::default());
    let found: Vec<(&str, u64, u64)> =
        object.sections.iter().map(|s| (s.name.as_str(), s.address, s.size)).collect();
    // ret, la (2), ld: 16 bytes of code.
    let expected = [
        (".text", 0x8000_0000, 16),
        (".rodata", 0x8000_1000, 6),
        (".data", 0x8000_2000, 8),
        (".bss", 0x8000_3000, 4096),
    ];
    assert_eq!(found, expected);
    assert_eq!(object.entry, 0x8000_0004);
    assert_eq!(object.symbol("limit"), Some(42));
    assert_eq!(object.symbol("top"), Some(0x8000_4000));
    let flat = object.to_flat();
    assert_eq!(flat.len(), 0x2008);
    assert_eq!(flat[0x1000..0x1006], *b"hello\0");
}

#[test]
fn another_base_and_alignment() {
    let object = assembled(&Options { base: 0x1_0000, alignment: 16, ..Options::default() });
    let addresses: Vec<u64> = object.sections.iter().map(|section| section.address).collect();
    // The data's 8 bytes end at 0x10038; .bss asks for 64.
    assert_eq!(addresses, [0x1_0000, 0x1_0010, 0x1_0020, 0x1_0040]);
    assert!(assemble(SOURCE, "a.s", &Options { base: u64::MAX - 3, ..Options::default() }).is_err());
    assert!(assemble(SOURCE, "a.s", &Options { alignment: 0, ..Options::default() }).is_ok());
}

#[test]
fn the_elf_file_reads_back() {
    let program = assembled(&Options::default());
    let bytes = program.to_elf();
    let elf = object::File::parse(&*bytes).expect("our ELF");
    assert_eq!(elf.architecture(), object::Architecture::Riscv64);
    assert_eq!(elf.entry(), program.entry);
    assert_eq!(elf.kind(), object::ObjectKind::Executable);
    for section in &program.sections {
        let found = elf.section_by_name(&section.name).expect(&section.name);
        assert_eq!((found.address(), found.size()), (section.address, section.size), "{}", section.name);
        assert_eq!(found.data().expect("bytes"), section.data, "{}", section.name);
    }
    let start = elf.symbol_by_name("_start").expect("_start");
    assert_eq!((start.address(), start.size(), start.is_global()), (0x8000_0004, 12, true));
    assert_eq!(start.kind(), object::SymbolKind::Text);
    assert!(elf.symbol_by_name("helper").is_some_and(|symbol| symbol.is_local()));
    for (segment, section) in elf.segments().zip(&program.sections) {
        assert_eq!((segment.address(), segment.size()), (section.address, section.size));
        assert_eq!(segment.data().expect("bytes"), section.data);
        let (offset, _) = segment.file_range();
        assert!(section.data.is_empty() || offset % 4096 == section.address % 4096);
    }
}

#[test]
fn the_listing_shows_address_bytes_and_source() {
    let listing = assembled(&Options::default()).listing();
    let line =
        |text: &str| listing.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}"));
    assert!(line("helper: ret").starts_with("0000000080000000  67 80 00 00 "));
    assert!(line("counter: .dword").starts_with("0000000080002000  2a 00 00 00 00 00 00 00 "));
    assert!(line("stack:").starts_with("0000000080003000  4096 bytes of zeros"));
    assert!(line(".equ    limit").starts_with(' '));
    assert_eq!(listing.lines().filter(|line| line.contains("_start: la")).count(), 1);
}

#[test]
fn one_instruction_as_text() {
    let cases = [
        (0x0000_800b, "vmenter ra"),
        (0x0600_000b, "vmsave"),
        (0x1800_9073, "csrrw zero, satp, ra"),
        (0xfe07_9ce3, "bne a5, zero, 0x80000008"),
        (0xff9f_f0ef, "jal ra, 0x80000008"),
        (0x3f80_00ab, "inb ra, 0x3f8(zero)"),
        (0x1405_a52f, "lr.w.aq a0, (a1)"),
        (0x00c5_9553, "fadd.s fa0, fa1, fa2, rtz"),
        (0x02c5_f553, "fadd.d fa0, fa1, fa2"),
        (0x0310_000f, "fence rw, w"),
        (0x0000_7139, "c.addi16sp sp, -64"),
        (0xffff_ffff, ".word 0xffffffff"),
        (0x0000_0000, ".half 0x0000"),
    ];
    for (bits, text) in cases {
        assert_eq!(format_instruction(bits, 0x8000_0010), text, "{bits:#x}");
    }
}
