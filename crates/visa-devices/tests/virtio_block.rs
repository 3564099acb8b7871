//! The virtio transport and block device, through a ring built by hand.

mod ring;

use ring::disk::*;
use ring::*;
use visa_devices::{
    Block, DiskAccess, DmaAccess, DmaExtent, DmaMemory, DmaTranslation, MalformedChain, MemoryBackend, Model,
    Requester, VirtioMmio,
};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::{AccessFault, AccessSize, Device};

fn started() -> (Bench, SharedDisk) {
    let disk = SharedDisk::new();
    let mut bench = Bench::new(disk.clone());
    bench.start();
    (bench, disk)
}

#[test]
fn it_presents_itself() {
    let mut bench = Bench::new(SharedDisk::new());
    assert_eq!(bench.read(0x000), 0x7472_6976, "\"virt\"");
    assert_eq!(bench.read(0x004), 2);
    assert_eq!(bench.read(0x008), 2, "a block device");
    assert_eq!(bench.read(0x00C), u32::from_le_bytes(*b"QEMU"), "what small kernels look for");
    assert_eq!(bench.read(register::QUEUE_NUM_MAX), 1024);
    bench.write(register::QUEUE_SEL, 1);
    assert_eq!(bench.read(register::QUEUE_NUM_MAX), 0, "only one queue");
    bench.write(register::DEVICE_FEATURES_SEL, 1);
    assert_eq!(bench.read(register::DEVICE_FEATURES), 1, "VERSION_1");
    bench.write(register::DEVICE_FEATURES_SEL, 0);
    assert_eq!(bench.read(register::DEVICE_FEATURES), 1 << 1 | 1 << 2 | 1 << 9 | 1 << 28);
    bench.write(register::DEVICE_FEATURES_SEL, 2);
    assert_eq!(bench.read(register::DEVICE_FEATURES), 0);
    assert_eq!(bench.transport.read(0x100, AccessSize::Double), Ok(4), "capacity in sectors");
    assert_eq!(bench.transport.read(0x108, AccessSize::Word), Ok(0x1_0000), "size_max");
    assert_eq!(bench.transport.read(0x10C, AccessSize::Word), Ok(62), "seg_max");
    assert_eq!(bench.transport.read(0x110, AccessSize::Byte), Ok(0));
    assert_eq!(bench.transport.read(0xFF8, AccessSize::Double), Ok(0));
}

#[test]
fn an_empty_slot_has_device_id_zero() {
    let mut transport = VirtioMmio::empty();
    assert_eq!(transport.read(0x000, AccessSize::Word), Ok(0x7472_6976));
    assert_eq!(transport.read(0x008, AccessSize::Word), Ok(0));
    for offset in (0..0x200).step_by(4) {
        transport.write(offset, AccessSize::Word, 0xFFFF_FFFF).unwrap();
    }
    assert!(!transport.interrupt());
}

#[test]
fn registers_are_words() {
    let mut bench = Bench::new(SharedDisk::new());
    assert_eq!(bench.transport.read(0, AccessSize::Byte), Err(AccessFault));
    assert_eq!(bench.transport.read(0, AccessSize::Double), Err(AccessFault));
    assert_eq!(bench.transport.read(0x102, AccessSize::Word), Err(AccessFault));
    assert_eq!(bench.transport.write(0x70, AccessSize::Half, 0), Err(AccessFault));
}

#[test]
fn features_that_were_not_offered_are_refused() {
    let mut bench = Bench::new(SharedDisk::new());
    let mut features_ok = |low: u32, high: u32| {
        bench.write(register::STATUS, 0);
        for (select, value) in [(0, low), (1, high)] {
            bench.write(register::DRIVER_FEATURES_SEL, select);
            bench.write(register::DRIVER_FEATURES, value);
        }
        bench.write(register::STATUS, 0xB);
        bench.read(register::STATUS) & 8 != 0
    };
    assert!(features_ok(1 << 9, 1));
    assert!(features_ok(1 << 9, 0), "a driver that does not know VERSION_1 (section 6.2)");
    assert!(!features_ok(1 << 11, 1), "write-cache control was not offered");
    assert!(!features_ok(0, 3));
}

