//! A device that takes another's saved state goes on as that does; bytes that are no state are refused, and harm nothing.

mod ring;

use proptest::prelude::*;
use ring::disk::{IN, OK};
use ring::{Bench, NEXT, WRITE, register};
use visa_devices::{
    BLOCK_TRANSFER_BYTES, DiskAccess, DmaMemory, Finisher, LoadError, MemoryBackend, Model, Plic, Rtc,
    SECTOR_BYTES, Uart, VirtioMmio,
};
use visa_mem::AccessSize;

/// An access to a register: where, how large, and what is written, if something is.
type Access = (u64, AccessSize, Option<u64>);

fn accesses(window: u64) -> impl Strategy<Value = Vec<Access>> {
    let offset = prop_oneof![8 => (0..window / 4).prop_map(|word| word * 4), 2 => 0..window];
    let size = prop_oneof![4 => Just(AccessSize::Word), 2 => Just(AccessSize::Byte)];
    let value = prop_oneof![0..256u64, any::<u64>()];
    prop::collection::vec((offset, size, prop::option::of(value)), 0..120)
}

/// What an access gives, as far as one can see.
fn apply(device: &mut dyn Model, (offset, size, write): Access) -> (Option<u64>, bool) {
    let read = match write {
        Some(value) => device.write(offset, size, value).ok().map(|()| 0),
        None => device.read(offset, size).ok(),
    };
    (read, device.interrupt())
}

fn apply_all(device: &mut dyn Model, accesses: &[Access]) {
    for access in accesses {
        apply(device, *access);
    }
}

/// Brings a device somewhere, has another take its state, and goes on with both.
fn goes_on<M: Model>(new: impl Fn() -> M, before: &[Access], after: &[Access]) {
    let mut device = new();
    apply_all(&mut device, before);
    let saved = device.save();
    let mut copy = new();
    // Something that the state must replace.
    apply_all(&mut copy, after);
    copy.load(&saved).unwrap();
    assert_eq!(copy.save(), saved);
    for access in after {
        assert_eq!(apply(&mut copy, *access), apply(&mut device, *access), "{access:?}");
    }
    assert_eq!(copy.save(), device.save());
    refuses_less_and_more(&mut copy, &saved);
}

fn refuses_less_and_more(device: &mut impl Model, saved: &[u8]) {
    let before = device.save();
    let malformed = |result| matches!(result, Err(LoadError::Malformed { .. }));
    for length in 0..saved.len() {
        assert!(malformed(device.load(&saved[..length])), "{length} of {} bytes", saved.len());
    }
    assert!(malformed(device.load(&[saved, &[0]].concat())));
    assert_eq!(device.save(), before, "a state that was refused has changed something");
}

/// Takes any bytes for a state, and is then used.
fn survives(device: &mut impl Model, bytes: &[u8], accesses: &[Access]) {
    if device.load(bytes).is_ok() {
        apply_all(device, accesses);
        device.save();
    }
}

/// A state with some bytes changed.
fn damaged(mut saved: Vec<u8>, damage: &[(usize, u8)]) -> Vec<u8> {
    for (place, byte) in damage {
        if let Some(length @ 1..) = Some(saved.len()) {
            saved[place % length] = *byte;
        }
    }
    saved
}

fn damage() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)
}

