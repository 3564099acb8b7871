//! Debuggers and drivers that know what they do, in any order: long sequences of what is right by itself, each of which finds what those
//! before it have left. Changes of good inputs hardly get there.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::time::{Duration, Instant};
use visa_inputs::run;

/// How long each test goes on, and how long one sequence may take on a busy host.
const TIME: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Runs a target on one sequence after the other.
fn for_sequences(target: &str, make: impl Fn(&mut Random) -> Vec<u8>) {
    let start = Instant::now();
    let mut sequences = 0u64;
    while start.elapsed() < TIME || sequences < 20 {
        sequences += 1;
        let bytes = make(&mut Random(sequences.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let begun = Instant::now();
        run(target, &bytes);
        assert!(begun.elapsed() < PATIENCE, "{target}, sequence {sequences}: {:?}", begun.elapsed());
    }
    println!("{target}: {sequences} sequences");
}

#[test]
fn a_debugger_asks_anything_of_a_machine_that_runs() {
    // A loop that counts and stores: addi, sd to what a1 holds, j.
    const PROGRAM: &str = "M80000000,c:9382120023b055106ff09fff";
    for_sequences("gdb", |random| {
        let mut lines =
            vec!["qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+".to_owned(), PROGRAM.to_owned()];
        for _ in 0..5 + random.below(40) {
            lines.push(packet(random));
        }
        lines.join("\n").into_bytes()
    });
}

/// What debuggers say, with addresses in the program, at the ends of memory, and elsewhere.
fn packet(random: &mut Random) -> String {
    let near = 0x8000_0000 + 2 * random.below(8);
    let address = random.pick(&[near, near, near, 0x8000_fffc, 0x8001_0000, 0x1000_0000, 0, u64::MAX - 3]);
    let length = random.pick(&[0u64, 1, 2, 4, 8, 0x40, 0xfff, 0xffff_ffff]);
    let thread = random.pick(&["p1.1", "p1.2", "p1.-1", "-1", "0", "p0.0", "p1.3", "p2.1", "p-1.-1"]);
    let action = random.pick(&["c", "s", "C05", "S05", "t", "r80000000,80000008"]);
    let register = random.below(80);
    let value = random.bits();
    let kind = random.below(5);
    match random.below(20) {
        0..3 => format!("Z{kind},{address:x},{}", random.pick(&[2, 4, 8])),
        3 | 4 => format!("z{kind},{address:x},{}", random.pick(&[2, 4, 8])),
        5..8 => format!("vCont;{action}:{thread};c"),
        8 => format!("vCont;{action}"),
        9 => random.pick(&["s", "c", "?", "g", "vCtrlC", "D;1", "\u{3}"]).to_owned(),
        10 => format!("H{}{thread}", random.pick(&["g", "c"])),
        11 => format!("p{register:x}"),
        12 => format!("P{register:x}={value:016x}"),
        13 => format!("m{address:x},{length:x}"),
        14 => format!("M{address:x},4:{:08x}", value as u32),
        15 => format!("P20={:016x}", near.swap_bytes()),
        16 => format!("T{thread}"),
        17 => format!(
            "qXfer:{}:read::{:x},{length:x}",
            random.pick(&["features", "memory-map", "threads"]),
            random.below(64)
        ),
        18 => format!("G{}", format!("{value:016x}").repeat(random.below(40) as usize)),
        _ => random.pick(&["qfThreadInfo", "qsThreadInfo", "qRcmd,696e666f", "vCont?", "qC"]).to_owned(),
    }
}

/// Memory of the driver: tables of descriptors, the rings, and what requests are made of.
const AVAILABLE: u16 = 0x400;
const USED: u16 = 0x600;
const INDIRECT: u64 = 0x800;
const HEADERS: u64 = 0x1000;
const DATA: u64 = 0x2000;
const MEMORY: usize = 0x8000;
const QUEUE: u64 = 32;

#[test]
fn a_driver_queues_anything_and_resets_the_device_meanwhile() {
    for_sequences("virtio", |random| {
        let flags = random.below(4) as u8;
        let origin: u64 = if flags & 1 == 0 { 0x8000_0000 } else { 0 };
        let mut bytes = vec![flags, 5];
        [0, AVAILABLE, USED].iter().for_each(|address| bytes.extend(address.to_le_bytes()));
        let mut available = 1 + random.below(QUEUE) as u16;
        for _ in 0..random.below(8) {
            step(random, &mut bytes, origin, &mut available);
        }
        bytes.push(0);
        bytes.extend(memory(random, origin));
        bytes
    });
}

/// A step as the target reads it: what, where, and a value.
fn push(bytes: &mut Vec<u8>, step: u8, place: u64, value: u64) {
    bytes.push(step);
    bytes.extend((place as u16).to_le_bytes());
    bytes.extend(value.to_le_bytes());
}

/// A few steps that belong together.
fn step(random: &mut Random, bytes: &mut Vec<u8>, origin: u64, available: &mut u16) {
    const READ: u8 = 8 | 16;
    const WRITE_WORD: u8 = 1 | 16;
    const STORE: u8 = 2;
    const NOTIFY: u8 = 3;
    let mut register = |register, value| push(bytes, WRITE_WORD, register, value);
    match random.below(6) {
        0 => {
            // A reset, with whatever was queued, and maybe a life after that with the rings elsewhere or nowhere.
            register(0x70, 0);
            for value in [1, 3, 11] {
                register(0x70, value);
            }
            register(0x38, random.pick(&[1, 8, QUEUE, 0, 3, 0x8000]));
            for (low, address) in [(0x80, 0), (0x90, AVAILABLE), (0xa0, USED)] {
                let moved = if random.below(4) == 0 { random.bits() & 0xffff } else { u64::from(address) };
                register(low, (origin + moved) & 0xffff_ffff);
                register(low + 4, (origin + moved) >> 32);
            }
            register(0x44, 1);
            register(0x70, 15);
            *available = 0;
        }
        1 => register(0x44, random.below(2)),
        2 => register(0x70, random.pick(&[0, 11, 15, 128, 143])),
        3 => {
            // More requests, or more than there can be, or fewer.
            *available = available.wrapping_add(random.pick(&[1, 2, 31, 33, 0xffff]));
            let ring = random.bits() & 0x001f_001f_0000_0000;
            push(bytes, STORE, AVAILABLE.into(), ring | u64::from(*available) << 16);
        }
        4 => {
            let (place, value) = descriptor(random, origin);
            push(bytes, STORE, place, value);
        }
        _ => push(bytes, READ, random.below(0x140) & !3, 0),
    }
    push(bytes, NOTIFY, 0, 0);
}

/// Half of a descriptor, and where.
fn descriptor(random: &mut Random, origin: u64) -> (u64, u64) {
    let place = 16 * random.below(QUEUE);
    match random.below(2) {
        0 => (place, address(random, origin)),
        _ => (place + 8, shape(random, QUEUE)),
    }
}

/// Where a buffer is: among the requests, at the ends of memory, or nowhere.
fn address(random: &mut Random, origin: u64) -> u64 {
    let [header, data] = [HEADERS + 16 * random.below(8), DATA + 512 * random.below(16)];
    origin.wrapping_add(random.pick(&[
        header,
        data,
        data,
        data,
        INDIRECT,
        0,
        0x7ff8,
        0xfff0,
        0x1_0000,
        u64::MAX - 100,
    ]))
}

/// Length, flags and next descriptor: chains that end, that go round, and that lead out of the table.
fn shape(random: &mut Random, table: u64) -> u64 {
    let length = random.pick(&[1, 16, 16, 512, 512, 4096, 0, 20, 0x10_0000, 0xffff_ffff]);
    let flags = random.pick(&[0, 1, 1, 2, 3, 3, 4, 5, 8]);
    let next = if random.below(8) == 0 { random.below(0x1_0000) } else { random.below(table) };
    length | flags << 32 | next << 48
}

/// What the memory holds at first.
fn memory(random: &mut Random, origin: u64) -> Vec<u8> {
    let mut words = vec![0u64; MEMORY / 8];
    let mut at = |address: u64, value| words[address as usize / 8] = value;
    // Half of them good requests: a header, data, and a status.
    for first in (0..QUEUE - 2).step_by(3) {
        let writes = random.below(2);
        let good = random.below(2) == 0;
        let parts = [
            (HEADERS + 16 * (first / 3), 16 | 1 << 32),
            (DATA + 512 * (first / 3), 512 | ((1 | (2 * writes)) << 32)),
            (DATA - 8 * (1 + first / 3), 1 | 2 << 32),
        ];
        for (number, (place, rest)) in (first..).zip(parts) {
            let (place, rest) = match good {
                true => (origin + place, rest | (number + 1) << 48),
                false => (address(random, origin), shape(random, QUEUE)),
            };
            at(16 * number, place);
            at(16 * number + 8, rest);
        }
        at(HEADERS + 16 * (first / 3), if good { 1 - writes } else { random.below(16) });
        at(HEADERS + 16 * (first / 3) + 8, random.below(40));
    }
    for number in 0..16 {
        at(INDIRECT + 16 * number, address(random, origin));
        at(INDIRECT + 16 * number + 8, shape(random, 16));
    }
    let index = 1 + random.below(QUEUE);
    for slot in 0..=QUEUE / 4 {
        let heads = (0..4).fold(0, |heads, place| heads | ((3 * random.below(QUEUE / 3)) << (16 * place)));
        let first = if slot == 0 { heads & 0xffff_ffff_0000_0000 | index << 16 } else { heads };
        at(u64::from(AVAILABLE) + 8 * slot, first);
    }
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}
