//! Gives the linker visor's layout when it is built for the machine.

fn main() {
    println!("cargo:rerun-if-changed=visor.ld");
    let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if target == "riscv64" {
        let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        // Position-independent, linked at 0; the start code applies the relocations (src/start.rs).
        for argument in [
            &format!("-T{directory}/visor.ld"),
            "-pie",
            "--no-dynamic-linker",
            "-znotext",
            "-znorelro",
            "--gc-sections",
            "--discard-locals",
        ] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}
