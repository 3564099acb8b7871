//! Whatever a guest does to a device, it answers: no panic, no endless loop.

mod ring;

use proptest::prelude::*;
use ring::{Bench, RAM_BYTES, register};
use visa_devices::{DiskAccess, DmaMemory, Finisher, Level, MemoryBackend, Model, Plic, Rtc, Uart};
use visa_mem::{AccessSize, Device};

#[derive(Clone, Debug)]
struct Access {
    offset: u64,
    size: AccessSize,
    write: Option<u64>,
}

/// Accesses that mostly hit registers, up to `window`.
fn accesses(window: u64) -> impl Strategy<Value = Vec<Access>> {
    let offset =
        prop_oneof![8 => (0..window / 4).prop_map(|word| word * 4), 2 => 0..window, 1 => any::<u64>()];
    let size = prop_oneof![4 => Just(AccessSize::Word), 1 => prop::sample::select(&AccessSize::ALL[..])];
    let value = prop_oneof![0..256u64, any::<u64>()];
    let access = (offset, size, prop::option::of(value));
    prop::collection::vec(access.prop_map(|(offset, size, write)| Access { offset, size, write }), 0..200)
}

fn apply(device: &mut dyn Device, access: &Access) {
    let _ = match access.write {
        Some(value) => device.write(access.offset, access.size, value),
        None => device.read(access.offset, access.size).map(|value| {
            assert_eq!(value & !access.size.all_ones(), 0, "a read is zero-extended: {access:?}");
        }),
    };
}

proptest! {
    #[test]
    fn uart(accesses in prop::collection::vec((0..8u64, any::<Option<u8>>(), any::<u8>()), 0..300)) {
        let mut uart = Uart::new();
        for (offset, write, typed) in accesses {
            let could = uart.can_receive();
            prop_assert_eq!(uart.receive(typed), could);
            apply(&mut uart, &Access { offset, size: AccessSize::Byte, write: write.map(u64::from) });
            uart.take_transmitted();
            uart.interrupt();
        }
    }

    #[test]
    fn plic(accesses in accesses(0x60_0000), levels in prop::collection::vec((0..100u32, any::<bool>()), 0..200)) {
        let mut plic = Plic::new(3);
        for (access, (source, high)) in accesses.iter().zip(levels) {
            plic.set_level(source, if high { Level::High } else { Level::Low });
            apply(&mut plic, access);
        }
    }

    /// A line that is up always has something to claim, and claiming everything takes it down.
    #[test]
    fn plic_claims_drain_the_line(
        priorities in prop::collection::vec(0..8u32, 96),
        enabled in any::<[u32; 3]>(), levels in any::<[u32; 3]>(), threshold in 0..8u32,
    ) {
        let mut plic = Plic::new(1);
        let word = AccessSize::Word;
        for (source, priority) in priorities.iter().enumerate() {
            plic.write(4 * source as u64, word, (*priority).into()).unwrap();
        }
        for (index, sources) in enabled.iter().enumerate() {
            plic.write(0x2080 + 4 * index as u64, word, (*sources).into()).unwrap();
        }
        plic.write(0x20_1000, word, threshold.into()).unwrap();
        let is = |set: &[u32; 3], source: u32| set[source as usize / 32] >> (source % 32) & 1 != 0;
        for source in 1..96 {
            plic.set_level(source, if is(&levels, source) { Level::High } else { Level::Low });
        }
        let mut expected: Vec<u32> = (1..96)
            .filter(|source| is(&enabled, *source) && is(&levels, *source) && priorities[*source as usize] > 0)
            .collect();
        expected.sort_by_key(|source| (std::cmp::Reverse(priorities[*source as usize]), *source));
        for source in expected {
            prop_assert_eq!(plic.line(1), priorities[source as usize] > threshold);
            prop_assert_eq!(plic.read(0x20_1004, word), Ok(source.into()));
        }
        prop_assert_eq!(plic.read(0x20_1004, word), Ok(0));
        prop_assert!(!plic.line(1));
    }

    #[test]
    fn rtc_and_finisher(accesses in accesses(0x24), times in prop::collection::vec(any::<u64>(), 200)) {
        let (mut rtc, mut finisher) = (Rtc::new(), Finisher::new());
        for (access, time_ns) in accesses.iter().zip(times) {
            rtc.set_time_ns(time_ns);
            apply(&mut rtc, access);
            apply(&mut finisher, access);
            rtc.until_event_ns();
        }
    }

    #[test]
    fn virtio_registers(accesses in accesses(0x140)) {
        let mut bench = Bench::new(MemoryBackend::new(vec![0; 4096], DiskAccess::ReadWrite));
        for access in &accesses {
            apply(&mut bench.transport, access);
            bench.transport.service(&DmaMemory::physical(&bench.ram));
        }
    }

    /// Random bytes as rings, descriptors, headers and buffers, which overlap at will.
    #[test]
    fn virtio_memory(
        page in prop::collection::vec(any::<u8>(), 4096),
        descriptors in prop::collection::vec((0..0x3000u64, 0..0x2000u32, 0..8u16, 0..10u16), 8),
        queue in (0..0x3000u64, 0..0x3000u64, 0..0x3000u64, 0..4u32),
        rounds in 1..6u16,
    ) {
        let mut bench = Bench::new(MemoryBackend::new(vec![0x11; 8192], DiskAccess::ReadWrite));
        for start in (0..0x4000).step_by(4096) {
            bench.ram.write_bytes(start, &page).unwrap();
        }
        bench.negotiate();
        let (table, available, used) =
            (ring::BASE + (queue.0 & !15), ring::BASE + (queue.1 & !1), ring::BASE + (queue.2 & !3));
        for (index, (address, length, flags, next)) in descriptors.iter().enumerate() {
            bench.descriptor_at(table, index as u64, ring::BASE + address, *length, *flags, *next);
        }
        bench.write(register::QUEUE_NUM, 1 << queue.3);
        bench.write_pair(register::QUEUE_DESC, table);
        bench.write_pair(register::QUEUE_DRIVER, available);
        bench.write_pair(register::QUEUE_DEVICE, used);
        bench.write(register::QUEUE_READY, 1);
        bench.write(register::STATUS, 0xF);
        for round in 1..=rounds {
            bench.put(available + 2, &round.to_le_bytes());
            bench.put(available + 4, &(round % 8).to_le_bytes());
            bench.notify();
        }
        let rest = bench.get(ring::BASE + 0x6000, (RAM_BYTES - 0x6000) as usize);
        prop_assert!(rest.iter().all(|byte| *byte == 0), "memory that no descriptor reaches is untouched");
    }
}
