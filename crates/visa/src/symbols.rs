//! Names for addresses: of the guest's image in the guest's rings, of visor in Ring -1.

use visa_isa::Ring;
use visa_machine::loader::LoadedImage;

/// The symbols of what was loaded.
#[derive(Default)]
pub struct Symbols {
    guest: Option<LoadedImage>,
    /// Ring -1's image, with what was added to its addresses.
    hypervisor: Option<(LoadedImage, u64)>,
}

impl Symbols {
    /// Of a program that starts in Ring -1 and may go on in others.
    pub fn of_program(image: LoadedImage) -> Symbols {
        Symbols { hypervisor: Some((image.clone(), 0)), guest: Some(image) }
    }

    /// Of a kernel, and of visor loaded `visor_offset` above where it was linked.
    pub fn of_kernel(kernel: LoadedImage, visor: Option<LoadedImage>, visor_offset: u64) -> Symbols {
        Symbols { guest: Some(kernel), hypervisor: visor.map(|visor| (visor, visor_offset)) }
    }

    /// `<symbol+offset>` for an address that a ring executes, or nothing.
    pub fn describe(&self, ring: Ring, address: u64) -> String {
        let (image, linked) = match ring {
            Ring::Hypervisor => match &self.hypervisor {
                Some((image, offset)) => (image, address.wrapping_sub(*offset)),
                None => return String::new(),
            },
            Ring::Kernel | Ring::User => match &self.guest {
                Some(image) => (image, address),
                None => return String::new(),
            },
        };
        match image.symbol_at(linked) {
            Some(symbol) if symbol.address == linked => format!("<{}>", symbol.name),
            Some(symbol) => format!("<{}+{:#x}>", symbol.name, linked - symbol.address),
            None => String::new(),
        }
    }
}
