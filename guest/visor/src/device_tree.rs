//! What visor reads from the two device trees: the machine's, which is for visor, and the guest's (specification, 8.1).

use crate::cpu::HARTS_MAX;
use crate::guest::memory::{self, Region, Regions};
use crate::interrupts::plic::PlicAt;
use crate::lacks::Lacks;
use arrayvec::ArrayVec;
use core::fmt;
use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};

/// What visor is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Firmware alone: nothing trapped, no second stage.
    Native,
    /// A hypervisor with one VM.
    Accelerated,
    /// A hypervisor that uses no V-ISA virtualization: in Ring 0, with the guest in Ring 3.
    Software,
    /// A hypervisor that shows what it does, for the guest of `visa demo`.
    Demo,
}

impl Mode {
    /// The name in the device tree.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Native => "native",
            Mode::Accelerated => "accelerated",
            Mode::Software => "software",
            Mode::Demo => "demo",
        }
    }

    fn from_name(name: &str) -> Option<Mode> {
        [Mode::Native, Mode::Accelerated, Mode::Software, Mode::Demo]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// What the machine's tree says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    /// `/chosen/visa,mode`.
    pub mode: Mode,
    /// `/chosen/visa,kernel-entry`: physical address of the kernel's first instruction.
    pub kernel_entry: u64,
    /// `/chosen/visa,guest-device-tree`: physical address of the tree that the kernel gets.
    pub guest_tree: u64,
    /// Harts, which are numbered from 0.
    pub harts: usize,
    /// Physical address of the UART.
    pub uart: u64,
    /// Physical address of the test finisher.
    pub finisher: u64,
    /// The interrupt controller, if there is one.
    pub plic: Option<PlicAt>,
    /// What the harts lack.
    pub lacks: Lacks,
}

/// What the guest's tree says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guest {
    /// Memory that the kernel is told of.
    pub memory: Regions,
    /// Devices, in whole pages.
    pub devices: Regions,
}

/// What is wrong with a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// It is no flattened device tree, or a damaged one.
    Damaged,
    /// A node that has to be there is not.
    Missing(&'static str),
    /// A property is missing or is not what it has to be.
    Property(&'static str),
    /// The hart numbers are not 0, 1, 2, ..., or there are too many.
    Harts,
    /// There are too many regions, or one of them is no range of addresses.
    Regions,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Damaged => write!(to, "not a flattened device tree, or a damaged one"),
            Error::Missing(node) => write!(to, "there is no {node}"),
            Error::Property(name) => write!(to, "{name} is missing or not of the form it should have"),
            Error::Harts => write!(to, "hart numbers are not 0 and up, or above {}", HARTS_MAX - 1),
            Error::Regions => write!(to, "too many regions, or one that no address range can be"),
        }
    }
}

/// Reads the machine's tree.
pub fn machine(tree: &[u8]) -> Result<Machine, Error> {
    let tree = Fdt::new(tree).map_err(|_| Error::Damaged)?;
    let chosen = tree.find_node("/chosen").ok_or(Error::Missing("/chosen"))?;
    Ok(Machine {
        mode: text(&chosen, "visa,mode").and_then(Mode::from_name).ok_or(Error::Property("visa,mode"))?,
        kernel_entry: number(&chosen, "visa,kernel-entry").ok_or(Error::Property("visa,kernel-entry"))?,
        guest_tree: number(&chosen, "visa,guest-device-tree")
            .ok_or(Error::Property("visa,guest-device-tree"))?,
        harts: harts(&tree)?,
        uart: device(&tree, "ns16550a")?,
        finisher: device(&tree, "sifive,test1")?,
        plic: plic(&tree),
        lacks: lacks(&tree)?,
    })
}

/// Whether a tree's command line has a word.
pub fn has_argument(tree: &[u8], word: &str) -> bool {
    let tree = Fdt::new(tree).ok();
    let chosen = tree.as_ref().and_then(|tree| tree.find_node("/chosen"));
    let arguments = chosen.as_ref().and_then(|chosen| text(chosen, "bootargs"));
    arguments.is_some_and(|arguments| arguments.split_ascii_whitespace().any(|argument| argument == word))
}

/// Reads the guest's tree.
pub fn guest(tree: &[u8]) -> Result<Guest, Error> {
    let tree = Fdt::new(tree).map_err(|_| Error::Damaged)?;
    let mut memory = ArrayVec::new();
    for node in tree.root().children().filter(|node| node.name_without_address() == "memory") {
        extents(&node, &mut memory)?;
    }
    let mut devices = ArrayVec::new();
    let soc = tree.find_node("/soc").ok_or(Error::Missing("/soc"))?;
    for node in soc.children() {
        extents(&node, &mut devices)?;
    }
    if memory.is_empty() {
        return Err(Error::Missing("/memory"));
    }
    Ok(Guest {
        memory: memory_regions(&memory)?,
        devices: memory::whole_pages(&mut devices).ok_or(Error::Regions)?,
    })
}

