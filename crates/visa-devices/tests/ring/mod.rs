//! A driver's side of one virtqueue, written out by hand: three areas of guest memory, and the registers that name
//! them (virtio 1.2, sections 2.7 and 4.2.3).

#![allow(dead_code, reason = "each test file uses its part")]

pub mod disk;

use visa_devices::{Block, BlockBackend, DmaMemory, VirtioMmio};
use visa_mem::{AccessSize, Device, Ram};

pub const BASE: u64 = 0x8000_0000;
pub const RAM_BYTES: u64 = 0x10_0000;

pub const DESCRIPTORS: u64 = BASE + 0x1000;
pub const AVAILABLE: u64 = BASE + 0x2000;
pub const USED: u64 = BASE + 0x3000;
pub const HEADER: u64 = BASE + 0x4000;
pub const DATA: u64 = BASE + 0x5000;
pub const STATUS: u64 = BASE + 0x7000;

pub const NEXT: u16 = 1;
pub const WRITE: u16 = 2;
pub const INDIRECT: u16 = 4;

pub mod register {
    pub const DEVICE_FEATURES: u64 = 0x010;
    pub const DEVICE_FEATURES_SEL: u64 = 0x014;
    pub const DRIVER_FEATURES: u64 = 0x020;
    pub const DRIVER_FEATURES_SEL: u64 = 0x024;
    pub const QUEUE_SEL: u64 = 0x030;
    pub const QUEUE_NUM_MAX: u64 = 0x034;
    pub const QUEUE_NUM: u64 = 0x038;
    pub const QUEUE_READY: u64 = 0x044;
    pub const QUEUE_NOTIFY: u64 = 0x050;
    pub const INTERRUPT_STATUS: u64 = 0x060;
    pub const INTERRUPT_ACK: u64 = 0x064;
    pub const STATUS: u64 = 0x070;
    pub const QUEUE_DESC: u64 = 0x080;
    pub const QUEUE_DRIVER: u64 = 0x090;
    pub const QUEUE_DEVICE: u64 = 0x0A0;
}

/// A driver, its memory, and the device.
pub struct Bench {
    pub ram: Ram,
    pub transport: VirtioMmio,
    pub available_index: u16,
}

impl Bench {
    pub fn new(backend: impl BlockBackend + 'static) -> Self {
        Self::with_ram(backend, RAM_BYTES)
    }

    pub fn with_ram(backend: impl BlockBackend + 'static, bytes: u64) -> Self {
        let ram = Ram::new(BASE, bytes).expect("RAM");
        let transport = VirtioMmio::new(Box::new(Block::new(Box::new(backend), "disk-0")));
        Self { ram, transport, available_index: 0 }
    }

    pub fn read(&mut self, offset: u64) -> u32 {
        self.transport.read(offset, AccessSize::Word).expect("a register") as u32
    }

    pub fn write(&mut self, offset: u64, value: u32) {
        self.transport.write(offset, AccessSize::Word, value.into()).expect("a register");
    }

    pub fn write_pair(&mut self, offset: u64, value: u64) {
        self.write(offset, value as u32);
        self.write(offset + 4, (value >> 32) as u32);
    }

    /// Initialisation as in section 3.1.1, queue of 8 entries.
    pub fn start(&mut self) {
        self.start_with(1 << 9 | 1 << 28); // flush, indirect descriptors
    }

    /// Likewise, with these features (bits 31:0).
    pub fn start_with(&mut self, features: u32) {
        self.negotiate_features(features);
        self.write(register::QUEUE_SEL, 0);
        self.write(register::QUEUE_NUM, 8);
        self.write_pair(register::QUEUE_DESC, DESCRIPTORS);
        self.write_pair(register::QUEUE_DRIVER, AVAILABLE);
        self.write_pair(register::QUEUE_DEVICE, USED);
        self.write(register::QUEUE_READY, 1);
        self.write(register::STATUS, 0xF);
    }

    pub fn negotiate(&mut self) {
        self.negotiate_features(1 << 9 | 1 << 28);
    }

    pub fn negotiate_features(&mut self, features: u32) {
        self.write(register::STATUS, 0);
        self.write(register::STATUS, 1);
        self.write(register::STATUS, 3);
        self.write(register::DRIVER_FEATURES_SEL, 1);
        self.write(register::DRIVER_FEATURES, 1); // VIRTIO_F_VERSION_1
        self.write(register::DRIVER_FEATURES_SEL, 0);
        self.write(register::DRIVER_FEATURES, features);
        self.write(register::STATUS, 0xB);
        assert_eq!(self.read(register::STATUS), 0xB, "FEATURES_OK stays");
    }

    fn offset(address: u64) -> u64 {
        address - BASE
    }

    pub fn put(&self, address: u64, bytes: &[u8]) {
        self.ram.write_bytes(Self::offset(address), bytes).expect("inside RAM");
    }

    pub fn get(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.ram.read_bytes(Self::offset(address), &mut bytes).expect("inside RAM");
        bytes
    }

    pub fn descriptor_at(&self, table: u64, index: u64, address: u64, length: u32, flags: u16, next: u16) {
        let mut bytes = address.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(next.to_le_bytes());
        self.put(table + 16 * index, &bytes);
    }

    pub fn descriptor(&self, index: u64, address: u64, length: u32, flags: u16, next: u16) {
        self.descriptor_at(DESCRIPTORS, index, address, length, flags, next);
    }

    pub fn header(&self, kind: u32, sector: u64) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(sector.to_le_bytes());
        self.put(HEADER, &bytes);
    }

    /// The usual three descriptors: header, data, status.
    pub fn request(&self, kind: u32, sector: u64, data_bytes: u32, device_writes: bool) {
        self.header(kind, sector);
        self.put(STATUS, &[0xEE]);
        self.descriptor(0, HEADER, 16, NEXT, 1);
        let direction = if device_writes { WRITE } else { 0 };
        self.descriptor(1, DATA, data_bytes, NEXT | direction, 2);
        self.descriptor(2, STATUS, 1, WRITE, 0);
    }

    /// Makes the chain that starts at `head` available, without telling the device.
    pub fn offer(&mut self, head: u16) {
        let slot = u64::from(self.available_index % 8);
        self.put(AVAILABLE + 4 + 2 * slot, &head.to_le_bytes());
        self.available_index = self.available_index.wrapping_add(1);
        self.put(AVAILABLE + 2, &self.available_index.to_le_bytes());
    }

    pub fn notify(&mut self) {
        self.write(register::QUEUE_NOTIFY, 0);
        self.transport.service(&DmaMemory::physical(&self.ram));
    }

    pub fn submit(&mut self, head: u16) {
        self.offer(head);
        self.notify();
    }

    pub fn used_index(&self) -> u16 {
        u16::from_le_bytes(self.get(USED + 2, 2).try_into().unwrap())
    }

    /// Entry `slot` of the used ring: (head, length).
    pub fn used(&self, slot: u64) -> (u32, u32) {
        let bytes = self.get(USED + 4 + 8 * slot, 8);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        (word(0), word(4))
    }

    pub fn status(&self) -> u8 {
        self.get(STATUS, 1)[0]
    }

    pub fn needs_reset(&mut self) -> bool {
        self.read(register::STATUS) & 0x40 != 0
    }
}
