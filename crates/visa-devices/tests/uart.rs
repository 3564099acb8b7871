//! The 16550 register by register, and the probes that drivers make of it.

use visa_devices::{Model, UART_FIFO_BYTES, Uart};
use visa_mem::{AccessFault, AccessSize, Device};

const RBR: u64 = 0;
const THR: u64 = 0;
const IER: u64 = 1;
const IIR: u64 = 2;
const FCR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;
const SCR: u64 = 7;

const RTS: u8 = 0x02;

fn read(uart: &mut Uart, offset: u64) -> u8 {
    uart.read(offset, AccessSize::Byte).expect("a register") as u8
}

fn write(uart: &mut Uart, offset: u64, value: u8) {
    uart.write(offset, AccessSize::Byte, value.into()).expect("a register");
}

#[test]
fn after_reset_it_is_idle_and_silent() {
    let mut uart = Uart::new();
    assert_eq!(read(&mut uart, IER), 0);
    assert_eq!(read(&mut uart, IIR), 0x01, "no interrupt, FIFOs off");
    assert_eq!(read(&mut uart, LSR), 0x60, "THR empty, transmitter empty");
    assert_eq!(read(&mut uart, MSR), 0xB0, "a peer that is there: CTS, DSR, DCD");
    assert_eq!(read(&mut uart, RBR), 0);
    assert!(!uart.interrupt());
}

#[test]
fn what_is_transmitted_is_taken_once() {
    let mut uart = Uart::new();
    write(&mut uart, THR, b'V');
    assert_eq!(uart.take_transmitted(), Some(b'V'));
    assert_eq!(uart.take_transmitted(), None);
    assert_eq!(read(&mut uart, LSR), 0x60, "the wire is infinitely fast");
}

#[test]
fn the_divisor_latch_hides_data_and_ier() {
    let mut uart = Uart::new();
    write(&mut uart, LCR, 0x83);
    write(&mut uart, 0, 0x0C);
    write(&mut uart, 1, 0xAB);
    assert_eq!((read(&mut uart, 0), read(&mut uart, 1)), (0x0C, 0xAB));
    assert_eq!(uart.take_transmitted(), None);
    write(&mut uart, LCR, 0x03);
    assert_eq!(read(&mut uart, IER), 0, "the latch has not touched IER");
    assert_eq!(read(&mut uart, LCR), 0x03);
}

#[test]
fn enabling_the_transmitter_interrupt_raises_it_and_reading_iir_acknowledges() {
    let mut uart = Uart::new();
    for _ in 0..2 {
        // Drivers do this twice, to find chips that raise it only the first time.
        write(&mut uart, IER, 0x02);
        assert!(uart.interrupt());
        assert_eq!(read(&mut uart, IIR), 0x02);
        assert!(!uart.interrupt());
        assert_eq!(read(&mut uart, IIR), 0x01);
        write(&mut uart, IER, 0);
    }
    write(&mut uart, IER, 0x02);
    read(&mut uart, IIR);
    write(&mut uart, THR, b'x');
    assert!(uart.interrupt(), "and it comes again after each byte");
    write(&mut uart, IER, 0);
    assert!(!uart.interrupt());
}

#[test]
fn ier_has_four_bits() {
    let mut uart = Uart::new();
    write(&mut uart, IER, 0xFF);
    assert_eq!(read(&mut uart, IER), 0x0F);
}

#[test]
fn received_bytes_come_out_in_order_and_interrupt_by_level() {
    let mut uart = Uart::new();
    write(&mut uart, FCR, 0x41); // FIFOs on, trigger at 4
    write(&mut uart, IER, 0x01);
    assert!(uart.receive(b'a'));
    assert!(uart.interrupt());
    assert_eq!(read(&mut uart, IIR), 0xCC, "below the trigger level: character timeout");
    for byte in b"bcd" {
        assert!(uart.receive(*byte));
    }
    assert_eq!(read(&mut uart, IIR), 0xC4, "at the trigger level: received data");
    assert_eq!(read(&mut uart, LSR), 0x61);
    for byte in b"abcd" {
        assert!(uart.interrupt());
        assert_eq!(read(&mut uart, RBR), *byte);
    }
    assert!(!uart.interrupt());
    assert_eq!(read(&mut uart, LSR), 0x60);
}

