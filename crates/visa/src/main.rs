//! The visa command.
use visa_machine::boot::{self, Hardware};
use visa_machine::machine::{Progress, TimeSource};

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(2).unwrap_or_default();
    let hardware = Hardware { harts: 1, start_time_ns: 0, time: TimeSource::Instructions };
    let mut board = hardware.board(64 << 20)?;
    board.set_console_output(Box::new(std::io::stdout()));
    let mut ready = boot::bare(&hardware, board, std::path::Path::new(&path), 0)?;
    let started = std::time::Instant::now();
    loop {
        match ready.machine.run_slice(10_000_000, u64::MAX) {
            Progress::Running => {}
            other => {
                eprintln!("{other:?} {:?} {:?}", ready.machine.totals(), started.elapsed());
                std::process::exit(if other == Progress::Ended(visa_machine::machine::End::Finished(0)) { 0 } else { 1 });
            }
        }
    }
}
