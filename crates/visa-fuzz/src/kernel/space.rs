//! The kernel's address spaces: page tables in random states, and what a change of an entry asks for.
//!
//! ```text
//!  A  0x0040_0000              pages of data, by space; the tables of two spaces may be the same
//!  C  0x0060_0000              user programs, by space
//!  B  0x4000_0000              2 MiB pages, or tables of 4 KiB pages, by space
//!  G  0xC000_0000              a 1 GiB page, by space
//!  H  0xFFFF_FFD0_0000_0000    pages of data and of functions, in one table of all spaces
//!  the kernel                  at its physical address, or high up, in all spaces
//! ```

use super::handler::Style;
use super::{DATA, DATA_PAGES, FUNCTIONS, IMAGE, TABLES, USER_CODE, USER_CODE_BYTES};
use crate::Random;
use visa_isa::paging::{self, Mode, PAGE_SIZE, TableBase};

/// How many spaces there are.
pub const SPACES: usize = 3;
/// Pages of A, tables or pages of B, pages of H.
pub const A_PAGES: u64 = 24;
const B_ENTRIES: u64 = 4;
pub const H_PAGES: u64 = 8;
const C_PAGES: u64 = USER_CODE_BYTES / PAGE_SIZE;

pub const A: u64 = 0x0040_0000;
pub const C: u64 = 0x0060_0000;
const B: u64 = 0x4000_0000;
const G: u64 = 0xC000_0000;
const H: u64 = 0xffff_ffd0_0000_0000;
/// The third GiB, in which nothing is mapped but perhaps the kernel; the sixth has nothing at all.
const UNMAPPED: u64 = 0x1_4000_0000;
/// No memory and no device.
const NOWHERE: u64 = 0x2_0000_0000;
/// Two megabytes that nothing else uses.
const LARGE: u64 = 0x8000_0000;
const MEGA: u64 = 2 << 20;
const GIGA: u64 = 1 << 30;

/// What of the kernel itself is random.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its address less the physical one.
    offset: u64,
    /// Mapped by pages of 4 KiB.
    small: bool,
    /// Flags of its entries beyond V, R, W, X.
    flags: u64,
    /// The handler's.
    pub style: Style,
}

impl Kernel {
    /// A kernel.
    pub fn random(random: &mut Random) -> Kernel {
        // Itself; the top 2 GiB; the lowest of the upper half.
        let at = random.pick(&[IMAGE, 0xffff_ffff_8020_0000, 0xffff_ffff_8020_0000, 0xffff_ffc0_0020_0000]);
        let mut flags = if random.once_in(2) { paging::PTE_GLOBAL } else { 0 };
        if !random.once_in(3) {
            flags |= paging::PTE_ACCESSED | paging::PTE_DIRTY;
        }
        Kernel {
            offset: at.wrapping_sub(IMAGE),
            small: random.once_in(2),
            flags,
            style: Style::random(random),
        }
    }

    /// Where it has a physical address of its image.
    pub fn virtual_address(&self, physical: u64) -> u64 {
        physical.wrapping_add(self.offset)
    }

    /// Whether it can run without translation.
    pub fn is_identity(&self) -> bool {
        self.offset == 0
    }
}

/// A place whose translation is random.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// A virtual address of the page.
    pub address: u64,
    /// Physical address of the entry.
    pub entry: u64,
    /// The level of a leaf there.
    pub level: u32,
    /// The only space that has it; none: several.
    pub space: Option<usize>,
}

/// All tables.
pub struct Spaces {
    /// The kernel.
    pub kernel: Kernel,
    words: Vec<u64>,
    roots: [u64; SPACES],
    asids: [u16; SPACES],
    targets: Vec<Target>,
    /// Which pages of H are functions.
    pub functions: [bool; H_PAGES as usize],
}

const fn entry(address: u64, flags: u64) -> u64 {
    (address >> paging::PAGE_SHIFT) << paging::PTE_PPN_SHIFT | flags
}

const ENTRIES: u64 = PAGE_SIZE / 8;

impl Spaces {
    /// Random spaces.
    pub fn random(random: &mut Random, kernel: Kernel) -> Spaces {
        let distinct = [random.bits() as u16, random.pick(&[0, 1]), random.pick(&[2, 0x7fff, 0xffff])];
        let mut asids = distinct;
        if distinct[0] == distinct[1] || distinct[0] == distinct[2] || random.once_in(3) {
            asids[0] = asids[1];
        }
        let mut spaces = Spaces {
            kernel,
            words: Vec::new(),
            roots: [0; SPACES],
            asids,
            targets: Vec::new(),
            functions: std::array::from_fn(|_| random.once_in(3)),
        };
        let upper = spaces.pages_table(random, H);
        let high = spaces.link(H, 2, upper);
        let kernel_table = spaces.kernel_table();
        // Two spaces may have the same pages A.
        let shared = random.once_in(2).then(|| spaces.pages_table(random, A));
        for number in 0..SPACES {
            let root = spaces.table();
            spaces.roots[number] = root;
            spaces.set(root, H, 2, entry(high, paging::PTE_VALID));
            spaces.set(root, kernel.virtual_address(IMAGE), 2, entry(kernel_table, paging::PTE_VALID));
            spaces.lower_half(random, number, root, shared.filter(|_| number != 0));
        }
        spaces
    }