#[test]
fn received_data_outranks_the_transmitter() {
    let mut uart = Uart::new();
    write(&mut uart, IER, 0x03);
    assert!(uart.receive(b'!'));
    assert_eq!(read(&mut uart, IIR), 0x04);
    assert_eq!(read(&mut uart, RBR), b'!');
    assert_eq!(read(&mut uart, IIR), 0x02, "the transmitter's was not acknowledged by the first read");
}

#[test]
fn the_receiver_holds_one_byte_or_sixteen() {
    let mut uart = Uart::new();
    assert!(uart.receive(1));
    assert!(!uart.receive(2));
    write(&mut uart, FCR, 0x01); // switching modes empties the receiver
    assert!(uart.receiver_is_empty());
    for byte in 0..UART_FIFO_BYTES as u8 {
        assert!(uart.receive(byte));
    }
    assert!(!uart.receive(0xFF));
    write(&mut uart, FCR, 0x03); // clear the receiver
    assert!(uart.receiver_is_empty());
    assert_eq!(read(&mut uart, IIR), 0xC1);
}

#[test]
fn rts_holds_the_peer_back_once_mcr_is_used() {
    let mut uart = Uart::new();
    assert!(uart.can_receive(), "software that ignores modem lines gets its bytes");
    write(&mut uart, MCR, 0x01);
    assert!(!uart.receive(b'x'));
    write(&mut uart, MCR, RTS);
    assert!(uart.receive(b'x'));
}

#[test]
fn loopback_connects_outputs_to_inputs() {
    let mut uart = Uart::new();
    // RTS and OUT2 looped back appear as CTS and DCD: the classic presence test.
    write(&mut uart, MCR, 0x1A);
    assert_eq!(read(&mut uart, MSR) & 0xF0, 0x90);
    write(&mut uart, MCR, 0x15);
    assert_eq!(read(&mut uart, MSR) & 0xF0, 0x60, "DTR and OUT1 appear as DSR and RI");
    write(&mut uart, THR, b'L');
    assert_eq!(uart.take_transmitted(), None, "nothing leaves on the wire");
    assert!(!uart.receive(b'W'), "and nothing comes from it");
    assert_eq!(read(&mut uart, RBR), b'L');
}

#[test]
fn modem_changes_are_reported_once() {
    let mut uart = Uart::new();
    write(&mut uart, IER, 0x08);
    write(&mut uart, MCR, 0x10);
    assert!(uart.interrupt());
    assert_eq!(read(&mut uart, IIR), 0x00, "modem status");
    assert_eq!(read(&mut uart, MSR), 0x0B, "CTS, DSR and DCD changed, and are low");
    assert!(!uart.interrupt());
    assert_eq!(read(&mut uart, MSR), 0x00);
    write(&mut uart, MCR, 0x14);
    assert_eq!(read(&mut uart, MSR), 0x40, "a rising ring indicator is no event");
    write(&mut uart, MCR, 0x10);
    assert_eq!(read(&mut uart, MSR), 0x04, "a falling one is");
}

#[test]
fn an_overrun_is_a_line_status_interrupt_until_lsr_is_read() {
    let mut uart = Uart::new();
    write(&mut uart, IER, 0x04);
    write(&mut uart, MCR, 0x10);
    write(&mut uart, THR, 1);
    write(&mut uart, THR, 2); // FIFO off: the receiver has room for one
    assert_eq!(read(&mut uart, IIR), 0x06);
    assert_eq!(read(&mut uart, LSR), 0x63);
    assert_eq!(read(&mut uart, LSR), 0x61);
    assert!(!uart.interrupt());
}

#[test]
fn scratch_is_memory() {
    let mut uart = Uart::new();
    write(&mut uart, SCR, 0x5A);
    assert_eq!(read(&mut uart, SCR), 0x5A);
}

#[test]
fn other_sizes_and_offsets_fault() {
    let mut uart = Uart::new();
    assert_eq!(uart.read(0, AccessSize::Word), Err(AccessFault));
    assert_eq!(uart.write(0, AccessSize::Half, 0), Err(AccessFault));
    assert_eq!(uart.read(8, AccessSize::Byte), Err(AccessFault));
    assert_eq!(uart.write(u64::MAX, AccessSize::Byte, 0), Err(AccessFault));
}