/// Extents of one tree, before they are made regions.
type Extents = ArrayVec<(u64, u64), { memory::REGIONS_MAX }>;

/// Memory must come in whole pages: the second stage maps nothing smaller.
fn memory_regions(extents: &Extents) -> Result<Regions, Error> {
    let whole = |value: u64| value.is_multiple_of(memory::PAGE);
    extents
        .iter()
        .map(|&(address, length)| {
            let sound =
                whole(address) && whole(length) && length != 0 && address.checked_add(length).is_some();
            sound.then_some(Region::identity(address, length)).ok_or(Error::Regions)
        })
        .collect()
}

/// Adds the extents in `reg`; a node without one has none.
fn extents(node: &FdtNode<'_>, to: &mut Extents) -> Result<(), Error> {
    let Some(reg) = node.reg().map_err(|_| Error::Property("reg"))? else { return Ok(()) };
    for extent in reg {
        let address = extent.address().map_err(|_| Error::Property("reg"))?;
        let length = extent.size().map_err(|_| Error::Property("reg"))?;
        to.try_push((address, length)).map_err(|_| Error::Regions)?;
    }
    Ok(())
}

/// The device tree at an address, or nothing if none is there.
#[cfg(target_arch = "riscv64")]
pub(crate) fn at(address: u64) -> &'static [u8] {
    const ALIGNMENT: u64 = 8;
    if address == 0 || !address.is_multiple_of(ALIGNMENT) {
        return &[];
    }
    // SAFETY: the machine says that a tree is there (specification, 8.1), which nobody writes while it is read; its
    // header, which says how long it is, is checked before the rest is looked at.
    unsafe { Fdt::from_raw(address as *const u8) }.map_or(&[], |tree| tree.data())
}

/// The address of the first device below /soc that is compatible with `what`.
fn device(tree: &Fdt<'_>, what: &'static str) -> Result<u64, Error> {
    let soc = tree.find_node("/soc").ok_or(Error::Missing("/soc"))?;
    let node = compatible_with(&soc, what).ok_or(Error::Missing(what))?;
    first_address(&node).ok_or(Error::Property("reg"))
}

fn compatible_with<'a>(soc: &FdtNode<'a>, what: &str) -> Option<FdtNode<'a>> {
    soc.children().find(|node| node.compatible().is_some_and(|mut names| names.any(|name| name == what)))
}

fn first_address(node: &FdtNode<'_>) -> Option<u64> {
    node.reg().ok()??.next()?.address().ok()
}

/// The interrupt controller, if its node says what is needed to use it.
fn plic(tree: &Fdt<'_>) -> Option<PlicAt> {
    let node = compatible_with(&tree.find_node("/soc")?, "riscv,plic0")?;
    Some(PlicAt { address: first_address(&node)?, sources: number(&node, "riscv,ndev")? })
}

/// The features that `/cpus` says are missing.
fn lacks(tree: &Fdt<'_>) -> Result<Lacks, Error> {
    const NAME: &str = "visa,without";
    let mut lacks = Lacks::default();
    let cpus = tree.find_node("/cpus").ok_or(Error::Missing("/cpus"))?;
    if let Some(property) = cpus.property(NAME) {
        for name in property.value().split(|&byte| byte == 0) {
            lacks.note(core::str::from_utf8(name).map_err(|_| Error::Property(NAME))?);
        }
    }
    Ok(lacks)
}

/// How many harts there are: cpu nodes 0, 1, 2, ... in any order.
fn harts(tree: &Fdt<'_>) -> Result<usize, Error> {
    let cpus = tree.find_node("/cpus").ok_or(Error::Missing("/cpus"))?;
    let mut seen: u64 = 0;
    for node in cpus.children().filter(|node| node.name_without_address() == "cpu") {
        let hart = number(&node, "reg").ok_or(Error::Property("reg"))?;
        if hart >= HARTS_MAX as u64 {
            return Err(Error::Harts);
        }
        seen |= 1 << hart;
    }
    let count = seen.trailing_ones();
    if count == 0 || seen.count_ones() != count {
        return Err(Error::Harts);
    }
    Ok(count as usize)
}

fn text<'a>(node: &FdtNode<'a>, name: &str) -> Option<&'a str> {
    node.property(name)?.value_as::<&str>().ok()
}

/// A number of one or two cells.
fn number(node: &FdtNode<'_>, name: &str) -> Option<u64> {
    let property = node.property(name)?;
    let value = property.value();
    match value.len() {
        4 => Some(u64::from(u32::from_be_bytes(value.try_into().ok()?))),
        8 => Some(u64::from_be_bytes(value.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