/// As teaching kernels have it: no look at the upper features, the lower ones masked by what is not wanted, pages of their own for
/// each part of a queue of eight.
#[test]
fn a_driver_of_the_lower_features_alone_works() {
    let mut bench = Bench::new(SharedDisk::new());
    bench.write(register::STATUS, 0);
    bench.write(register::STATUS, 1);
    bench.write(register::STATUS, 3);
    let unwanted = 1 << 5 | 1 << 7 | 1 << 11 | 1 << 12 | 1 << 27 | 1 << 28 | 1 << 29;
    let features = bench.read(register::DEVICE_FEATURES) & !unwanted;
    bench.write(register::DRIVER_FEATURES, features);
    bench.write(register::STATUS, 11);
    assert_eq!(bench.read(register::STATUS), 11, "FEATURES_OK stays");
    bench.write(register::QUEUE_SEL, 0);
    assert_eq!(bench.read(register::QUEUE_READY), 0);
    assert!(bench.read(register::QUEUE_NUM_MAX) >= 8);
    bench.write(register::QUEUE_NUM, 8);
    bench.write_pair(register::QUEUE_DESC, DESCRIPTORS);
    bench.write_pair(register::QUEUE_DRIVER, AVAILABLE);
    bench.write_pair(register::QUEUE_DEVICE, USED);
    bench.write(register::QUEUE_READY, 1);
    bench.write(register::STATUS, 15);
    bench.request(IN, 2, 1024, true);
    bench.submit(0);
    assert_eq!(bench.status(), OK);
    assert_eq!(bench.get(DATA, 512), [2; 512]);
    assert_eq!(bench.read(register::INTERRUPT_STATUS) & 3, 1);
    bench.write(register::INTERRUPT_ACK, 1);
    assert!(!bench.transport.interrupt());
}

#[test]
fn a_read_fills_the_buffer_and_interrupts() {
    let (mut bench, _) = started();
    bench.request(IN, 2, 1024, true);
    bench.submit(0);
    assert_eq!(bench.status(), OK);
    assert_eq!(bench.get(DATA, 512), [2; 512]);
    assert_eq!(bench.get(DATA + 512, 512), [3; 512]);
    assert_eq!(bench.used_index(), 1);
    assert_eq!(bench.used(0), (0, 1025));
    assert!(bench.transport.interrupt());
    assert_eq!(bench.read(register::INTERRUPT_STATUS), 1);
    bench.write(register::INTERRUPT_ACK, 1);
    assert!(!bench.transport.interrupt());
}

#[test]
fn a_write_reaches_the_disk_and_a_flush_the_backend() {
    let (mut bench, disk) = started();
    bench.put(DATA, &[0xAB; 512]);
    bench.request(OUT, 1, 512, false);
    bench.submit(0);
    assert_eq!((bench.status(), bench.used(0)), (OK, (0, 1)));
    assert_eq!(disk.sector(1), [0xAB; 512]);
    assert_eq!(disk.sector(0), [0; 512]);

    bench.header(FLUSH, 0);
    bench.descriptor(0, HEADER, 16, NEXT, 1);
    bench.descriptor(1, STATUS, 1, WRITE, 0);
    bench.submit(0);
    assert_eq!((bench.status(), disk.flushes()), (OK, 1));
    assert_eq!(bench.used_index(), 2);
}

