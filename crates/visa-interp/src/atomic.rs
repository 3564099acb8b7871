//! Atomic memory operations. One hart runs at a time, so that a read and a write in one instruction are atomic.

use visa_core::memory::{MemoryPort, load_ram, store_ram};
use visa_core::{Hart, Stop};
use visa_isa::cause::Exception;
use visa_isa::paging::Access;
use visa_mem::{AccessSize, Platform};
use visa_state::Reservation;

/// LR: loads, zero-extended, and reserves.
pub fn load_reserved<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    address: u64,
    size: AccessSize,
) -> Result<u64, Stop> {
    let offset = hart.atomic_place(memory, address, Access::Load, size)?;
    let value = load_ram(memory.platform.ram(), offset, size);
    hart.state.reservation = Reservation::new(offset, size.bytes());
    value.ok_or(Stop::Exception(Exception::LoadAccessFault, address))
}

/// SC: 0 if it stored, 1 if the reservation was lost. It ends the reservation.
pub fn store_conditional<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    address: u64,
    size: AccessSize,
    value: u64,
) -> Result<u64, Stop> {
    let offset = hart.atomic_place(memory, address, Access::Store, size)?;
    if hart.state.reservation.take() != Reservation::new(offset, size.bytes()) {
        return Ok(1);
    }
    write(hart, memory, address, offset, size, value)?;
    Ok(0)
}

/// An AMO: the old value, sign-extended; memory becomes what `change` makes of the old value, zero-extended.
pub fn atomic<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    address: u64,
    size: AccessSize,
    change: impl FnOnce(u64) -> u64,
) -> Result<u64, Stop> {
    let offset = hart.atomic_place(memory, address, Access::Store, size)?;
    let old = load_ram(memory.platform.ram(), offset, size)
        .ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
    write(hart, memory, address, offset, size, change(old))?;
    Ok(if size == AccessSize::Word { old as i32 as u64 } else { old })
}

fn write<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    address: u64,
    offset: u64,
    size: AccessSize,
    value: u64,
) -> Result<(), Stop> {
    let ram = memory.platform.ram();
    store_ram(ram, offset, size, value).ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
    hart.see_written(ram);
    Ok(())
}
