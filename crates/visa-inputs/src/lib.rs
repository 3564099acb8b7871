//! What V-ISA does with bytes that somebody else wrote, each as a function of bytes.
//!
//! The functions come back, whatever the bytes are, or panic: that is what a fuzzer looks for. Beside "no panic, no
//! endless loop, no memory without bound" they check what must hold of every result. The fuzzers are in `fuzz/`, one for
//! each of [`TARGETS`]; `cargo test` holds the same functions to seeds and to small changes of them.
#![forbid(unsafe_code)]

mod assembler;
mod debugger;
mod device_tree;
mod images;
mod seeds;
mod taker;
mod virtio;

pub use seeds::seeds;

/// A function of bytes, and what the fuzzer for it is called.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Does everything with the bytes that there is to do.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target { name: "elf", run: images::elf },
    Target { name: "image", run: images::image },
    Target { name: "assembler", run: assembler::assembler },
    Target { name: "gdb", run: debugger::gdb },
    Target { name: "device_tree", run: device_tree::device_tree },
    Target { name: "virtio", run: virtio::virtio },
];

/// Runs a target by its name.
///
/// # Panics
///
/// If there is no such target, or if the bytes show a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).run)(bytes);
}
