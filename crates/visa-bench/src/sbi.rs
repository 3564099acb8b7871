//! The calls of the RISC-V Supervisor Binary Interface by name (SBI specification 2.0), for traces and timelines.

/// An extension: its number, its name, and the names of its functions from 0 on.
struct Extension {
    number: u64,
    name: &'static str,
    functions: &'static [&'static str],
}

const fn extension(number: u64, name: &'static str, functions: &'static [&'static str]) -> Extension {
    Extension { number, name, functions }
}

/// The legacy extensions (chapter 5), which have no functions, and the others in the order of the specification.
const EXTENSIONS: &[Extension] = &[
    extension(0, "legacy set_timer", &[]),
    extension(1, "legacy console_putchar", &[]),
    extension(2, "legacy console_getchar", &[]),
    extension(3, "legacy clear_ipi", &[]),
    extension(4, "legacy send_ipi", &[]),
    extension(5, "legacy remote_fence_i", &[]),
    extension(6, "legacy remote_sfence_vma", &[]),
    extension(7, "legacy remote_sfence_vma_asid", &[]),
    extension(8, "legacy shutdown", &[]),
    extension(
        0x10,
        "BASE",
        &[
            "get_spec_version",
            "get_impl_id",
            "get_impl_version",
            "probe_extension",
            "get_mvendorid",
            "get_marchid",
            "get_mimpid",
        ],
    ),
    extension(0x5449_4D45, "TIME", &["set_timer"]),
    extension(0x0073_5049, "IPI", &["send_ipi"]),
    extension(
        0x5246_4E43,
        "RFENCE",
        &[
            "remote_fence_i",
            "remote_sfence_vma",
            "remote_sfence_vma_asid",
            "remote_hfence_gvma_vmid",
            "remote_hfence_gvma",
            "remote_hfence_vvma_asid",
            "remote_hfence_vvma",
        ],
    ),
    extension(0x0048_534D, "HSM", &["hart_start", "hart_stop", "hart_get_status", "hart_suspend"]),
    extension(0x5352_5354, "SRST", &["system_reset"]),
    extension(0x0050_4D55, "PMU", &[]),
    extension(0x4442_434E, "DBCN", &["console_write", "console_read", "console_write_byte"]),
    extension(0x5355_5350, "SUSP", &["system_suspend"]),
    extension(0x4350_5043, "CPPC", &["probe", "read", "read_hi", "write"]),
    extension(0x4E41_434C, "NACL", &[]),
    extension(0x0053_5441, "STA", &["steal_time_set_shmem"]),
];

/// The call with an extension's number (R17, a7) and a function's (R16, a6), if the specification has that extension.
pub fn name(number: u64, function: u64) -> Option<String> {
    let extension = EXTENSIONS.iter().find(|extension| extension.number == number)?;
    let known = usize::try_from(function).ok().and_then(|index| extension.functions.get(index));
    Some(match known {
        Some(known) => format!("{} {known}", extension.name),
        None if extension.name.starts_with("legacy") => extension.name.into(),
        None => format!("{} function {function}", extension.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_names_of_the_specification() {
        assert_eq!(name(0x4442_434E, 2).as_deref(), Some("DBCN console_write_byte"));
        assert_eq!(name(0x5449_4D45, 0).as_deref(), Some("TIME set_timer"));
        assert_eq!(name(1, 99).as_deref(), Some("legacy console_putchar"));
        assert_eq!(name(0x0048_534D, 77).as_deref(), Some("HSM function 77"));
        assert_eq!(name(0x10, u64::MAX).as_deref(), Some("BASE function 18446744073709551615"));
        assert_eq!(name(0x1234_5678, 0), None);
        // An extension's number is its name in ASCII, where it is no legacy one and not the base.
        for extension in EXTENSIONS.iter().filter(|extension| extension.number > 0x10) {
            let bytes = extension.number.to_be_bytes();
            let ascii: String = bytes.iter().filter(|byte| **byte != 0).map(|byte| *byte as char).collect();
            let expected = match extension.name {
                "IPI" => "sPI",
                "RFENCE" => "RFNC",
                other => other,
            };
            assert_eq!(ascii, expected);
        }
    }
}
