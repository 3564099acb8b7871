//! The board as a hart sees it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use visa_devices::{
    BlockBackend, BlockError, DiskAccess, FinisherRequest, MemoryBackend, MessageInterrupt, Requester,
};
use visa_isa::Ring;
use visa_machine::board::{Board, BoardConfig, BoardError, CONSOLE_INPUT_BYTES_MAX};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::{AccessFault, AccessSize, Platform};

const UART: u64 = 0x1000_0000;
const PLIC: u64 = 0x0C00_0000;
const RTC: u64 = 0x10_1000;
const FINISHER: u64 = 0x10_0000;
const VIRTIO_0: u64 = 0x1000_1000;
const PORT: u16 = 0x3F8;

const BYTE: AccessSize = AccessSize::Byte;
const WORD: AccessSize = AccessSize::Word;

fn board() -> Board {
    Board::new(&BoardConfig { ram_bytes: 1 << 20, harts: 2, start_time_ns: 1_000_000_000 }).expect("a board")
}

/// A console sink that the test can read.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Routes a source to Ring 0 of hart 1, which is PLIC context 3.
fn route(board: &mut Board, source: u64) {
    board.mmio_write(PLIC + 4 * source, WORD, 1).unwrap();
    board.mmio_write(PLIC + 0x2000 + 3 * 0x80, WORD, 1 << source).unwrap();
}

fn claim(board: &mut Board) -> u64 {
    board.mmio_read(PLIC + 0x20_3004, WORD).unwrap()
}

#[test]
fn impossible_boards_are_errors() {
    let config = |ram_bytes, harts| BoardConfig { ram_bytes, harts, start_time_ns: 0 };
    assert!(matches!(Board::new(&config(1 << 20, 0)), Err(BoardError::Harts { harts: 0 })));
    assert!(matches!(Board::new(&config(1 << 20, 65)), Err(BoardError::Harts { harts: 65 })));
    assert!(matches!(Board::new(&config(u64::MAX, 1)), Err(BoardError::Ram(_))));
}

#[test]
fn both_serial_ports_print_on_one_console() {
    let mut board = board();
    let screen = Screen::default();
    board.set_console_output(Box::new(screen.clone()));
    board.mmio_write(UART, BYTE, b'm'.into()).unwrap();
    board.port_write(PORT, BYTE, b'p'.into());
    board.mmio_write(UART, BYTE, b'!'.into()).unwrap();
    assert_eq!(*screen.0.lock().unwrap(), b"mp!");
    assert!(board.take_console_error().is_none());
}

