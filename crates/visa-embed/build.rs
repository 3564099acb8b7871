//! Embeds the guest images that are in the repository.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let root =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../guest/images");
    let mut text = String::new();
    for (constant, name) in [("VISOR", "visor"), ("DEMO", "demo")] {
        let path = root.join(name).with_extension("elf");
        println!("cargo::rerun-if-changed={}", path.display());
        let value = match path.is_file() {
            true => format!("Some(include_bytes!({path:?}))"),
            false => "None".into(),
        };
        text += &format!("const {constant}: Option<&[u8]> = {value};\n");
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("images.rs");
    fs::write(out, text).expect("the output directory can be written");
}
