//! A small bench on Debian's kernel: the same result twice, the same findings in each mode, and no exits once the kernel
//! is up.
//!
//! Needs what `cargo xtask fetch-debian` makes; without it the test says that it is skipped, unless `VISA_REQUIRE_LINUX`
//! is set.

use std::path::{Path, PathBuf};

use visa_bench::bench::{Bench, Cycles, order};
use visa_bench::report::Report;
use visa_bench::variant::{self, ACCELERATED, NATIVE, SOFTWARE};
use visa_bench::workload::{self, BOOT};
use visa_bench::{html, table};
use visa_cycles::{Parameters, Preset};
use visa_machine::boot::Image;

fn debian() -> Option<PathBuf> {
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/debian/Image");
    if kernel.is_file() && kernel.with_file_name("modules.cpio.gz").is_file() {
        return Some(kernel);
    }
    assert!(std::env::var_os("VISA_REQUIRE_LINUX").is_none(), "no kernel at {}", kernel.display());
    eprintln!("skipped: no kernel in build/debian; `cargo xtask fetch-debian` gets one");
    None
}

fn bench(kernel: &Path) -> Report {
    let modes = [NATIVE, ACCELERATED, SOFTWARE];
    let names = ["compute", "syscall", "fault-recycled", "fork-exec", "pipe", "sleep", "block-read-4k"];
    let preset = Preset::Large;
    let bench = Bench {
        kernel: kernel.into(),
        visor: Image::File(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/images/visor.elf")),
        cycles: Some(Cycles { preset, parameters: Parameters::preset(preset) }),
        variants: variant::all().into_iter().filter(|variant| modes.contains(&variant.name)).collect(),
        runs_again: false,
        orders: names.map(|name| order(workload::find(name).unwrap(), true, None)).to_vec(),
    };
    let runs = bench.run().unwrap();
    let events = (bench.events().unwrap(), bench.visor_exits().unwrap(), Vec::new());
    Report::new(&bench, &runs, events, &[], true).unwrap()
}

/// The report without what depends on the host.
fn reproducible(report: &Report) -> String {
    let mut value = serde_json::to_value(report).unwrap();
    assert!(value.as_object_mut().unwrap().remove("host").is_some());
    value.to_string()
}

#[test]
fn a_bench_is_sound_and_repeats_itself() {
    let Some(kernel) = debian() else { return };
    let report = bench(&kernel);
    assert!(report.is_sound(), "{}", table::render(&report));
    assert!(report.rows.iter().filter(|row| row.workload != BOOT).all(|row| row.checksum.is_some()));
    for row in report.rows.iter().filter(|row| row.variant == ACCELERATED) {
        let exits = row.counts.exits_total();
        assert!(
            if row.workload == BOOT { exits <= 100 } else { exits == 0 },
            "{}: {exits} exits",
            row.workload
        );
        // A quick run is short: a timer tick more or less is seen.
        assert!(row.instructions_ratio.unwrap() < 1.05, "{}: {:?}", row.workload, row.instructions_ratio);
    }
    // By hand: 5,000 calls that return 0, plus one each; 50 sleeps that all came to their end.
    for (workload, checksum) in [("syscall", 5_000), ("sleep", 50)] {
        assert_eq!(report.row(NATIVE, workload).unwrap().checksum, Some(format!("{checksum:016x}")));
    }
    let page = html::render(&report).unwrap();
    assert!(page.matches("<svg").count() >= 6, "the page lacks charts");
    assert!(!page.contains("src=") && !page.contains("href="), "the page needs something else");
    assert_eq!(reproducible(&report), reproducible(&bench(&kernel)));
}