    /// The bytes of all tables.
    pub fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// satp for a space.
    pub fn satp(&self, space: usize) -> u64 {
        TableBase { mode: Mode::Sv39, tag: self.asids[space], root: self.roots[space] }.value()
    }

    /// Its ASID.
    pub fn asid(&self, space: usize) -> u16 {
        self.asids[space]
    }

    /// Another space has the ASID too.
    pub fn shares_asid(&self, space: usize) -> bool {
        (0..SPACES).any(|other| other != space && self.asids[other] == self.asids[space])
    }

    /// An entry to change.
    pub fn target(&self, random: &mut Random) -> Target {
        random.pick(&self.targets)
    }

    fn table(&mut self) -> u64 {
        let address = TABLES + self.words.len() as u64 * 8;
        self.words.resize(self.words.len() + ENTRIES as usize, 0);
        address
    }

    /// Sets the entry of an address in a table of a level, and returns where the entry is.
    fn set(&mut self, table: u64, address: u64, level: u32, value: u64) -> u64 {
        let index = address >> (paging::PAGE_SHIFT + paging::LEVEL_BITS * level) & (ENTRIES - 1);
        let at = table + index * 8;
        self.words[((at - TABLES) / 8) as usize] = value;
        at
    }

    /// A table of the level below `level` that has a pointer for an address.
    fn link(&mut self, address: u64, level: u32, to: u64) -> u64 {
        let table = self.table();
        self.set(table, address, level - 1, entry(to, paging::PTE_VALID));
        table
    }

    fn kernel_table(&mut self) -> u64 {
        const RIGHTS: u64 = paging::PTE_VALID | paging::PTE_READ | paging::PTE_WRITE | paging::PTE_EXECUTE;
        let flags = RIGHTS | self.kernel.flags;
        let base = self.kernel.virtual_address(IMAGE);
        let table = self.table();
        self.set(table, base + MEGA, 1, entry(DATA, flags));
        if !self.kernel.small {
            self.set(table, base, 1, entry(IMAGE, flags));
            return table;
        }
        let pages = self.table();
        self.set(table, base, 1, entry(pages, paging::PTE_VALID));
        for page in (0..ENTRIES).map(|page| page * PAGE_SIZE) {
            self.set(pages, base + page, 0, entry(IMAGE + page, flags));
        }
        table
    }

    fn lower_half(&mut self, random: &mut Random, number: usize, root: u64, shared: Option<u64>) {
        let first = self.table();
        self.set(root, A, 2, entry(first, paging::PTE_VALID));
        let pages = match shared {
            Some(pages) => pages,
            None => {
                let pages = self.pages_table(random, A);
                self.targets.iter_mut().filter(|target| target.entry & !(PAGE_SIZE - 1) == pages).for_each(
                    |target| {
                        target.space = Some(number);
                    },
                );
                pages
            }
        };
        self.set(first, A, 1, entry(pages, paging::PTE_VALID));
        let code = self.table();
        self.set(first, C, 1, entry(code, paging::PTE_VALID));
        for page in (0..C_PAGES).map(|page| page * PAGE_SIZE) {
            let target = Target { address: C + page, entry: 0, level: 0, space: Some(number) };
            let value = self.leaf(random, &target);
            let at = self.set(code, C + page, 0, value);
            self.targets.push(Target { entry: at, ..target });
        }
        self.large_pages(random, number, root);
    }

    /// B and G.
    fn large_pages(&mut self, random: &mut Random, number: usize, root: u64) {
        let middle = self.table();
        self.set(root, B, 2, entry(middle, paging::PTE_VALID));
        for address in (0..B_ENTRIES).map(|index| B + index * MEGA) {
            let target = Target { address, entry: 0, level: 1, space: Some(number) };
            let value = if random.once_in(3) {
                let pages = self.pages_table(random, address);
                self.targets.iter_mut().filter(|target| target.entry & !(PAGE_SIZE - 1) == pages).for_each(
                    |target| {
                        target.space = Some(number);
                    },
                );
                entry(pages, paging::PTE_VALID)
            } else {
                self.leaf(random, &target)
            };
            let at = self.set(middle, address, 1, value);
            self.targets.push(Target { entry: at, ..target });
        }
        let target = Target { address: G, entry: 0, level: 2, space: Some(number) };
        let value = self.leaf(random, &target);
        let at = self.set(root, G, 2, value);
        self.targets.push(Target { entry: at, ..target });
    }

    /// A table of the lowest level with random pages from an address on.
    fn pages_table(&mut self, random: &mut Random, address: u64) -> u64 {
        let table = self.table();
        let pages = if address == H { H_PAGES } else { A_PAGES };
        for page in (0..pages).map(|page| address + page * PAGE_SIZE) {
            let target = Target { address: page, entry: 0, level: 0, space: None };
            let value = self.leaf(random, &target);
            let at = self.set(table, page, 0, value);
            self.targets.push(Target { entry: at, ..target });
        }
        table
    }

