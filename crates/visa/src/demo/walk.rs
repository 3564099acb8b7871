//! A walk of both stages of translation, made here step by step from the tables in the machine's memory, to be compared
//! with what the machine did and with what visor told (specification, 4.1).

use anyhow::{Context, ensure};
use visa_isa::paging::{
    LEVEL_BITS, PAGE_SHIFT, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ, PTE_VALID, PTE_WRITE, TableBase,
};
use visa_machine::machine::Machine;

/// One stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stage {
    /// The register that names its tables.
    pub base: TableBase,
    /// What went in.
    pub from: u64,
    /// What came out.
    pub to: u64,
    /// Table entries read.
    pub entries: u32,
    /// Bytes of the page.
    pub page_bytes: u64,
}

/// Both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walk {
    /// Guest-virtual to guest-physical.
    pub first: Stage,
    /// Guest-physical to physical.
    pub second: Stage,
    /// Reads of memory that a walker without any cache makes: each entry of the first stage is itself at a
    /// guest-physical address.
    pub references: u32,
}

/// Translates a guest-virtual address of hart 0.
pub fn walk(machine: &Machine, address: u64) -> anyhow::Result<Walk> {
    let hart = &machine.harts[0];
    let cr3 = TableBase::from_cr3(hart.state.supervisor.satp).context("CR3 holds no mode")?;
    let hptbr = TableBase::from_hptbr(hart.state.vm.hptbr).context("HPTBR holds no mode")?;
    let mut references = 0;
    let first = stage(cr3, address, |guest_physical| {
        let nested = second(machine, hptbr, guest_physical)?;
        references += nested.entries + 1;
        read(machine, nested.to)
    })?;
    let second = second(machine, hptbr, first.to)?;
    Ok(Walk { first, second, references: references + second.entries })
}

/// Translates a guest-physical address of hart 0.
pub fn walk_second(machine: &Machine, guest_physical: u64) -> anyhow::Result<Stage> {
    let hptbr = TableBase::from_hptbr(machine.harts[0].state.vm.hptbr).context("HPTBR holds no mode")?;
    second(machine, hptbr, guest_physical)
}

fn second(machine: &Machine, hptbr: TableBase, guest_physical: u64) -> anyhow::Result<Stage> {
    stage(hptbr, guest_physical, |physical| read(machine, physical))
}

fn read(machine: &Machine, physical: u64) -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    machine.read_physical(physical, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn stage(
    base: TableBase,
    address: u64,
    mut read: impl FnMut(u64) -> anyhow::Result<u64>,
) -> anyhow::Result<Stage> {
    let mut table = base.root;
    let levels = base.mode.levels();
    for level in (0..levels).rev() {
        let shift = PAGE_SHIFT + LEVEL_BITS * level;
        let index = address >> shift & ((1 << LEVEL_BITS) - 1);
        let entry = read(table + index * 8)?;
        ensure!(entry & PTE_VALID != 0, "{address:#x} is not mapped at level {level}");
        let next = (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
        if entry & (PTE_READ | PTE_WRITE | PTE_EXECUTE) != 0 {
            let inside = (1 << shift) - 1;
            let to = next & !inside | address & inside;
            return Ok(Stage { base, from: address, to, entries: levels - level, page_bytes: 1 << shift });
        }
        table = next;
    }
    anyhow::bail!("{address:#x}: the tables end without a page")
}
