//! Device trees: as visor reads them, and as the machine makes them.

use visa_machine::device_tree::{DeviceTree, VisorProperties};
use visa_machine::memory_map::RAM_BASE;
use visor::device_tree::{guest, has_argument, machine};

use crate::taker::Taker;

/// The bytes as a tree, and a tree of what the bytes say.
pub fn device_tree(bytes: &[u8]) {
    for error in [machine(bytes).err(), guest(bytes).err()].into_iter().flatten() {
        assert!(!error.to_string().is_empty());
    }
    has_argument(bytes, "quiet");
    made(bytes);
}

/// What the machine makes is what visor reads.
fn made(bytes: &[u8]) {
    let mut taker = Taker(bytes);
    let harts = usize::from(taker.byte() % 66);
    let memory = RAM_BASE..RAM_BASE.saturating_add(taker.double() >> 24);
    let (kernel_entry, guest_device_tree) = (taker.double(), taker.double());
    let first = taker.double();
    let tree = DeviceTree {
        initrd: (taker.byte() & 1 == 1).then(|| first..first.saturating_add(taker.half().into())),
        seed: taker.double(),
        virtio_slots: (0..taker.byte() % 4).map(usize::from).collect(),
        bootargs: String::from_utf8_lossy(taker.0).into_owned(),
        visor: Some(VisorProperties { mode: "accelerated", kernel_entry, guest_device_tree }),
        ..DeviceTree::new(harts, memory)
    };
    let Ok(flat) = tree.flatten() else { return };
    let Ok(read) = machine(&flat) else {
        assert!(harts == 0 || harts > 64, "{harts} harts: {:?}", machine(&flat));
        return;
    };
    assert_eq!((read.harts, read.kernel_entry, read.guest_tree), (harts, kernel_entry, guest_device_tree));
    drop(guest(&flat));
}
