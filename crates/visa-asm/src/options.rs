//! What the caller of the assembler chooses.

/// How to assemble.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address of the first section.
    pub base: u64,
    /// Alignment of the first section of each kind (code, constants, variables, zeros), a power of two.
    pub alignment: u64,
    /// Whether compressed forms are chosen from the start; `.option rvc` and `norvc` change it.
    pub compress: bool,
    /// How many errors are reported.
    pub most_errors: usize,
    /// Where `.include` and `.incbin` look for files that are not beside the one that asks for them.
    pub include: Vec<std::path::PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options { base: 0x8000_0000, alignment: 4096, compress: false, most_errors: 100, include: Vec::new() }
    }
}