    /// A random leaf for a place: mostly one that allows something.
    pub fn leaf(&self, random: &mut Random, target: &Target) -> u64 {
        use paging::{
            PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_GLOBAL, PTE_READ, PTE_USER, PTE_VALID, PTE_WRITE,
        };
        const SOFTWARE: u64 = 3 << 8;
        let mut flags = PTE_VALID | random.bits() & SOFTWARE;
        let code = is_code(target.address);
        flags |= match random.below(8) {
            _ if code && !random.once_in(6) => {
                PTE_EXECUTE | random.pick(&[0, PTE_READ, PTE_READ | PTE_WRITE])
            }
            0 => PTE_READ,
            1 => PTE_EXECUTE,
            2 => PTE_READ | PTE_EXECUTE,
            3 => PTE_READ | PTE_WRITE | PTE_EXECUTE,
            // Reserved.
            4 if random.once_in(4) => PTE_WRITE,
            _ => PTE_READ | PTE_WRITE,
        };
        if random.once_in(2) || code && !random.once_in(6) {
            flags |= PTE_USER;
        }
        if !random.once_in(3) {
            flags |= PTE_ACCESSED;
        }
        if !random.once_in(3) {
            flags |= PTE_DIRTY;
        }
        // Only what all spaces have may be global.
        if self.h_page(target.address).is_some() && random.once_in(2) {
            flags |= PTE_GLOBAL;
        }
        let value = entry(self.physical(random, target), flags);
        match random.below(32) {
            0 => value & !PTE_VALID,
            1 => random.bits() & !PTE_VALID,
            2 => value | 1 << random.between(54, 63),
            _ => value,
        }
    }

    fn physical(&self, random: &mut Random, target: &Target) -> u64 {
        let data = DATA + random.below(DATA_PAGES) * PAGE_SIZE;
        match (target.level, self.h_page(target.address)) {
            (0, Some(page)) if self.functions[page] => FUNCTIONS,
            (0, None) if is_code(target.address) => USER_CODE + (target.address - C),
            (_, _) if random.once_in(24) => NOWHERE,
            (0, _) => data,
            // One page in a few is misaligned.
            (1, _) if random.once_in(10) => data,
            (1, _) => random.pick(&[LARGE, DATA]),
            _ if random.once_in(10) => DATA,
            _ => LARGE,
        }
    }

    /// The page of H that an address is in.
    fn h_page(&self, address: u64) -> Option<usize> {
        let offset = address.wrapping_sub(H);
        (offset < H_PAGES * PAGE_SIZE).then_some((offset / PAGE_SIZE) as usize)
    }

    /// An address of a function, wherever that may be mapped.
    pub fn function(&self, random: &mut Random) -> Option<u64> {
        let page = random.below(H_PAGES);
        self.functions[page as usize].then_some(H + page * PAGE_SIZE)
    }

    /// An address for a load; `stores`: for a store too, so that nobody's instructions change.
    pub fn address(&self, random: &mut Random, stores: bool) -> u64 {
        let offset = offset(random);
        match random.below(32) {
            0..14 => A + random.below(A_PAGES) * PAGE_SIZE + offset,
            14..19 => {
                B + random.below(B_ENTRIES) * MEGA
                    + random.below(A_PAGES.min(DATA_PAGES)) * PAGE_SIZE
                    + offset
            }
            19..22 => G + (DATA - LARGE) + random.below(DATA_PAGES) * PAGE_SIZE + offset,
            22..27 => {
                let page = random.below(H_PAGES);
                // The last bytes of the page before may reach into this one.
                let is_function = |page: u64| self.functions.get(page as usize).is_some_and(|&is| is);
                if stores && (is_function(page) || is_function(page + 1)) {
                    return UNMAPPED + offset;
                }
                H + page * PAGE_SIZE + offset
            }
            27 if !stores => C + random.below(C_PAGES) * PAGE_SIZE + offset,
            28 => UNMAPPED + offset,
            29 => (1 << random.between(38, 63)) | (A + offset),
            30 => offset,
            _ => A + random.below(2) * PAGE_SIZE + offset,
        }
    }

    /// An address of A near its start, with room for so many bytes: for user programs.
    pub fn scratch(&self, random: &mut Random) -> u64 {
        A + random.below(A_PAGES - 1) * PAGE_SIZE + (random.bits() & 0x7f8)
    }
}

/// Whether user programs are there.
fn is_code(address: u64) -> bool {
    (C..C + USER_CODE_BYTES).contains(&address)
}

/// An offset in a page, often aligned, often at the end.
fn offset(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => PAGE_SIZE - 1 - random.below(8),
        1 => random.below(PAGE_SIZE),
        _ => random.below(PAGE_SIZE / 8) * 8,
    }
}

const _: () = assert!(LARGE + GIGA > DATA && UNMAPPED > G + GIGA - 1);
