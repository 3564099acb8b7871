//! The guests that are part of this library.

use visa_machine::boot::Image;

include!(concat!(env!("OUT_DIR"), "/images.rs"));

/// This build has no such guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this build has no {name} image (guest/images/{name}.elf); \"cargo xtask guests\" makes it")]
pub struct NoImage {
    /// Its name.
    pub name: &'static str,
}

/// visor, the hypervisor and firmware: an ELF.
pub fn visor() -> Result<Image, NoImage> {
    embedded("visor", VISOR)
}

/// The guest of the demonstration: an ELF.
pub fn demo() -> Result<Image, NoImage> {
    embedded("demo", DEMO)
}

fn embedded(name: &'static str, bytes: Option<&'static [u8]>) -> Result<Image, NoImage> {
    bytes.map(|bytes| Image::Bytes(name.into(), bytes.into())).ok_or(NoImage { name })
}