#[test]
fn a_console_that_fails_is_reported_and_survived() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut board = board();
    board.set_console_output(Box::new(Broken));
    board.mmio_write(UART, BYTE, 1).unwrap();
    assert_eq!(board.take_console_error().unwrap().kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn what_is_typed_goes_to_whoever_polls() {
    let mut board = board();
    assert_eq!(board.console_input(b"ab"), 2);
    assert_eq!(board.mmio_read(UART + 5, BYTE), Ok(0x61));
    assert_eq!(board.mmio_read(UART, BYTE), Ok(b'a'.into()));
    assert_eq!(board.port_read(PORT + 5, BYTE), 0x61);
    assert_eq!(board.port_read(PORT, BYTE), u64::from(b'b'));
    assert_eq!(board.port_read(PORT + 5, BYTE), 0x60);
}

#[test]
fn bytes_go_over_one_by_one_so_that_clearing_the_receiver_loses_one() {
    let mut board = board();
    board.mmio_write(UART + 2, BYTE, 1).unwrap(); // FIFOs on
    board.console_input(b"xyz");
    assert_eq!(board.mmio_read(UART + 5, BYTE), Ok(0x61));
    assert_eq!(board.mmio_read(UART + 5, BYTE), Ok(0x61));
    board.mmio_write(UART + 2, BYTE, 3).unwrap(); // clear the receiver
    assert_eq!(board.mmio_read(UART + 5, BYTE), Ok(0x61));
    assert_eq!(board.mmio_read(UART, BYTE), Ok(b'y'.into()));
}

#[test]
fn type_ahead_is_bounded() {
    let mut board = board();
    assert_eq!(board.console_input(&vec![b'x'; CONSOLE_INPUT_BYTES_MAX + 5]), CONSOLE_INPUT_BYTES_MAX);
    assert_eq!(board.console_input(b"y"), 0);
}

#[test]
fn a_typed_byte_interrupts_the_ring_that_listens() {
    let mut board = board();
    route(&mut board, 10);
    board.mmio_write(UART + 1, BYTE, 1).unwrap();
    board.console_input(b"go");
    assert!(board.external_line(1, Ring::Kernel));
    assert!(!board.external_line(1, Ring::Hypervisor));
    assert!(!board.external_line(0, Ring::Kernel));
    assert!(!board.external_line(1, Ring::User));
    assert!(!board.external_line(usize::MAX / 4, Ring::Kernel));
    assert_eq!(claim(&mut board), 10);
    assert_eq!(board.mmio_read(UART, BYTE), Ok(b'g'.into()));
    assert_eq!(board.mmio_read(UART, BYTE), Ok(b'o'.into()), "the next byte follows at once");
    board.mmio_write(PLIC + 0x20_3004, WORD, 10).unwrap();
    assert!(!board.external_line(1, Ring::Kernel));
}

#[test]
fn the_clock_follows_the_machine() {
    let mut board = board();
    route(&mut board, 11);
    assert_eq!(board.mmio_read(RTC, WORD), Ok(1_000_000_000));
    board.set_time(10_000_000); // one second of ticks
    assert_eq!(board.mmio_read(RTC, WORD), Ok(2_000_000_000));
    assert_eq!(board.next_event(), None);
    board.mmio_write(RTC + 0x10, WORD, 1).unwrap();
    board.mmio_write(RTC + 0x08, WORD, 2_000_000_150).unwrap();
    assert_eq!(board.next_event(), Some(10_000_002), "150 ns are two ticks of 100 ns, rounded up");
    board.set_time(10_000_001);
    assert!(!board.external_line(1, Ring::Kernel));
    board.set_time(10_000_002);
    assert!(board.external_line(1, Ring::Kernel));
}

#[test]
fn the_finisher_speaks_to_the_machine() {
    let mut board = board();
    board.mmio_write(FINISHER, WORD, 3 << 16 | 0x3333).unwrap();
    assert_eq!(board.finisher_request(), Some(FinisherRequest::Fail(3)));
    assert_eq!(board.take_finisher_request(), Some(FinisherRequest::Fail(3)));
    assert_eq!(board.finisher_request(), None);
}

#[test]
fn holes_and_misaligned_accesses_fault() {
    let mut board = board();
    for address in [0, 0x10_2000, UART + 0x100, UART + 8, VIRTIO_0 + 0x8000, RAM_BASE, u64::MAX - 7] {
        assert_eq!(board.mmio_read(address, BYTE), Err(AccessFault), "{address:#x}");
        assert_eq!(board.mmio_write(address, BYTE, 0), Err(AccessFault), "{address:#x}");
    }
    assert_eq!(board.mmio_read(VIRTIO_0 + 2, WORD), Err(AccessFault));
}

#[test]
fn absent_ports_read_as_ones() {
    let mut board = board();
    assert_eq!(board.port_read(0x80, BYTE), 0xFF);
    assert_eq!(board.port_read(0x80, AccessSize::Half), 0xFFFF);
    assert_eq!(board.port_read(0x80, WORD), 0xFFFF_FFFF);
    assert_eq!(board.port_read(0x3F7, BYTE), 0xFF);
    assert_eq!(board.port_read(0x400, BYTE), 0xFF);
    assert_eq!(board.port_read(PORT, AccessSize::Half), 0xFFFF, "the registers are bytes");
    board.port_write(0x80, BYTE, 1);
    board.port_write(PORT, WORD, 1);
}

#[test]
fn disks_fill_the_slots_in_order() {
    let mut board = board();
    for slot in 0..8 {
        assert_eq!(board.mmio_read(VIRTIO_0 + 0x1000 * slot + 8, WORD), Ok(0), "empty");
        let disk = Box::new(MemoryBackend::new(vec![0; 512], DiskAccess::ReadWrite));
        assert_eq!(board.attach_disk(disk, "d").unwrap(), slot as usize);
        assert_eq!(board.mmio_read(VIRTIO_0 + 0x1000 * slot + 8, WORD), Ok(2), "a block device");
    }
    assert_eq!(board.virtio_slots(), (0..8).collect::<Vec<_>>());
    let disk = Box::new(MemoryBackend::new(vec![0; 512], DiskAccess::ReadWrite));
    assert!(matches!(board.attach_disk(disk, "d"), Err(BoardError::NoFreeSlot)));
}

/// Page-table entry bits, as the privileged specification numbers them.
const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const A: u64 = 64;
const D: u64 = 128;

fn pte(physical: u64, bits: u64) -> u64 {
    physical >> 12 << 10 | bits
}

/// A disk of 0x5A, its queue at guest-physical 0x1000, in a VM whose three-level table stands at RAM + 0x8000 and maps
/// guest-physical page n to RAM page 0x20 + n, for n below 16; returns the status byte and the used index.
fn read_through_second_stage(board: &mut Board, prepare: impl FnOnce(&Board)) -> (u8, u16) {
    board.attach_disk(Box::new(MemoryBackend::new(vec![0x5A; 512], DiskAccess::ReadWrite)), "d").unwrap();
    let ram = board.ram();
    ram.store_u64(0x8000, pte(RAM_BASE + 0x9000, V)).unwrap();
    ram.store_u64(0x9000, pte(RAM_BASE + 0xA000, V)).unwrap();
    for page in 0..16 {
        ram.store_u64(0xA000 + 8 * page, pte(RAM_BASE + 0x2_0000 + 0x1000 * page, V | R | W)).unwrap();
    }
    let host = |guest: u64| 0x2_0000 + guest;
    for (index, address, length, flags) in
        [(0u64, 0x4000u64, 16u64, 1u64), (1, 0x5000, 512, 3), (2, 0x6000, 1, 2)]
    {
        ram.store_u64(host(0x1000 + 16 * index), address).unwrap();
        ram.store_u64(host(0x1008 + 16 * index), length | flags << 32 | (index + 1) << 48).unwrap();
    }
    ram.store_u8(host(0x6000), 0xEE).unwrap();
    ram.store_u16(host(0x2002), 1).unwrap();
    prepare(board);
    board.set_dma_domain(VIRTIO_0, 0x1000, Some(8 << 60 | 7 << 44 | (RAM_BASE + 0x8000) >> 12));
    for (offset, value) in [
        (0x24, 1),
        (0x20, 1),
        (0x70, 0xB),
        (0x38, 8),
        (0x80, 0x1000),
        (0x90, 0x2000),
        (0xA0, 0x3000),
        (0x44, 1),
        (0x70, 0xF),
        (0x50, 0),
    ] {
        board.mmio_write(VIRTIO_0 + offset, WORD, value).unwrap();
    }
    let ram = board.ram();
    (ram.load_u8(host(0x6000)).unwrap(), ram.load_u16(host(0x3002)).unwrap())
}

#[test]
fn an_assigned_disk_reads_and_writes_through_the_second_stage() {
    let mut board = board();
    route(&mut board, 1);
    assert_eq!(read_through_second_stage(&mut board, |_| {}), (0, 1));
    let ram = board.ram();
    assert_eq!(ram.load_u64(0x2_5000), Some(0x5A5A_5A5A_5A5A_5A5A));
    let bits = |page: u64| ram.load_u64(0xA000 + 8 * page).unwrap() & (A | D);
    assert_eq!(bits(5), A | D, "the data page was written");
    assert_eq!(bits(4), A, "the header page was only read");
    assert_eq!(bits(9), 0);
    assert!(board.external_line(1, Ring::Kernel));
    assert_eq!(claim(&mut board), 1);
    assert!(board.take_virtio_fault(0).is_none());
}

#[test]
fn a_reset_makes_the_devices_new_and_keeps_the_rest() {
    let mut board = board();
    read_through_second_stage(&mut board, |_| {});
    route(&mut board, 1);
    board.set_time(10_000_000);
    board.console_input(b"k");
    board.mmio_write(FINISHER, WORD, 0x7777).unwrap();
    board.mmio_write(UART + 4, BYTE, 1).unwrap();
    assert!(board.external_line(1, Ring::Kernel));

    board.reset();
    assert!(!board.external_line(1, Ring::Kernel));
    assert_eq!(board.finisher_request(), None);
    assert_eq!(board.mmio_read(VIRTIO_0 + 0x70, WORD), Ok(0), "device status");
    assert_eq!(board.mmio_read(VIRTIO_0 + 8, WORD), Ok(2), "the disk is still there");
    assert_eq!(board.mmio_read(RTC, WORD), Ok(2_000_000_000));
    assert_eq!(board.mmio_read(UART + 5, BYTE), Ok(0x61));
    assert_eq!(board.mmio_read(UART, BYTE), Ok(b'k'.into()), "what was typed is still to be read");
    assert_eq!(board.ram().load_u16(0x2_3002), Some(1));
    // The queue is gone, and no VM has the disk: it reaches nothing until somebody gives it memory, here all of it.
    board.ram().fill(0x2_3000, 0x1000, 0).unwrap();
    read_by_physical_addresses(&mut board);
    assert_eq!(board.ram().load_u16(0x2_3002), Some(0));
    assert!(board.take_virtio_fault(0).is_some());
    board.set_dma_domain(VIRTIO_0, 0x1000, Some(0));
    board.mmio_write(VIRTIO_0 + 0x70, WORD, 0).unwrap();
    read_by_physical_addresses(&mut board);
    assert_eq!(board.ram().load_u16(0x2_3002), Some(1));
    board.set_dma_domain(VIRTIO_0, 0x1000, None);
    board.ram().store_u16(0x2_2002, 2).unwrap();
    board.mmio_write(VIRTIO_0 + 0x50, WORD, 0).unwrap();
    assert_eq!(board.ram().load_u16(0x2_3002), Some(1), "it was taken back");
}

/// Sets the first disk up with the queue of [`read_through_second_stage`] where that is in RAM, and notifies it.
fn read_by_physical_addresses(board: &mut Board) {
    for (index, guest) in [(0, 0x4000), (1, 0x5000), (2, 0x6000)] {
        board.ram().store_u64(0x2_1000 + 16 * index, RAM_BASE + 0x2_0000 + guest).unwrap();
    }
    for (offset, value) in [
        (0x24, 1),
        (0x20, 1),
        (0x70, 0xB),
        (0x38, 8),
        (0x80, RAM_BASE + 0x2_1000),
        (0x90, RAM_BASE + 0x2_2000),
        (0xA0, RAM_BASE + 0x2_3000),
        (0x44, 1),
        (0x70, 0xF),
        (0x50, 0),
    ] {
        board.mmio_write(VIRTIO_0 + offset, WORD, value).unwrap();
    }
}

#[test]
fn a_failing_disk_is_told_to_guest_and_host() {
    struct Broken;
    impl BlockBackend for Broken {
        fn sectors(&self) -> u64 {
            1
        }
        fn read_only(&self) -> bool {
            false
        }
        fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
            Err(BlockError { operation: "read", sector, bytes: into.len(), reason: "no medium".into() })
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), BlockError> {
            Ok(())
        }
        fn flush(&mut self) -> Result<(), BlockError> {
            Ok(())
        }
    }
    let mut board = board();
    board.attach_disk(Box::new(Broken), "d").unwrap();
    assert_eq!(read_through_second_stage(&mut board, |_| {}), (1, 1));
    let error = board.take_virtio_error(0).expect("an error").to_string();
    assert_eq!(error, "read of 512 bytes at sector 0 failed: no medium");
    assert!(board.take_virtio_error(0).is_none());
}

