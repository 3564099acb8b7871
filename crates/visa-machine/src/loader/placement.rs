//! What is where in RAM: every byte placed is inside of it and overlaps nothing placed before.

use std::ops::Range;

use visa_mem::Ram;

use super::error::LoadError;

/// Initial RAM disk and device tree start at multiples of this, in bytes.
const PAGE_BYTES: u64 = 4096;

/// What an image turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// A 64-bit RISC-V ELF executable.
    Elf,
    /// A flat Linux kernel with its header.
    LinuxImage,
    /// Anything else: bytes, placed as they are.
    Flat,
}

impl ImageKind {
    /// What it is, in words.
    pub const fn name(self) -> &'static str {
        match self {
            ImageKind::Elf => "an ELF",
            ImageKind::LinuxImage => "a Linux Image",
            ImageKind::Flat => "a flat binary",
        }
    }
}

/// A name for an address, from an ELF's symbol table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// The address as linked (virtual).
    pub address: u64,
    /// Its extent in bytes; 0 when unknown.
    pub size: u64,
}

/// An image in RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedImage {
    /// What it was.
    pub kind: ImageKind,
    /// Physical address of its first instruction.
    pub entry: u64,
    /// Physical addresses it occupies, from its lowest to its highest byte, memory that it clears included.
    pub range: Range<u64>,
    /// Its symbols, by ascending address. Empty for all but ELF.
    pub symbols: Vec<Symbol>,
}

impl LoadedImage {
    /// The address of the symbol called `name`.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.address)
    }

    /// The last symbol at or below `address`, unless its known size ends before.
    pub fn symbol_at(&self, address: u64) -> Option<&Symbol> {
        let index = self.symbols.partition_point(|symbol| symbol.address <= address).checked_sub(1)?;
        let symbol = &self.symbols[index];
        (symbol.size == 0 || address - symbol.address < symbol.size).then_some(symbol)
    }
}

/// Where an image goes that does not say so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageBase {
    /// Physical address of the start of memory as a Linux kernel is to see it: the kernel goes `text_offset` above it (2 MiB
    /// on RISC-V), so this must be a multiple of 2 MiB.
    pub address: u64,
    /// Physical address for a flat binary.
    pub flat: u64,
    /// Added to every physical address of an ELF, modulo 2^64: 0 to load it where it was linked.
    pub elf_offset: u64,
}

impl ImageBase {
    /// Flat binaries and kernels at `address`, ELFs where they were linked.
    pub fn at(address: u64) -> Self {
        Self { address, flat: address, elf_offset: 0 }
    }
}

/// Fills RAM, and remembers what is where.
pub struct Loader<'r> {
    pub(super) ram: &'r Ram,
    placed: Vec<(String, Range<u64>)>,
}

impl<'r> Loader<'r> {
    /// A loader for empty RAM.
    pub fn new(ram: &'r Ram) -> Self {
        Self { ram, placed: Vec::new() }
    }

    /// What is placed so far: names and physical ranges.
    pub fn placed(&self) -> &[(String, Range<u64>)] {
        &self.placed
    }

    /// Keeps everything else out of `range`.
    pub fn reserve(&mut self, name: &str, range: Range<u64>) -> Result<(), LoadError> {
        let length = range
            .end
            .checked_sub(range.start)
            .ok_or_else(|| self.outside(name, "reservation", range.start, 0))?;
        self.claim(name, "reservation", range.start, length)
    }

    /// Places `bytes` page-aligned as high as they go below `limit` (and below the end of RAM, and in a gap between
    /// what is placed already). `what` is what errors call them: "device tree", say.
    pub fn load_high(
        &mut self,
        name: &str,
        what: &'static str,
        bytes: &[u8],
        limit: u64,
    ) -> Result<Range<u64>, LoadError> {
        if bytes.is_empty() {
            return Err(LoadError::Empty { name: name.into() });
        }
        let length = bytes.len() as u64;
        let address = self.highest_gap(length, limit).ok_or_else(|| LoadError::NoRoom {
            name: name.into(),
            what,
            length,
            limit,
            ram: self.ram.base()..self.ram.end(),
        })?;
        self.place(name, what, address, bytes, length)
    }

    /// The highest page-aligned address at which `length` bytes fit below `limit`.
    fn highest_gap(&self, length: u64, limit: u64) -> Option<u64> {
        let mut top = limit.min(self.ram.end());
        // Each round moves `top` below one more placed range, so there are at most as many rounds as ranges.
        for _ in 0..=self.placed.len() {
            let address = top.checked_sub(length)? / PAGE_BYTES * PAGE_BYTES;
            if address < self.ram.base() {
                return None;
            }
            match self.overlapping(&(address..address + length)) {
                None => return Some(address),
                Some((_, range)) => top = range.start,
            }
        }
        None
    }

    /// Copies `bytes` to `address` and clears what follows, up to `length` bytes in all.
    pub(super) fn place(
        &mut self,
        name: &str,
        what: &str,
        address: u64,
        bytes: &[u8],
        length: u64,
    ) -> Result<Range<u64>, LoadError> {
        self.claim(name, what, address, length)?;
        let outside = || self.outside(name, what, address, length);
        let offset = self.ram.offset_of(address, length).ok_or_else(outside)?;
        self.ram.write_bytes(offset, bytes).ok_or_else(outside)?;
        let rest = length.saturating_sub(bytes.len() as u64);
        self.ram.fill(offset + bytes.len() as u64, rest, 0).ok_or_else(outside)?;
        Ok(address..address + length)
    }

    /// Takes `length` bytes at `address` for `name`, if they are in RAM and free.
    fn claim(&mut self, name: &str, what: &str, address: u64, length: u64) -> Result<(), LoadError> {
        if self.ram.offset_of(address, length).is_none() {
            return Err(self.outside(name, what, address, length));
        }
        let range = address..address + length;
        if let Some((other, taken)) = self.overlapping(&range) {
            return Err(LoadError::Overlap {
                name: name.into(),
                what: what.into(),
                range,
                other: other.clone(),
                taken: taken.clone(),
            });
        }
        let label = if name == what { name.to_string() } else { format!("{name} ({what})") };
        self.placed.push((label, range));
        Ok(())
    }

    fn overlapping(&self, range: &Range<u64>) -> Option<&(String, Range<u64>)> {
        self.placed.iter().find(|(_, taken)| range.start < taken.end && taken.start < range.end)
    }

    fn outside(&self, name: &str, what: &str, address: u64, length: u64) -> LoadError {
        let ram = self.ram.base()..self.ram.end();
        LoadError::OutsideRam { name: name.into(), what: what.into(), address, length, ram }
    }
}
