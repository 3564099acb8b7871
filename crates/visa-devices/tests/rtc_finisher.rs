//! The clock and the finisher, register by register.

use visa_devices::{Finisher, FinisherRequest, Model, Rtc};
use visa_mem::{AccessFault, AccessSize, Device};

const TIME_LOW: u64 = 0x00;
const TIME_HIGH: u64 = 0x04;
const ALARM_LOW: u64 = 0x08;
const ALARM_HIGH: u64 = 0x0C;
const IRQ_ENABLED: u64 = 0x10;
const CLEAR_ALARM: u64 = 0x14;
const ALARM_STATUS: u64 = 0x18;
const CLEAR_INTERRUPT: u64 = 0x1C;

fn read(rtc: &mut Rtc, offset: u64) -> u32 {
    rtc.read(offset, AccessSize::Word).expect("a register") as u32
}

fn write(rtc: &mut Rtc, offset: u64, value: u32) {
    rtc.write(offset, AccessSize::Word, value.into()).expect("a register");
}

#[test]
fn reading_the_low_half_latches_the_high_half() {
    let mut rtc = Rtc::new();
    rtc.set_time_ns(0x1_FFFF_FFFF);
    assert_eq!(read(&mut rtc, TIME_LOW), 0xFFFF_FFFF);
    rtc.set_time_ns(0x2_0000_0000);
    assert_eq!(read(&mut rtc, TIME_HIGH), 1, "of the time when the low half was read");
    assert_eq!(read(&mut rtc, TIME_LOW), 0);
    assert_eq!(read(&mut rtc, TIME_HIGH), 2);
}

#[test]
fn a_clock_that_was_set_goes_on_from_there() {
    let mut rtc = Rtc::new();
    rtc.set_time_ns(1_000);
    write(&mut rtc, TIME_HIGH, 5);
    write(&mut rtc, TIME_LOW, 0);
    assert_eq!(rtc.time_ns(), 5 << 32);
    rtc.set_time_ns(1_007);
    assert_eq!(rtc.time_ns(), (5 << 32) + 7);
}

#[test]
fn the_alarm_fires_once_at_its_time() {
    let mut rtc = Rtc::new();
    write(&mut rtc, IRQ_ENABLED, 1);
    write(&mut rtc, ALARM_HIGH, 1);
    write(&mut rtc, ALARM_LOW, 2);
    assert_eq!(rtc.until_event_ns(), Some(0x1_0000_0002));
    assert_eq!(read(&mut rtc, ALARM_STATUS), 1);
    rtc.set_time_ns(0x1_0000_0001);
    assert!(!rtc.interrupt());
    rtc.set_time_ns(0x1_0000_0002);
    assert!(rtc.interrupt());
    assert_eq!(read(&mut rtc, ALARM_STATUS), 0);
    assert_eq!(rtc.until_event_ns(), None);
    write(&mut rtc, IRQ_ENABLED, 0);
    assert!(!rtc.interrupt());
    write(&mut rtc, IRQ_ENABLED, 1);
    assert!(rtc.interrupt(), "masked, not lost");
    write(&mut rtc, CLEAR_INTERRUPT, 0);
    assert!(!rtc.interrupt());
}

#[test]
fn an_alarm_in_the_past_fires_at_once_and_a_cleared_one_never() {
    let mut rtc = Rtc::new();
    rtc.set_time_ns(100);
    write(&mut rtc, IRQ_ENABLED, 1);
    write(&mut rtc, ALARM_LOW, 99);
    assert!(rtc.interrupt());
    write(&mut rtc, CLEAR_INTERRUPT, 0);
    write(&mut rtc, ALARM_LOW, 200);
    write(&mut rtc, CLEAR_ALARM, 0);
    rtc.set_time_ns(300);
    assert!(!rtc.interrupt());
}

#[test]
fn an_alarm_at_the_end_of_time_is_far_away_and_fires_when_time_wraps() {
    let mut rtc = Rtc::new();
    rtc.set_time_ns(5_000);
    write(&mut rtc, IRQ_ENABLED, 1);
    write(&mut rtc, TIME_HIGH, 0);
    write(&mut rtc, TIME_LOW, 0x10);
    write(&mut rtc, ALARM_HIGH, u32::MAX);
    write(&mut rtc, ALARM_LOW, u32::MAX);
    assert_eq!(rtc.until_event_ns(), Some(u64::MAX - 0x10), "though the machine's time has wrapped by then");
    rtc.set_time_ns(1 << 40);
    assert!(!rtc.interrupt());
    write(&mut rtc, TIME_HIGH, u32::MAX);
    write(&mut rtc, TIME_LOW, u32::MAX - 1);
    rtc.set_time_ns((1 << 40) + 100);
    assert_eq!(rtc.time_ns(), 98, "it has stepped over the alarm");
    assert!(rtc.interrupt());
}

#[test]
fn an_armed_alarm_that_is_moved_into_the_past_fires() {
    let mut rtc = Rtc::new();
    rtc.set_time_ns(0x1_0000_0000);
    write(&mut rtc, IRQ_ENABLED, 1);
    write(&mut rtc, ALARM_HIGH, 2);
    write(&mut rtc, ALARM_LOW, 0);
    assert!(!rtc.interrupt());
    write(&mut rtc, ALARM_HIGH, 0);
    assert!(rtc.interrupt());
    assert_eq!(rtc.until_event_ns(), None);
}

#[test]
fn only_words_at_known_offsets() {
    let mut rtc = Rtc::new();
    assert_eq!(rtc.read(TIME_LOW, AccessSize::Double), Err(AccessFault));
    assert_eq!(rtc.read(0x20, AccessSize::Word), Err(AccessFault));
    assert_eq!(rtc.write(0x02, AccessSize::Word, 0), Err(AccessFault));
}

#[test]
fn the_finisher_knows_three_requests() {
    let mut finisher = Finisher::new();
    let mut ask = |value, size| {
        finisher.write(0, size, value).expect("a register");
        finisher.take_request()
    };
    assert_eq!(ask(0x5555, AccessSize::Word), Some(FinisherRequest::Pass));
    assert_eq!(ask(0x5555, AccessSize::Half), Some(FinisherRequest::Pass));
    assert_eq!(ask(42 << 16 | 0x3333, AccessSize::Word), Some(FinisherRequest::Fail(42)));
    assert_eq!(ask(0x7777, AccessSize::Word), Some(FinisherRequest::Reset));
    assert_eq!(ask(0x1234, AccessSize::Word), None);
    assert_eq!(ask(0, AccessSize::Word), None);
    assert_eq!(finisher.read(0, AccessSize::Word), Ok(0));
    assert_eq!(finisher.write(0, AccessSize::Byte, 0x55), Err(AccessFault));
    assert_eq!(finisher.write(4, AccessSize::Word, 0x5555), Err(AccessFault));
}
