//! Inputs to start from: good ones of each kind, made by the project itself.

use visa_asm::{Options, assemble};
use visa_machine::device_tree::{DeviceTree, VisorProperties};
use visa_machine::memory_map::RAM_BASE;

/// Sources that hold every directive and every kind of operand.
const SOURCES: [&str; 7] = [
    include_str!("../../../tests/asm/concept.s"),
    include_str!("../../../tests/asm/control.s"),
    include_str!("../../../tests/asm/expressions.s"),
    include_str!("../../../tests/asm/relaxation.s"),
    include_str!("../../../tests/asm/gnu/control.s"),
    include_str!("../../../tests/asm/errors/control.s"),
    include_str!("../../../tests/asm/errors/structure.s"),
];

/// Packets of a debugger, one in a line: what it asks first, registers, memory, breakpoints, steps, the monitor.
const CONVERSATION: &str = "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386\nvMustReplyEmpty\n\
    Hg0\nqXfer:features:read:target.xml:0,ffb\nqTStatus\n?\nqfThreadInfo\nqsThreadInfo\nqThreadExtraInfo,p1.1\ng\n\
    p20\nP1=1122334455667788\nm80000000,10\nM80000000,4:13000000\nX80000000,0:\nZ0,80000004,4\nZ1,80000008,4\n\
    Z2,80000010,8\nvCont?\nvCont;s:p1.1;c\nvCont;c\nz0,80000004,4\nz2,80000010,8\nqRcmd,696e666f\nG00\nT1\nD;1\nk";

/// The seeds of a target.
///
/// # Panics
///
/// If there is no such target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "elf" => programs()
            .into_iter()
            .flat_map(|object| [object.to_elf(), object.to_elf_with_lines("/")])
            .collect(),
        "image" => {
            programs().iter().map(|object| kernel(&object.to_flat())).chain([vec![0x13, 0, 0, 0]]).collect()
        }
        "assembler" => SOURCES.iter().map(|source| source.as_bytes().to_vec()).collect(),
        "gdb" => {
            vec![CONVERSATION.into(), CONVERSATION.replace('\n', "#00$").into_bytes(), b"$g#67+".to_vec()]
        }
        "device_tree" => trees(),
        "virtio" => [0, 1, 2, 3].map(request).to_vec(),
        other => panic!("there is no target {other}"),
    }
}

fn programs() -> Vec<visa_asm::Object> {
    let good = SOURCES.iter().filter_map(|source| assemble(source, "seed.s", &Options::default()).ok());
    let list: Vec<_> = good.collect();
    assert!(list.len() >= 4, "most of the sources are good");
    list
}

/// A kernel's Image: the header of 64 bytes, and code.
fn kernel(code: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 64];
    image[0..4].copy_from_slice(&0x0400_006fu32.to_le_bytes());
    image[8..16].copy_from_slice(&0x20_0000u64.to_le_bytes());
    image[16..24].copy_from_slice(&(64 + code.len() as u64).to_le_bytes());
    image[48..56].copy_from_slice(b"RISCV\0\0\0");
    image[56..60].copy_from_slice(b"RSC\x05");
    image.extend_from_slice(code);
    image
}

fn trees() -> Vec<Vec<u8>> {
    let tree = |harts, visor| {
        let tree = DeviceTree {
            bootargs: "console=ttyS0".into(),
            virtio_slots: vec![0, 3],
            visor,
            ..DeviceTree::new(harts, RAM_BASE..RAM_BASE + (64 << 20))
        };
        tree.flatten().expect("an ordinary tree")
    };
    let visor = VisorProperties { mode: "native", kernel_entry: RAM_BASE, guest_device_tree: RAM_BASE };
    vec![tree(1, None), tree(2, Some(visor))]
}

/// A driver's read or write of a sector (virtio 1.2, 5.2.6): how the queue is made, no steps, and memory with three
/// descriptors at 0, the rings behind them, and the request.
fn request(flags: u8) -> Vec<u8> {
    let (available, used, header, data, status) = (0x100u16, 0x200u16, 0x300u64, 0x400u64, 0x700u64);
    let mut bytes = vec![flags, 3];
    [0, available, used].iter().for_each(|address: &u16| bytes.extend_from_slice(&address.to_le_bytes()));
    bytes.push(0);
    let start = bytes.len();
    bytes.resize(start + 0x800, 0);
    let memory = &mut bytes[start..];
    let origin: u64 = if flags & 1 == 0 { 0x8000_0000 } else { 0 };
    let writes = flags & 2 == 0;
    let descriptors =
        [(header, 16u32, 1u16, 1u16), (data, 512, if writes { 1 } else { 3 }, 2), (status, 1, 2, 0)];
    for (index, (address, length, kind, next)) in descriptors.into_iter().enumerate() {
        let place = &mut memory[16 * index..16 * index + 16];
        place[..8].copy_from_slice(&(origin + address).to_le_bytes());
        place[8..12].copy_from_slice(&length.to_le_bytes());
        place[12..14].copy_from_slice(&kind.to_le_bytes());
        place[14..].copy_from_slice(&next.to_le_bytes());
    }
    // One request is available.
    memory[usize::from(available) + 2] = 1;
    memory[header as usize] = writes.into();
    bytes
}
