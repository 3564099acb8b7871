//! The part in Ring -1: visor's firmware loads visor a second time, as it would a kernel, into the memory behind it,
//! linked for where the back end has physical memory ([`PHYSICAL`]), and starts it in Ring 0.

use super::symbols::{PHYSICAL, software_start};
use crate::cpu;
use crate::devices::console::line;
use crate::devices::finisher;
use crate::ending::Ending;
use crate::guest::memory::PAGE;
use crate::image;
use crate::sbi::Start;

unsafe extern "C" {
    static __data_end: u8;
    static __bss_start: u8;
    static __bss_end: u8;
    static __relocations_start: Relocation;
    static __relocations_end: Relocation;
}

/// An ELF relocation.
#[repr(C)]
struct Relocation {
    offset: u64,
    kind: u64,
    addend: u64,
}

/// Loads the second visor below the machine's device tree, and says how it starts.
pub fn load(tree: u64) -> Start {
    let (start, end) = (image::start(), image::end());
    let copy = end.next_multiple_of(PAGE);
    if copy + (end - start) > tree {
        line!("visor: no memory for the software-only back end below {tree:#x}");
        finisher::end(Ending::BadDeviceTree);
    }
    let offset = copy - start;
    let data_end = &raw const __data_end as u64;
    let (bss, bss_end) = (&raw const __bss_start as u64 + offset, &raw const __bss_end as u64 + offset);
    // SAFETY: the memory from the image's end to the device tree is visor's, and nobody has used it. The sizes are those
    // of the image. Nobody writes the image meanwhile but for what the second visor sets anew.
    unsafe {
        core::ptr::copy_nonoverlapping(
            start as *const u64,
            copy as *mut u64,
            (data_end - start) as usize / 8,
        );
        core::ptr::write_bytes(bss as *mut u64, 0, (bss_end - bss) as usize / 8);
        let mut relocation = &raw const __relocations_start;
        // All are relative: the start code has looked (src/start.rs).
        while relocation < &raw const __relocations_end {
            let Relocation { offset, addend, .. } = relocation.read();
            ((copy + offset) as *mut u64).write(copy + PHYSICAL + addend);
            relocation = relocation.add(1);
        }
    }
    cpu::fence_instructions();
    Start { entry: software_start as *const () as u64 + offset, opaque: tree }
}
