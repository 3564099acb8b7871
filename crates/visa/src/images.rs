//! The guest images that are part of the command.

use visa_machine::boot::Image;

include!(concat!(env!("OUT_DIR"), "/images.rs"));

/// visor, the hypervisor and firmware.
pub fn visor() -> anyhow::Result<Image> {
    embedded("visor", VISOR)
}

/// The guest of the demonstration.
pub fn demo() -> anyhow::Result<Image> {
    embedded("demo", DEMO)
}

fn embedded(name: &'static str, bytes: Option<&'static [u8]>) -> anyhow::Result<Image> {
    let Some(bytes) = bytes else {
        anyhow::bail!(
            "this build has no {name} image (guest/images/{name}.elf); \"cargo xtask guests\" makes it"
        )
    };
    Ok(Image::Bytes(name, bytes))
}
