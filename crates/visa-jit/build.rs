//! Names in one place the hosts that generated code is made for: `cfg(generates_code)`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(generates_code)");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let on_host = is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("CARGO_CFG_TARGET_OS", "linux");
    if on_host && std::env::var_os("CARGO_FEATURE_HOST_CODE").is_some() {
        println!("cargo::rustc-cfg=generates_code");
    }
}