#[test]
fn what_the_second_stage_does_not_allow_fails() {
    let with_data_page = |entry: u64| {
        read_through_second_stage(&mut board(), |board| board.ram().store_u64(0xA028, entry).unwrap())
    };
    let page = RAM_BASE + 0x2_5000;
    assert_eq!(with_data_page(pte(page, V | R | W)), (0, 1));
    assert_eq!(with_data_page(pte(page, R | W)), (1, 1), "not valid");
    assert_eq!(with_data_page(pte(page, V | R)), (1, 1), "not writable");
    assert_eq!(with_data_page(pte(page, V | W)), (1, 1), "a reserved encoding");
    assert_eq!(with_data_page(pte(page, V | R | W) | 1 << 63), (1, 1), "a reserved bit");
    assert_eq!(with_data_page(pte(RAM_BASE - 0x1000, V | R | W)), (1, 1), "outside of RAM");
    assert_eq!(with_data_page(pte(page, V)), (1, 1), "a pointer at the last level");
}

#[test]
fn a_superpage_must_be_aligned() {
    let with_megapage = |physical: u64| {
        read_through_second_stage(&mut board(), |board| {
            board.ram().store_u64(0x9000, pte(physical, V | R | W)).unwrap();
        })
    };
    // Guest-physical 0 is then RAM + 0, where there is no ring: the available index reads as zero.
    assert_eq!(with_megapage(RAM_BASE), (0xEE, 0));
    let mut board = board();
    read_through_second_stage(&mut board, |board| {
        board.ram().store_u64(0x9000, pte(RAM_BASE + 0x2_0000, V | R | W)).unwrap();
    });
    assert!(board.take_virtio_fault(0).is_some(), "the ring itself is not accessible");
}

