//! The device tree, as the reference compiler reads it back.

use std::io::Write;
use std::process::{Command, Stdio};

use visa_machine::device_tree::{DeviceTree, DeviceTreeError};
use visa_state::{Feature, Features};

fn tree() -> DeviceTree {
    DeviceTree {
        reserved: Some(0x8000_0000..0x8020_0000),
        bootargs: "console=ttyS0 \"quoted\"".into(),
        initrd: Some(0x8F00_0000..0x8F12_3456),
        seed: 1,
        virtio_slots: vec![0, 7],
        ..DeviceTree::new(2, 0x8000_0000..0x9000_0000)
    }
}

/// The tree as source text with warnings as part of it, or `None` where the compiler is not installed.
fn decompile(blob: &[u8]) -> Option<String> {
    let mut child = Command::new("dtc")
        .args(["-I", "dtb", "-O", "dts"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().expect("a pipe").write_all(blob).expect("dtc reads");
    let output = child.wait_with_output().expect("dtc ends");
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warnings}");
    assert_eq!(warnings, "", "dtc has no complaint");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn dtc_accepts_it_and_finds_what_guests_look_for() {
    let blob = tree().flatten().expect("a tree");
    let Some(source) = decompile(&blob) else {
        eprintln!("dtc is not installed: the tree is not checked against it");
        return;
    };
    for line in [
        r#"bootargs = "console=ttyS0 \"quoted\"";"#,
        r#"stdout-path = "/soc/serial@10000000";"#,
        "linux,initrd-start = <0x00 0x8f000000>;",
        "linux,initrd-end = <0x00 0x8f123456>;",
        "memory@80000000 {",
        "reg = <0x00 0x80000000 0x00 0x10000000>;",
        "hypervisor@80000000 {",
        "reg = <0x00 0x80000000 0x00 0x200000>;",
        "no-map;",
        "cpu@1 {",
        r#"riscv,isa = "rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc";"#,
        r#"riscv,isa-base = "rv64i";"#,
        r#"mmu-type = "riscv,sv48";"#,
        "timebase-frequency = <0x989680>;",
        "interrupts-extended = <0x10 0xffffffff 0x10 0x09 0x11 0xffffffff 0x11 0x09>;",
        "riscv,ndev = <0x5f>;",
        r#"compatible = "ns16550a";"#,
        // 3,686,400, which is 00 38 40 00 in the blob: the decompiler takes that for a text.
        r#"clock-frequency = "\08@";"#,
        "interrupts = <0x0a>;",
        r#"compatible = "google,goldfish-rtc";"#,
        "virtio_mmio@10001000 {",
        "virtio_mmio@10008000 {",
        r#"compatible = "syscon-poweroff";"#,
        "value = <0x7777>;",
    ] {
        assert!(source.contains(line), "{line} is missing in\n{source}");
    }
    for slot in 0..8 {
        let name = format!("virtio_mmio@{:x} {{", 0x1000_1000 + slot * 0x1000);
        let node = source.split(&name).nth(1).and_then(|rest| rest.split("};").next()).expect("each slot");
        assert_eq!(node.contains("status = \"disabled\""), slot != 0 && slot != 7, "slot {slot}: {node}");
    }
}

#[test]
fn equal_seeds_give_equal_trees_and_others_do_not() {
    let with_seed = |seed| DeviceTree { seed, ..tree() }.flatten().expect("a tree");
    assert_eq!(with_seed(7), with_seed(7));
    assert_ne!(with_seed(7), with_seed(8));
    // SplitMix64's published first output for seed 1234567, little-endian in the blob.
    let first = 6_457_827_717_110_365_317u64.to_le_bytes();
    assert!(with_seed(1_234_567).windows(8).any(|window| window == first));
}

#[test]
fn the_header_is_a_flattened_tree() {
    let blob = tree().flatten().expect("a tree");
    assert_eq!(blob[..4], 0xD00D_FEEDu32.to_be_bytes());
    assert_eq!(blob[4..8], (blob.len() as u32).to_be_bytes());
    // Firmware edits the tree where it lies: behind the strings, which are last, there is room.
    let number = |at: usize| u32::from_be_bytes(blob[at..at + 4].try_into().unwrap()) as usize;
    let (strings_at, strings_bytes) = (number(12), number(32));
    let room = blob.len() - (strings_at + strings_bytes);
    assert!(room >= 0x3000, "{room:#x}");
    assert!(blob[blob.len() - room..].iter().all(|byte| *byte == 0));
}

#[test]
fn what_cannot_be_said_is_an_error() {
    let error = |tree: DeviceTree| tree.flatten().expect_err("an error");
    let nul = error(DeviceTree { bootargs: "a\0b".into(), ..tree() });
    assert!(matches!(nul, DeviceTreeError::Nul { field: "bootargs" }));
    let slot = error(DeviceTree { virtio_slots: vec![8], ..tree() });
    assert_eq!(slot.to_string(), "there is no virtio slot 8, only 0 to 7");
    assert!(matches!(error(DeviceTree { harts: 0, ..tree() }), DeviceTreeError::Harts { harts: 0 }));
    assert!(matches!(error(DeviceTree { harts: 65, ..tree() }), DeviceTreeError::Harts { harts: 65 }));
}

#[test]
fn ring_minus_1_is_told_what_the_harts_lack() {
    let names = |features: Features| {
        let blob = DeviceTree { features, ..tree() }.flatten().expect("a tree");
        ["decode-assist", "trap-filter", "visa,without"]
            .map(|name| blob.windows(name.len()).any(|window| window == name.as_bytes()))
    };
    assert_eq!(names(Features::default()), [false, false, false]);
    assert_eq!(names(Features::default().without(Feature::TrapFilter)), [false, true, true]);
    let both = Features::default().without(Feature::TrapFilter).without(Feature::DecodeAssist);
    assert_eq!(names(both), [true, true, true]);
}