#[test]
fn get_id_answers_twenty_bytes() {
    let (mut bench, _) = started();
    bench.request(GET_ID, 0, 20, true);
    bench.submit(0);
    assert_eq!(bench.status(), OK);
    assert_eq!(bench.get(DATA, 20), b"disk-0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn framing_is_free() {
    // Header split in two, data in three odd pieces, the last sharing its descriptor with the status byte.
    let (mut bench, _) = started();
    bench.header(IN, 1);
    bench.descriptor(0, HEADER, 5, NEXT, 1);
    bench.descriptor(1, HEADER + 5, 11, NEXT, 2);
    bench.descriptor(2, DATA, 1, NEXT | WRITE, 3);
    bench.descriptor(3, DATA + 1, 500, NEXT | WRITE, 4);
    bench.descriptor(4, DATA + 501, 12, WRITE, 0);
    bench.put(DATA, &[0xEE; 600]);
    bench.submit(0);
    assert_eq!(bench.get(DATA, 512), [1; 512]);
    assert_eq!(bench.get(DATA + 512, 2), [OK, 0xEE]);
    assert_eq!(bench.used(0), (0, 513));
}

#[test]
fn an_indirect_table_works_and_a_nested_one_does_not() {
    let (mut bench, _) = started();
    let table = BASE + 0x8000;
    bench.header(IN, 3);
    bench.descriptor_at(table, 0, HEADER, 16, NEXT, 1);
    bench.descriptor_at(table, 1, DATA, 512, NEXT | WRITE, 2);
    bench.descriptor_at(table, 2, STATUS, 1, WRITE, 0);
    bench.descriptor(7, table, 48, INDIRECT, 0);
    bench.submit(7);
    assert_eq!(bench.get(DATA, 512), [3; 512]);
    assert_eq!(bench.used(0), (7, 513));

    bench.descriptor_at(table, 0, table, 48, INDIRECT, 0);
    bench.submit(7);
    assert!(bench.needs_reset());
}

#[test]
fn requests_that_make_no_sense_fail_alone() {
    let (mut bench, disk) = started();
    let mut outcome = |kind, sector, bytes, device_writes| {
        bench.request(kind, sector, bytes, device_writes);
        bench.submit(0);
        assert!(!bench.needs_reset());
        bench.status()
    };
    assert_eq!(outcome(99, 0, 512, true), UNSUPPORTED);
    assert_eq!(outcome(IN, 0, 511, true), IO_ERROR, "not whole sectors");
    assert_eq!(outcome(IN, 4, 512, true), IO_ERROR, "beyond the end");
    assert_eq!(outcome(IN, 3, 1024, true), IO_ERROR, "across the end");
    assert_eq!(outcome(IN, u64::MAX, 512, true), IO_ERROR);
    assert_eq!(outcome(OUT, u64::MAX / 512, 512, false), IO_ERROR);
    assert_eq!(outcome(IN, 0, 0x8000_0000, true), IO_ERROR, "larger than any request may be");
    assert_eq!(outcome(IN, 0, 512, true), OK, "and the device still works");
    assert_eq!(disk.sector(3), [3; 512]);
    assert!(bench.transport.take_error().is_none(), "the medium has not even been asked");
}

#[test]
fn a_read_into_nowhere_fails_with_its_status() {
    let (mut bench, _) = started();
    for address in [0, BASE + RAM_BYTES - 256, u64::MAX - 255] {
        bench.request(IN, 0, 512, true);
        bench.descriptor(1, address, 512, NEXT | WRITE, 2);
        bench.submit(0);
        assert_eq!(bench.status(), IO_ERROR, "{address:#x}");
    }
    assert!(!bench.needs_reset());
}

#[test]
fn a_read_only_disk_refuses_writes_and_says_so() {
    let mut bench = Bench::new(MemoryBackend::new(vec![7; 512], DiskAccess::ReadOnly));
    assert_ne!(bench.read(register::DEVICE_FEATURES) & 1 << 5, 0);
    bench.start();
    bench.request(OUT, 0, 512, false);
    bench.submit(0);
    assert_eq!(bench.status(), IO_ERROR);
}

/// What each breach of the ring's rules leads to: the device asks for a reset, interrupts, and does no more.
fn broken(prepare: impl FnOnce(&mut Bench)) -> MalformedChain {
    let (mut bench, _) = started();
    bench.request(IN, 0, 512, true);
    prepare(&mut bench);
    bench.notify();
    assert!(bench.needs_reset());
    assert_eq!(bench.read(register::INTERRUPT_STATUS) & 2, 2, "configuration change");
    let served = bench.used_index();
    bench.offer(0);
    bench.notify();
    assert_eq!(bench.used_index(), served, "nothing more is served");
    let fault = bench.transport.take_fault().expect("and the host is told why");
    bench.available_index = 0;
    bench.put(AVAILABLE, &[0; 64]);
    bench.put(USED, &[0; 80]);
    bench.start();
    bench.request(IN, 1, 512, true);
    bench.submit(0);
    assert_eq!(bench.status(), OK, "a reset brings it back");
    fault
}

#[test]
fn broken_rings_need_a_reset() {
    let looped = broken(|bench| {
        bench.descriptor(1, DATA, 512, NEXT | WRITE, 1);
        bench.offer(0);
    });
    assert_eq!(looped, MalformedChain::Truncated);
    let bad_head = broken(|bench| bench.offer(8));
    assert_eq!(bad_head, MalformedChain::Truncated);
    let bad_next = broken(|bench| {
        bench.descriptor(1, DATA, 512, NEXT | WRITE, 900);
        bench.offer(0);
    });
    assert_eq!(bad_next, MalformedChain::Truncated);
    let order = broken(|bench| {
        bench.descriptor(2, STATUS, 1, 0, 0);
        bench.offer(0);
    });
    assert_eq!(order, MalformedChain::Order);
    let no_status = broken(|bench| {
        bench.descriptor(0, HEADER, 16, 0, 0);
        bench.offer(0);
    });
    assert_eq!(no_status, MalformedChain::Frame);
    let short_header = broken(|bench| {
        bench.descriptor(0, HEADER, 15, NEXT, 1);
        bench.offer(0);
    });
    assert_eq!(short_header, MalformedChain::Frame);
    let runaway = broken(|bench| bench.put(AVAILABLE + 2, &9u16.to_le_bytes()));
    assert_eq!(runaway, MalformedChain::Ring, "nine new requests in a ring of eight");
}

#[test]
fn a_chain_longer_than_the_limit_is_refused() {
    let fault = broken(|bench| {
        let table = BASE + 0x8000;
        for index in 0..1024 {
            bench.descriptor_at(table, index, DATA, 1, NEXT | WRITE, index as u16 + 1);
        }
        bench.descriptor_at(table, 1024, STATUS, 1, WRITE, 0);
        bench.descriptor(0, table, 1025 * 16, INDIRECT, 0);
        bench.offer(0);
    });
    assert_eq!(fault, MalformedChain::TooLong);
}

/// Drivers that did not accept SIZE_MAX and SEG_MAX, as firmware, make one descriptor of all that they want, or as many as the
/// queue has entries (sections 5.2.3 and 2.7.5.3.1).
#[test]
fn a_request_may_be_as_large_as_memory_and_disk() {
    const SECTORS: usize = 80 << 11;
    const ROOM: u64 = BASE + 0x10_0000;
    let contents: Vec<u8> =
        (0..SECTORS).flat_map(|sector| [sector as u8 ^ (sector >> 8) as u8; 512]).collect();
    for bytes in [512, 4 << 20, (4 << 20) + 512, 64 << 20] {
        let mut bench =
            Bench::with_ram(MemoryBackend::new(contents.clone(), DiskAccess::ReadWrite), 72 << 20);
        bench.start();
        bench.request(IN, 5, bytes, true);
        bench.descriptor(1, ROOM, bytes, NEXT | WRITE, 2);
        bench.submit(0);
        assert_eq!((bench.status(), bench.used(0)), (OK, (0, bytes + 1)), "{bytes:#x}");
        assert_eq!(bench.get(ROOM, bytes as usize), contents[5 * 512..][..bytes as usize], "{bytes:#x}");
        // And back, to another place.
        bench.request(OUT, 9, bytes, false);
        bench.descriptor(1, ROOM, bytes, NEXT, 2);
        bench.submit(0);
        assert_eq!((bench.status(), bench.used(1)), (OK, (0, 1)), "{bytes:#x}");
        bench.request(IN, 9, bytes, true);
        bench.put(ROOM, &vec![0; bytes as usize]);
        bench.descriptor(1, ROOM, bytes, NEXT | WRITE, 2);
        bench.submit(0);
        assert_eq!(bench.get(ROOM, bytes as usize), contents[5 * 512..][..bytes as usize], "{bytes:#x}");
    }
}

#[test]
fn a_request_larger_than_memory_fails_alone() {
    let mut bench = Bench::new(MemoryBackend::new(vec![1; 4 << 20], DiskAccess::ReadWrite));
    bench.start();
    // Twice the same half of memory, and a page more.
    let half = RAM_BYTES as u32 / 2;
    bench.header(OUT, 0);
    bench.descriptor(0, HEADER, 16, NEXT, 1);
    bench.descriptor(1, BASE, half, NEXT, 2);
    bench.descriptor(2, BASE, half, NEXT, 3);
    bench.descriptor(3, BASE, 512, NEXT, 4);
    bench.descriptor(4, STATUS, 1, WRITE, 0);
    bench.submit(0);
    assert_eq!(bench.status(), IO_ERROR);
    bench.descriptor(2, BASE, half, NEXT, 4);
    bench.submit(0);
    assert_eq!(bench.status(), OK);
}

#[test]
fn a_queue_may_have_1024_entries_in_one_chain() {
    let (mut bench, _) = started();
    bench.write(register::QUEUE_READY, 0);
    bench.write(register::QUEUE_NUM, 1024);
    let (descriptors, used) = (BASE + 0x1_0000, BASE + 0x2_0000);
    bench.write_pair(register::QUEUE_DESC, descriptors);
    bench.write_pair(register::QUEUE_DEVICE, used);
    bench.write(register::QUEUE_READY, 1);
    assert_eq!(bench.read(register::QUEUE_READY), 1);
    // 2,048 bytes in pieces of two, all but a header and the last four.
    bench.header(IN, 0);
    bench.descriptor_at(descriptors, 0, HEADER, 16, NEXT, 1);
    for index in 1..1022 {
        bench.descriptor_at(descriptors, index, DATA + 2 * (index - 1), 2, NEXT | WRITE, index as u16 + 1);
    }
    bench.descriptor_at(descriptors, 1022, DATA + 2042, 6, NEXT | WRITE, 1023);
    bench.descriptor_at(descriptors, 1023, STATUS, 1, WRITE, 0);
    bench.put(STATUS, &[0xEE]);
    bench.submit(0);
    assert!(!bench.needs_reset());
    assert_eq!(bench.status(), OK);
    let expected: Vec<u8> = (0..4u8).flat_map(|sector| [sector; 512]).collect();
    assert_eq!(bench.get(DATA, 2048), expected);
    assert_eq!(bench.get(used + 4, 8), [0, 0, 0, 0, 0x01, 0x08, 0, 0], "chain 0, 2,049 bytes");
}

#[test]
fn a_queue_at_impossible_places_is_refused() {
    for (offset, address) in [
        (register::QUEUE_DESC, DESCRIPTORS + 8),
        (register::QUEUE_DRIVER, AVAILABLE + 1),
        (register::QUEUE_DEVICE, USED + 2),
    ] {
        let mut bench = Bench::new(SharedDisk::new());
        bench.negotiate();
        bench.write(register::QUEUE_NUM, 8);
        bench.write_pair(offset, address);
        bench.write(register::QUEUE_READY, 1);
        assert_eq!(bench.read(register::QUEUE_READY), 0);
        assert!(bench.needs_reset());
    }
    for size in [0, 3, 2048, 0x1_0000] {
        let mut bench = Bench::new(SharedDisk::new());
        bench.negotiate();
        bench.write(register::QUEUE_NUM, size);
        bench.write(register::QUEUE_READY, 1);
        assert_eq!(bench.read(register::QUEUE_READY), 0, "{size}");
    }
    let mut bench = Bench::new(SharedDisk::new());
    bench.start();
    bench.write(register::QUEUE_READY, 0);
    bench.write_pair(register::QUEUE_DEVICE, BASE + RAM_BYTES - 16); // does not fit
    bench.write(register::QUEUE_READY, 1);
    bench.notify();
    assert!(bench.needs_reset());
}

#[test]
fn the_driver_can_ask_for_no_interrupts() {
    let (mut bench, _) = started();
    bench.put(AVAILABLE, &1u16.to_le_bytes());
    bench.request(IN, 0, 512, true);
    bench.submit(0);
    assert_eq!(bench.used_index(), 1);
    assert!(!bench.transport.interrupt());
}

#[test]
fn nothing_happens_before_driver_ok() {
    let disk = SharedDisk::new();
    let mut bench = Bench::new(disk);
    bench.start();
    bench.write(register::STATUS, 0);
    bench.negotiate();
    bench.request(IN, 0, 512, true);
    bench.submit(0);
    assert_eq!(bench.used_index(), 0);
}

#[test]
fn pages_with_code_hear_of_what_the_device_writes() {
    let (mut bench, _) = started();
    for address in [DATA, DATA + 0x1000, HEADER] {
        bench.ram.mark_code(address - BASE);
    }
    bench.request(IN, 0, 512, true);
    bench.ram.take_written(); // The driver's own writes.
    bench.submit(0);
    assert!(bench.ram.any_code_written());
    assert_eq!(
        bench.ram.take_written(),
        [DATA - BASE],
        "only the page that was written, not the one that was read"
    );
}

/// Guest-physical pages of a small VM: neighbours are swapped, so that no two are contiguous in RAM. Page 5 may only be
/// read, page 6 is absent.
struct SmallVm;

const DISK: Requester = Requester(3);

impl DmaTranslation for SmallVm {
    fn translate(
        &self,
        requester: Requester,
        GuestPhysical(address): GuestPhysical,
        access: DmaAccess,
    ) -> Option<DmaExtent> {
        assert_eq!(requester, DISK);
        let physical = match address >> 12 {
            5 if access == DmaAccess::Write => None,
            6 | 16.. => None,
            page => Some(Physical(BASE + (16 + (page ^ 1)) * 4096 + address % 4096)),
        };
        physical.map(DmaExtent::in_page)
    }
}

#[test]
fn an_assigned_device_sees_guest_physical_memory() {
    let ram = visa_mem::Ram::new(BASE, RAM_BYTES).unwrap();
    let vm = SmallVm;
    let memory = DmaMemory::translated(&ram, DISK, &vm);
    let host = |guest: u64| 16 * 4096 + (guest ^ 0x1000);
    let mut transport = VirtioMmio::new(Box::new(Block::new(Box::new(SharedDisk::new()), "")));
    let word = AccessSize::Word;
    let registers = [
        (register::DRIVER_FEATURES_SEL, 1),
        (register::DRIVER_FEATURES, 1),
        (register::STATUS, 0xB),
        (register::QUEUE_NUM, 8),
        (register::QUEUE_DESC, 0x1000),
        (register::QUEUE_DRIVER, 0x2000),
        (register::QUEUE_DEVICE, 0x3000),
        (register::QUEUE_READY, 1),
        (register::STATUS, 0xF),
    ];
    for (offset, value) in registers {
        transport.write(offset, word, value).unwrap();
    }
    // Read sector 1 to 0x7F00, across a page boundary; status at 0x4800.
    ram.write_bytes(host(0x4000), &[0, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    let chain = |data: u64| {
        for (index, address, length, flags) in
            [(0u64, 0x4000u64, 16u64, NEXT), (1, data, 512, NEXT | WRITE), (2, 0x4800, 1, WRITE)]
        {
            ram.store_u64(host(0x1000 + 16 * index), address).unwrap();
            ram.store_u64(host(0x1008 + 16 * index), length | u64::from(flags) << 32 | (index + 1) << 48)
                .unwrap();
        }
    };
    let mut submit = |data, index: u16| {
        chain(data);
        ram.store_u16(host(0x2002), index).unwrap();
        transport.write(register::QUEUE_NOTIFY, word, 0).unwrap();
        transport.service(&memory);
        (ram.load_u16(host(0x3002)).unwrap(), ram.load_u8(host(0x4800)).unwrap())
    };
    assert_eq!(submit(0x7F00, 1), (1, OK));
    let mut data = [0; 512];
    ram.read_bytes(host(0x7F00), &mut data[..256]).unwrap();
    ram.read_bytes(host(0x8000), &mut data[256..]).unwrap();
    assert_eq!(data, [1; 512]);
    assert_eq!(submit(0x5000, 2), (2, IO_ERROR), "a page that may only be read");
    assert_eq!(submit(0x5F00, 3), (3, IO_ERROR), "half of it in an absent page");
    let mut all = vec![0; RAM_BYTES as usize];
    ram.read_bytes(0, &mut all).unwrap();
    assert!(all[..16 * 4096].iter().all(|byte| *byte == 0), "nothing outside of the VM is touched");
}

#[test]
fn requests_are_served_one_at_a_time_and_the_interrupt_comes_after_the_last() {
    let (mut bench, disk) = started();
    let mut last = 0;
    for (kind, bytes) in [(IN, 512), (FLUSH, 0)] {
        bench.request(kind, 0, bytes, true);
        for _ in 0..3 {
            bench.offer(0);
        }
        bench.write(register::QUEUE_NOTIFY, 0);
        let memory = DmaMemory::physical(&bench.ram);
        let mut work = 0;
        for count in 1..=3 {
            assert!(bench.transport.needs_service() && !bench.transport.interrupt());
            work += bench.transport.serve_next(&memory);
            assert_eq!(bench.used_index() % 3, count % 3);
        }
        while bench.transport.needs_service() {
            bench.transport.serve_next(&memory);
        }
        assert!(bench.transport.interrupt());
        assert!(work > last, "a flush costs more than a sector: {work}, {last}");
        last = work;
        bench.write(register::INTERRUPT_ACK, 1);
        assert_eq!(bench.transport.serve_next(&DmaMemory::physical(&bench.ram)), 0, "there is nothing to do");
    }
    assert_eq!(disk.flushes(), 3);
}