proptest! {
    /// The board answers every access, and the hart's RAM is left alone by devices that nobody set up.
    #[test]
    fn no_access_panics(accesses in prop::collection::vec(
        (prop::sample::select(vec![UART, PLIC, RTC, VIRTIO_0, PLIC + 0x20_0000, 0]), 0..0x200u64,
         prop::sample::select(&AccessSize::ALL[..]), any::<Option<u64>>(), any::<u16>()), 0..200))
    {
        let mut board = board();
        board.attach_disk(Box::new(MemoryBackend::new(vec![0; 512], DiskAccess::ReadWrite)), "d").unwrap();
        for (base, offset, size, write, port) in accesses {
            match write {
                Some(value) => {
                    let _ = board.mmio_write(base + offset, size, value);
                    board.port_write(port, size, value);
                    board.set_dma_domain(base, offset, Some(value).filter(|value| value % 2 == 0));
                    board.set_time(value);
                }
                None => {
                    let _ = board.mmio_read(base + offset, size);
                    board.port_read(port, size);
                }
            }
            board.next_event();
        }
    }

    /// A second-stage table of random bytes never leads outside of RAM, and never panics.
    #[test]
    fn random_second_stages_are_survived(table in prop::collection::vec(any::<u64>(), 64), hptbr in any::<u64>()) {
        let mut board = board();
        read_through_second_stage(&mut board, |board| {
            for (index, entry) in table.iter().enumerate() {
                // Steer half of the entries to RAM, so that the walk goes on.
                let entry = if index % 2 == 0 { pte(RAM_BASE + (entry & 0xF_F000), entry & 0xFF) } else { *entry };
                board.ram().store_u64(0x9000 + 8 * index as u64, entry).unwrap();
            }
        });
        board.set_dma_domain(VIRTIO_0, 0x1000, Some(hptbr));
        board.mmio_write(VIRTIO_0 + 0x50, WORD, 0).unwrap();
    }
}

