//! Pseudo-instructions that stand for one instruction with its operands arranged (RISC-V assembly programmer's manual,
//! "pseudoinstructions"), and the concept's own names.

/// A pseudo-instruction: name, number of operands, and what it stands for. `$1` is the first operand.
pub type Alias = (&'static str, usize, &'static str);

/// Every pseudo-instruction of one instruction.
pub const ALIASES: &[Alias] = &[
    ("nop", 0, "addi zero, zero, 0"),
    ("mv", 2, "addi $1, $2, 0"),
    ("move", 2, "addi $1, $2, 0"),
    ("not", 2, "xori $1, $2, -1"),
    ("neg", 2, "sub $1, zero, $2"),
    ("negw", 2, "subw $1, zero, $2"),
    ("sext.w", 2, "addiw $1, $2, 0"),
    ("zext.b", 2, "andi $1, $2, 255"),
    ("zext.w", 2, "add.uw $1, $2, zero"),
    ("seqz", 2, "sltiu $1, $2, 1"),
    ("snez", 2, "sltu $1, zero, $2"),
    ("sltz", 2, "slt $1, $2, zero"),
    ("sgtz", 2, "slt $1, zero, $2"),
    ("sgt", 3, "slt $1, $3, $2"),
    ("sgtu", 3, "sltu $1, $3, $2"),
    // Branches and jumps.
    ("beqz", 2, "beq $1, zero, $2"),
    ("bnez", 2, "bne $1, zero, $2"),
    ("blez", 2, "bge zero, $1, $2"),
    ("bgez", 2, "bge $1, zero, $2"),
    ("bltz", 2, "blt $1, zero, $2"),
    ("bgtz", 2, "blt zero, $1, $2"),
    ("bgt", 3, "blt $2, $1, $3"),
    ("ble", 3, "bge $2, $1, $3"),
    ("bgtu", 3, "bltu $2, $1, $3"),
    ("bleu", 3, "bgeu $2, $1, $3"),
    ("j", 1, "jal zero, $1"),
    ("jal", 1, "jal ra, $1"),
    ("jr", 1, "jalr zero, $1"),
    ("jalr", 1, "jalr ra, $1"),
    ("jalr", 3, "jalr $1, $3($2)"),
    ("jr", 2, "jalr zero, $2($1)"),
    ("ret", 0, "jalr zero, 0(ra)"),
    // Fences and calls to the environment.
    ("fence", 0, "fence iorw, iorw"),
    ("scall", 0, "ecall"),
    ("sbreak", 0, "ebreak"),
    // MSRs. With a number instead of a register, the immediate forms.
    ("csrr", 2, "csrrs $1, $2, zero"),
    ("csrw", 2, "csrrw zero, $1, $2"),
    ("csrs", 2, "csrrs zero, $1, $2"),
    ("csrc", 2, "csrrc zero, $1, $2"),
    ("csrwi", 2, "csrrwi zero, $1, $2"),
    ("csrsi", 2, "csrrsi zero, $1, $2"),
    ("csrci", 2, "csrrci zero, $1, $2"),
    ("rdcycle", 1, "csrrs $1, cycle, zero"),
    ("rdtime", 1, "csrrs $1, time, zero"),
    ("rdinstret", 1, "csrrs $1, instret, zero"),
    ("rdmsr", 2, "csrrs $1, $2, zero"),
    ("wrmsr", 2, "csrrw zero, $1, $2"),
    ("frcsr", 1, "csrrs $1, fcsr, zero"),
    ("fscsr", 1, "csrrw zero, fcsr, $1"),
    ("fscsr", 2, "csrrw $1, fcsr, $2"),
    ("frrm", 1, "csrrs $1, frm, zero"),
    ("fsrm", 1, "csrrw zero, frm, $1"),
    ("fsrm", 2, "csrrw $1, frm, $2"),
    ("fsrmi", 1, "csrrwi zero, frm, $1"),
    ("fsrmi", 2, "csrrwi $1, frm, $2"),
    ("frflags", 1, "csrrs $1, fflags, zero"),
    ("fsflags", 1, "csrrw zero, fflags, $1"),
    ("fsflags", 2, "csrrw $1, fflags, $2"),
    ("fsflagsi", 1, "csrrwi zero, fflags, $1"),
    ("fsflagsi", 2, "csrrwi $1, fflags, $2"),
    // Floating point.
    ("fmv.s", 2, "fsgnj.s $1, $2, $2"),
    ("fabs.s", 2, "fsgnjx.s $1, $2, $2"),
    ("fneg.s", 2, "fsgnjn.s $1, $2, $2"),
    ("fgt.s", 3, "flt.s $1, $3, $2"),
    ("fge.s", 3, "fle.s $1, $3, $2"),
    ("fmv.d", 2, "fsgnj.d $1, $2, $2"),
    ("fabs.d", 2, "fsgnjx.d $1, $2, $2"),
    ("fneg.d", 2, "fsgnjn.d $1, $2, $2"),
    ("fgt.d", 3, "flt.d $1, $3, $2"),
    ("fge.d", 3, "fle.d $1, $3, $2"),
    ("fmv.x.s", 2, "fmv.x.w $1, $2"),
    ("fmv.s.x", 2, "fmv.w.x $1, $2"),
    // The concept's names.
    ("hlt", 0, "wfi"),
    ("in", 2, "inb $1, $2"),
    ("in.b", 2, "inb $1, $2"),
    ("in.h", 2, "inh $1, $2"),
    ("in.w", 2, "inw $1, $2"),
    ("out", 2, "outb $1, $2"),
    ("out.b", 2, "outb $1, $2"),
    ("out.h", 2, "outh $1, $2"),
    ("out.w", 2, "outw $1, $2"),
];

/// The pseudo-instructions that stand for more than an arrangement of operands.
pub const SPECIAL: [&str; 9] = ["li", "la", "lla", "call", "tail", "jump", "mov", "unimp", "c.unimp"];

/// What a pseudo-instruction with so many operands stands for.
pub fn find(name: &str, count: usize) -> Option<&'static str> {
    ALIASES.iter().find(|alias| alias.0 == name && alias.1 == count).map(|alias| alias.2)
}

/// The numbers of operands that a pseudo-instruction may have.
pub fn counts(name: &str) -> Vec<usize> {
    ALIASES.iter().filter(|alias| alias.0 == name).map(|alias| alias.1).collect()
}
