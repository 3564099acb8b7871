//! The PLIC's claim/complete protocol, against expectations from its specification.

use visa_devices::{Level, Plic};
use visa_mem::{AccessFault, AccessSize, Device};

const RING_0: usize = 1;
const THRESHOLD_RING_0: u64 = 0x20_1000;
const CLAIM_RING_0: u64 = 0x20_1004;
const ENABLE_RING_0: u64 = 0x2080;

fn read(plic: &mut Plic, offset: u64) -> u32 {
    plic.read(offset, AccessSize::Word).expect("a register") as u32
}

fn write(plic: &mut Plic, offset: u64, value: u32) {
    plic.write(offset, AccessSize::Word, value.into()).expect("a register");
}

/// One hart; sources 1, 10 and 33 enabled for Ring 0, with priorities 1, 2 and 2.
fn plic() -> Plic {
    let mut plic = Plic::new(1);
    for (source, priority) in [(1, 1), (10, 2), (33, 2)] {
        write(&mut plic, 4 * source, priority);
    }
    write(&mut plic, ENABLE_RING_0, 1 << 1 | 1 << 10);
    write(&mut plic, ENABLE_RING_0 + 4, 1 << 1);
    plic
}

#[test]
fn a_source_reaches_only_the_contexts_that_enable_it() {
    let mut plic = plic();
    plic.set_level(10, Level::High);
    assert!(plic.line(RING_0));
    assert!(!plic.line(0));
    assert!(!plic.line(2), "no such context");
    assert_eq!(read(&mut plic, 0x1000), 1 << 10);
    plic.set_level(9, Level::High);
    assert_eq!(read(&mut plic, 0x1000), 1 << 10 | 1 << 9);
}

#[test]
fn claims_go_by_priority_then_number() {
    let mut plic = plic();
    for source in [1, 10, 33] {
        plic.set_level(source, Level::High);
    }
    let claims: Vec<u32> = (0..4).map(|_| read(&mut plic, CLAIM_RING_0)).collect();
    assert_eq!(claims, [10, 33, 1, 0]);
    assert!(!plic.line(RING_0));
}

#[test]
fn a_level_source_comes_again_after_completion_while_high() {
    let mut plic = plic();
    plic.set_level(10, Level::High);
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
    assert!(!plic.line(RING_0), "being serviced");
    write(&mut plic, CLAIM_RING_0, 10);
    assert!(plic.line(RING_0), "still high");
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
    plic.set_level(10, Level::Low);
    write(&mut plic, CLAIM_RING_0, 10);
    assert!(!plic.line(RING_0));
}

#[test]
fn the_gateway_stays_shut_until_completion() {
    let mut plic = plic();
    plic.set_level(10, Level::High);
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
    plic.set_level(10, Level::Low);
    plic.set_level(10, Level::High); // again, while the first is being serviced
    assert!(!plic.line(RING_0));
    assert_eq!(read(&mut plic, CLAIM_RING_0), 0);
    write(&mut plic, CLAIM_RING_0, 10);
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
}

#[test]
fn a_forwarded_request_survives_the_fall_of_its_line() {
    let mut plic = plic();
    plic.set_level(10, Level::High);
    plic.set_level(10, Level::Low);
    assert!(plic.line(RING_0));
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
    write(&mut plic, CLAIM_RING_0, 10);
    assert_eq!(read(&mut plic, CLAIM_RING_0), 0);
}

#[test]
fn the_threshold_masks_the_line_but_not_the_claim() {
    let mut plic = plic();
    plic.set_level(1, Level::High);
    write(&mut plic, THRESHOLD_RING_0, 1);
    assert!(!plic.line(RING_0), "priority 1 is not above threshold 1");
    assert_eq!(read(&mut plic, CLAIM_RING_0), 1);
    plic.set_level(10, Level::High);
    assert!(plic.line(RING_0), "priority 2 is");
    write(&mut plic, THRESHOLD_RING_0, 0xFFFF_FFFF);
    assert_eq!(read(&mut plic, THRESHOLD_RING_0), 7);
}

#[test]
fn completion_of_a_source_that_is_not_enabled_is_ignored() {
    let mut plic = plic();
    plic.set_level(10, Level::High);
    assert_eq!(read(&mut plic, CLAIM_RING_0), 10);
    write(&mut plic, 0x20_0004, 10); // Ring -1's context does not enable it
    assert!(!plic.line(RING_0));
    for nonsense in [0, 96, 0xFFFF_FFFF] {
        write(&mut plic, CLAIM_RING_0, nonsense);
    }
    write(&mut plic, CLAIM_RING_0, 10);
    assert!(plic.line(RING_0));
}

#[test]
fn priority_zero_and_source_zero_never_interrupt() {
    let mut plic = plic();
    write(&mut plic, 4 * 10, 0);
    plic.set_level(10, Level::High);
    plic.set_level(0, Level::High);
    assert!(!plic.line(RING_0));
    assert_eq!(read(&mut plic, CLAIM_RING_0), 0);
    write(&mut plic, ENABLE_RING_0, 0xFFFF_FFFF);
    assert_eq!(read(&mut plic, ENABLE_RING_0), 0xFFFF_FFFE);
    write(&mut plic, 0, 7);
    assert_eq!(read(&mut plic, 0), 0);
    write(&mut plic, 4 * 10, 0xFF);
    assert_eq!(read(&mut plic, 4 * 10), 7, "three bits of priority");
    assert!(plic.line(RING_0), "raising the priority lets a pending request through");
}

#[test]
fn contexts_of_the_second_hart_are_two_and_three() {
    let mut plic = Plic::new(2);
    write(&mut plic, 4, 1);
    write(&mut plic, 0x2000 + 3 * 0x80, 1 << 1);
    plic.set_level(1, Level::High);
    assert_eq!((0..4).map(|context| plic.line(context)).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(read(&mut plic, 0x20_3004), 1);
}

#[test]
fn unused_registers_read_zero_and_odd_accesses_fault() {
    let mut plic = plic();
    for offset in [4 * 96, 0x1000 + 4 * 3, 0x2000 + 2 * 0x80, 0x2000 + 0xC, 0x20_0008, 0x20_2000, 0x5F_FFFC] {
        write(&mut plic, offset, 0xFFFF_FFFF);
        assert_eq!(read(&mut plic, offset), 0, "{offset:#x}");
    }
    write(&mut plic, 0x1000, 0xFFFF_FFFF);
    assert_eq!(read(&mut plic, 0x1000), 0, "pending bits are read-only");
    assert_eq!(plic.read(4, AccessSize::Double), Err(AccessFault));
    assert_eq!(plic.read(4, AccessSize::Byte), Err(AccessFault));
    assert_eq!(plic.write(6, AccessSize::Word, 0), Err(AccessFault));
}