#[test]
fn a_message_goes_where_its_sender_may_write_and_nowhere_else() {
    let (disk, other) = (Requester(1), Requester(2));
    let mut board = board();
    let send = |board: &mut Board, who, address| {
        board.send(who, MessageInterrupt { address, data: 0xFEED_5555 }).is_ok()
    };
    let at = |board: &Board, offset| board.ram().load_u32(offset).unwrap();
    assert!(!send(&mut board, disk, RAM_BASE), "nobody has given it memory");
    board.set_dma_domain(VIRTIO_0, 0x1000, Some(0));
    assert!(send(&mut board, disk, RAM_BASE + 0x40) && !send(&mut board, other, RAM_BASE + 0x80));
    assert_eq!((at(&board, 0x40), at(&board, 0x80)), (0xFEED_5555, 0));
    assert!(!send(&mut board, disk, RAM_BASE + 2) && !send(&mut board, disk, 0x2000_0000));
    assert!(!send(&mut board, disk, u64::MAX - 3));
    // Behind the second stage, the address is guest-physical.
    read_through_second_stage(&mut board, |_| {});
    assert!(send(&mut board, disk, 0x7040) && !send(&mut board, disk, RAM_BASE + 0x40));
    assert_eq!(at(&board, 0x2_7040), 0xFEED_5555);
    assert!(!send(&mut board, disk, 0x1_0000), "page 16 is not mapped");
    // A device takes it as the write that it is.
    board.set_dma_domain(VIRTIO_0, 0x1000, Some(0));
    assert!(send(&mut board, disk, FINISHER));
    assert_eq!(board.finisher_request(), Some(FinisherRequest::Pass));
}

