//! Drivers of a virtio device that do anything: registers in any order, rings and chains of any content.

use visa_devices::{
    Block, DiskAccess, DmaAccess, DmaExtent, DmaMemory, DmaTranslation, MemoryBackend, Model, Requester,
    VirtioMmio,
};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::{AccessSize, Device, Ram};

use crate::taker::Taker;

const BASE: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 1 << 16;
const DISK_BYTES: usize = 1 << 14;
const PAGE: u64 = 4096;

/// Registers, and values for them, that bring a device to life (virtio 1.2, 4.2.2 and 3.1).
const STATUS: u64 = 0x70;
const WAKE_UP: [(u64, u64); 6] = [(STATUS, 0), (STATUS, 3), (0x24, 1), (0x20, 1), (0x24, 0), (STATUS, 11)];
const DRIVER_OK: u64 = 15;
const NOTIFY: u64 = 0x50;

/// The lower half of memory, seen from 0 on, with a page that is missing and one that cannot be written.
struct Half;

impl DmaTranslation for Half {
    fn translate(&self, _: Requester, guest: GuestPhysical, access: DmaAccess) -> Option<DmaExtent> {
        let page = guest.0 / PAGE;
        let is_there = guest.0 < RAM_BYTES / 2 && page != 5 && (page != 6 || access != DmaAccess::Write);
        is_there.then(|| DmaExtent::in_page(Physical(BASE + guest.0)))
    }
}

/// Sixteen bytes say how the queue is made; then steps, each with a byte of its own, up to a zero; the rest is memory.
pub fn virtio(bytes: &[u8]) {
    let mut taker = Taker(bytes);
    let ram = Ram::new(BASE, RAM_BYTES).expect("the host has a few pages");
    let flags = taker.byte();
    let memory = if flags & 1 == 0 {
        DmaMemory::physical(&ram)
    } else {
        DmaMemory::translated(&ram, Requester(1), &Half)
    };
    let origin = if flags & 1 == 0 { BASE } else { 0 };
    let access = if flags & 2 != 0 { DiskAccess::ReadOnly } else { DiskAccess::ReadWrite };
    let backend = MemoryBackend::new(vec![0x5a; DISK_BYTES], access);
    let mut device = VirtioMmio::new(Box::new(Block::new(Box::new(backend), "fuzz")));
    let size = taker.byte();
    WAKE_UP.iter().for_each(|&(register, value)| write(&mut device, register, value));
    write(&mut device, 0x38, 1 << (size & 15));
    for register in [0x80, 0x90, 0xa0] {
        let address = origin + u64::from(taker.half());
        write(&mut device, register, address & 0xffff_ffff);
        write(&mut device, register + 4, address >> 32);
    }
    write(&mut device, 0x44, 1);
    write(&mut device, STATUS, DRIVER_OK);
    let steps: Vec<(u8, u16, u64)> = std::iter::from_fn(|| match taker.byte() {
        0 => None,
        step => Some((step, taker.half(), taker.double())),
    })
    .take(64)
    .collect();
    let content = &taker.0[..taker.0.len().min(RAM_BYTES as usize)];
    let _ = ram.write_bytes(0, content);
    write(&mut device, NOTIFY, 0);
    serve(&mut device, &memory);
    for (step, place, value) in steps {
        match step & 7 {
            0 => {
                let _ = device.read((place & 0xfff).into(), AccessSize::ALL[usize::from(step >> 3 & 3)]);
            }
            1 => {
                let _ =
                    device.write((place & 0xfff).into(), AccessSize::ALL[usize::from(step >> 3 & 3)], value);
            }
            // The driver's memory alone: the other half is nobody's.
            2 => {
                let _ = ram.store_u64((u64::from(place) % (RAM_BYTES / 2)) & !7, value);
            }
            _ => write(&mut device, NOTIFY, 0),
        }
        serve(&mut device, &memory);
    }
    if flags & 1 == 1 {
        // What the translation does not lead to stays as it was.
        let half = RAM_BYTES as usize / 2;
        let mut now = vec![0; half];
        ram.read_bytes(RAM_BYTES / 2, &mut now).expect("it is memory");
        let mut before = content.get(half..).unwrap_or(&[]).to_vec();
        before.resize(half, 0);
        assert!(now == before, "memory that the device cannot reach was written");
    }
}

fn serve(device: &mut VirtioMmio, memory: &DmaMemory<'_>) {
    if device.needs_service() {
        device.service(memory);
    }
    device.interrupt();
}

/// A register write that may fail, as any driver's.
fn write(device: &mut VirtioMmio, register: u64, value: u64) {
    let _ = device.write(register, AccessSize::Word, value);
}
