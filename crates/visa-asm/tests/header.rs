//! guest/include/visa.h, if a cross compiler is installed: its macros make the words that our assembler makes, and its
//! functions compile without a warning.

use object::{Object as _, ObjectSection};
use std::path::Path;
use std::process::Command;
use visa_asm::{Options, assemble};
use visa_isa::operand::Kind;
use visa_isa::table::{Format, ROWS, Row};

const COMPILER: &str = "riscv64-unknown-elf-gcc";

/// Compiles a source with the header; `None` if there is no compiler.
fn compile(name: &str, source: &str) -> Option<Vec<u8>> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let input = directory.join(name);
    let output = directory.join(format!("{name}.o"));
    std::fs::write(&input, source).expect("a writable directory");
    let run = Command::new(COMPILER)
        .args([
            "-march=rv64gc",
            "-mabi=lp64d",
            "-O1",
            "-ffreestanding",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ])
        .arg("-I")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/include"))
        .args(["-c".as_ref(), input.as_os_str(), "-o".as_ref(), output.as_os_str()])
        .output();
    let Ok(run) = run else {
        eprintln!("skipped: {COMPILER} is not installed");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let bytes = std::fs::read(&output).expect("the compiler's output");
    let elf = object::File::parse(&*bytes).expect("the compiler's ELF");
    Some(elf.section_by_name(".text").expect(".text").data().expect("bytes").to_vec())
}

/// Register operands for a row: `a0`, `a1`.
fn operands(row: &Row) -> String {
    let count = row.format.operands().iter().filter(|operand| operand.kind() == Kind::Integer).count();
    ["a0", "a1"][..count].join(", ")
}

#[test]
fn macros_make_the_same_words() {
    let (mut theirs, mut ours) = (String::from("#include <visa.h>\n.option norvc\n"), String::new());
    for row in ROWS.iter().filter(|row| row.group.is_visa()) {
        let mnemonic = row.mnemonic;
        for text in [operands(row), String::new()] {
            if text.is_empty() && row.format.optional() == 0 && !operands(row).is_empty() {
                continue;
            }
            theirs += &format!("{mnemonic} {text}\n");
            ours += &format!("{mnemonic} {text}\n");
        }
        // Ports by register alone: the macros have no immediate.
        assert!(!matches!(row.format, Format::PortIn | Format::PortOut) || operands(row) == "a0, a1");
    }
    for entry in visa_isa::msr::MSRS {
        theirs += &format!("csrr a0, VISA_MSR_{}\n", entry.name.to_uppercase());
        ours += &format!("csrr a0, {}\n", entry.name);
    }
    for cr in 0..=11 {
        theirs += &format!("csrr a0, VISA_CR{cr}\n");
        ours += &format!("mov R10, CR{cr}\n");
    }
    let Some(theirs) = compile("header.S", &theirs) else { return };
    let ours = assemble(&ours, "ours.s", &Options::default()).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(ours.to_flat() == theirs, "\n{:x?}\n{theirs:x?}", ours.to_flat());
}

#[test]
fn functions_and_constants_compile() {
    let source = r#"
        #include <visa.h>
        _Static_assert(VISA_EXIT_CONTROL_REGISTER_WRITE == 3, "the concept's number");
        _Static_assert(VISA_TRAP_CR3 == 8, "the concept's bit");
        _Static_assert(VISA_VMCS_TRAPCFG == 0x10, "the layout");
        _Static_assert(VISA_QUAL_REGISTER_SHIFT == 16 && VISA_QUAL_REGISTER_MASK == 31, "a field");
        uint64_t all(uint64_t a, uint64_t b);
        uint64_t all(uint64_t a, uint64_t b) {
            visa_vmenter(a); visa_vmresume(); visa_vmexit(); visa_vmsave(a); visa_vmsave_current(); visa_vmload(a);
            visa_vmload_current(); visa_ldgptbr(a); visa_ldhptbr(a); visa_tlbflushv(); visa_tlbflushv_vmid(a);
            visa_tlbflushv_address(a, b); visa_iovmap(a); visa_iovmask(a, b); visa_vint_send(a);
            visa_outb(a, b); visa_outh(a, b); visa_outw(a, b);
            visa_write_msr(VISA_MSR_VMTRAPCFG, VISA_TRAP_CR3 | VISA_TRAP_IO);
            return visa_vmcause() + visa_inb(a) + visa_inh(a) + visa_inw(a) + visa_vint_ack() + visa_vint_stat()
                + visa_read_msr(VISA_MSR_VMQUAL);
        }
    "#;
    compile("header.c", source);
}