/// What an access gives, and what can be seen of the board then.
fn seen(board: &mut Board, (address, size, value): (u64, AccessSize, Option<u64>)) -> String {
    let got = match value {
        Some(value) => board.mmio_write(address, size, value).map(|()| 0),
        None => board.mmio_read(address, size),
    };
    let lines = [Ring::Kernel, Ring::Hypervisor].map(|ring| board.external_line(1, ring));
    let console = (board.console_printed(), board.console_unread(), board.console_is_polled());
    format!("{got:?} {lines:?} {console:?} {:?} {:?}", board.next_event(), board.has_work())
}

proptest! {
    #[test]
    fn a_board_that_takes_anothers_state_goes_on_as_it_does(
        before in accesses(), after in accesses(), typed in prop::collection::vec(any::<u8>(), 0..40),
        ticks in 0..1_000_000u64,
    ) {
        let disk = || Box::new(MemoryBackend::new(vec![0x5A; 4096], DiskAccess::ReadOnly));
        let mut first = board();
        first.attach_disk(disk(), "d").unwrap();
        first.set_dma_domain(VIRTIO_0, 0x2000, Some(0));
        first.console_input(&typed);
        before.iter().for_each(|access| _ = seen(&mut first, *access));
        first.set_time(ticks);
        let saved = first.save();
        let mut second = board();
        second.attach_disk(disk(), "d").unwrap();
        // Something that the state must replace.
        after.iter().for_each(|access| _ = seen(&mut second, *access));
        second.console_input(b"other");
        let mut memory = vec![0; 1 << 20];
        first.ram().read_bytes(0, &mut memory).unwrap();
        second.ram().write_bytes(0, &memory).unwrap();
        second.load(&saved).unwrap();
        prop_assert_eq!(second.save(), saved.clone());
        for access in after {
            prop_assert_eq!(seen(&mut second, access), seen(&mut first, access), "{:x?}", access);
        }
        prop_assert_eq!(second.save(), first.save());
        for length in 0..saved.len() {
            prop_assert!(second.load(&saved[..length]).is_err(), "{} of {} bytes", length, saved.len());
        }
        prop_assert_eq!(second.save(), first.save(), "a state that was refused has changed something");
    }
}

/// Accesses to all devices.
fn accesses() -> impl Strategy<Value = Vec<(u64, AccessSize, Option<u64>)>> {
    let windows = prop_oneof![
        3 => (Just(UART), 0..8u64), 1 => (Just(RTC), 0..0x20u64), 1 => (Just(PLIC), 0..0x20_4000u64),
        2 => (Just(VIRTIO_0), 0..0x100u64), 1 => (Just(VIRTIO_0 + 0x1000), 0..0x100u64),
    ];
    let address =
        windows.prop_map(|(base, offset)| if base == UART { base + offset } else { base + offset / 4 * 4 });
    let access = (address, prop::option::of(prop_oneof![0..256u64, any::<u64>()]));
    let sized = access.prop_map(|(address, value)| {
        (address, if (UART..UART + 8).contains(&address) { BYTE } else { WORD }, value)
    });
    prop::collection::vec(sized, 0..60)
}

#[test]
fn a_state_of_another_board_is_refused() {
    let saved = board().save();
    let mut other = Board::new(&BoardConfig { ram_bytes: 1 << 20, harts: 1, start_time_ns: 0 }).unwrap();
    let refused = other.load(&saved).unwrap_err();
    assert_eq!(refused.to_string(), "the saved state of the board: the number of harts is out of range");
    let mut with_disk = board();
    with_disk.attach_disk(Box::new(MemoryBackend::new(vec![0; 512], DiskAccess::ReadWrite)), "d").unwrap();
    with_disk.mmio_write(UART + 7, BYTE, 0x77).unwrap();
    let refused = with_disk.load(&saved).unwrap_err();
    assert!(refused.to_string().contains("the kind of device behind it"), "{refused}");
    assert_eq!(with_disk.mmio_read(UART + 7, BYTE), Ok(0x77), "a part of it was taken");
}