proptest! {
    #[test]
    fn every_model_goes_on(
        uart in (accesses(8), accesses(8)), clock in (accesses(0x20), accesses(0x20)),
        plic in (accesses(0x20_4000), accesses(0x20_4000)), finisher in (accesses(4), accesses(4)),
        slot in (accesses(0x200), accesses(0x200)),
    ) {
        goes_on(Uart::new, &uart.0, &uart.1);
        goes_on(Rtc::new, &clock.0, &clock.1);
        goes_on(|| Plic::new(3), &plic.0, &plic.1);
        goes_on(Finisher::new, &finisher.0, &finisher.1);
        goes_on(VirtioMmio::empty, &slot.0, &slot.1);
        goes_on(|| Bench::new(MemoryBackend::new(vec![7; 4096], DiskAccess::ReadWrite)).transport, &slot.0, &slot.1);
    }

    #[test]
    fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), accesses in accesses(0x100), damage in damage()) {
        survives(&mut Uart::new(), &bytes, &accesses);
        survives(&mut Uart::new(), &damaged(Uart::new().save(), &damage), &accesses);
        survives(&mut Rtc::new(), &bytes, &accesses);
        survives(&mut Plic::new(2), &damaged(Plic::new(2).save(), &damage), &accesses);
        survives(&mut VirtioMmio::empty(), &bytes, &accesses);
        let (mut bench, _) = half_read();
        let state = damaged(bench.transport.save(), &damage);
        if bench.transport.load(&state).is_ok() {
            let memory = DmaMemory::physical(&bench.ram);
            for _ in 0..100 {
                bench.transport.serve_next(&memory);
            }
        }
    }
}

const REQUEST: usize = 3 * BLOCK_TRANSFER_BYTES;
const ROOM: u64 = ring::BASE + 0x10_0000;

/// A disk of which a request has read a part, with what the disk holds.
fn half_read() -> (Bench, Vec<u8>) {
    let bytes: Vec<u8> = (0..REQUEST).map(|index| (index / SECTOR_BYTES as usize) as u8 | 1).collect();
    let mut bench = Bench::with_ram(MemoryBackend::new(bytes.clone(), DiskAccess::ReadWrite), 8 << 20);
    bench.start();
    bench.request(IN, 0, REQUEST as u32, true);
    bench.descriptor(1, ROOM, REQUEST as u32, NEXT | WRITE, 2);
    bench.offer(0);
    bench.write(register::QUEUE_NOTIFY, 0);
    bench.transport.serve_next(&DmaMemory::physical(&bench.ram));
    (bench, bytes)
}

#[test]
fn a_request_that_has_begun_is_gone_on_with() {
    let (bench, bytes) = half_read();
    let saved = bench.transport.save();
    let mut copy = Bench::with_ram(MemoryBackend::new(bytes.clone(), DiskAccess::ReadWrite), 8 << 20);
    let mut memory = vec![0; 8 << 20];
    bench.ram.read_bytes(0, &mut memory).unwrap();
    copy.ram.write_bytes(0, &memory).unwrap();
    copy.transport.load(&saved).unwrap();
    assert_eq!(copy.get(ROOM, BLOCK_TRANSFER_BYTES), bytes[..BLOCK_TRANSFER_BYTES]);
    assert!(
        copy.get(ROOM, REQUEST)[BLOCK_TRANSFER_BYTES..].iter().all(|byte| *byte == 0),
        "only a part is read"
    );
    assert!(copy.transport.needs_service() && !copy.transport.interrupt());
    copy.transport.service(&DmaMemory::physical(&copy.ram));
    assert_eq!(copy.get(ROOM, REQUEST), bytes);
    assert!(copy.transport.interrupt());
    assert_eq!(copy.status(), OK);
}

#[test]
fn a_state_of_another_device_is_refused() {
    let disk = || Bench::new(MemoryBackend::new(vec![0; 512], DiskAccess::ReadWrite)).transport;
    let range = |field| Err(LoadError::Range { device: "virtio transport", field });
    assert_eq!(VirtioMmio::empty().load(&disk().save()), range("the kind of device behind it"));
    assert_eq!(disk().load(&VirtioMmio::empty().save()), range("the kind of device behind it"));
    let harts = LoadError::Range { device: "interrupt controller", field: "the number of harts" };
    assert_eq!(Plic::new(2).load(&Plic::new(3).save()), Err(harts));
    assert_eq!(
        harts.to_string(),
        "the saved state of the interrupt controller: the number of harts is out of range"
    );
}
