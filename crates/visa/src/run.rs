//! `visa run`: a program on the bare machine.

use std::path::PathBuf;

use clap::Args;
use visa_embed::Image;

use crate::exit::BAD_INPUT;
use crate::launch::{self, Built, Launch};
use crate::numbers::size;
use crate::options::RunOptions;
use crate::source::{self, SourceOptions};
use crate::symbols::Symbols;

/// What `--help` ends with.
pub const EXAMPLES: &str = "\
Examples:
  visa run hello.elf                       run it, with the terminal as its console
  visa run --json - --max-insns 1000000 a.elf
                                           a million instructions at most, then a report as JSON
  visa run -d exec,int -D trace.txt a.elf  every instruction, trap and world switch, in trace.txt
  visa run --engine lockstep a.elf         on JIT and interpreter, side by side
  visa run hello.s                         assemble a source, and run what it becomes
  visa run -S a.elf                        wait for: gdb-multiarch a.elf -ex 'target remote :1234'

On a terminal: Ctrl-A x quits, Ctrl-A c is the monitor, Ctrl-A h shows help.";

/// Runs a program on the bare machine: it starts in Ring -1 with R10 the hart and R11 the device tree.
///
/// FILE is an ELF executable, a flat binary that is placed at 0x80000000, the start of RAM, or a source whose name
/// ends in .s or .S, which is assembled as "visa asm" does it. The program ends the
/// run by a store to the test finisher at 0x100000: 0x5555 passes, (code << 16) | 0x3333 fails with that exit code.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub struct Run {
    /// The program
    file: PathBuf,
    /// Size of RAM
    #[arg(short = 'm', value_name = "SIZE", value_parser = size, default_value = "128M", help_heading = "Machine")]
    memory: u64,
    #[command(flatten)]
    sources: SourceOptions,
    #[command(flatten)]
    options: RunOptions,
}

impl Run {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        let program = match source::is_source(&self.file) {
            true => match source::assemble(&self.file, self.sources.options())? {
                Some(object) => {
                    let elf = object.to_elf_with_lines(&source::directory());
                    Image::Bytes(self.file.display().to_string().into(), elf.into())
                }
                None => return Ok(BAD_INPUT),
            },
            false => Image::File(self.file.clone()),
        };
        let (launch, sink) = Launch::prepare(&self.options)?;
        let images = self.options.open_disks()?;
        let build = || {
            let (disks, changes) = self.options.disks(&images);
            let instance = launch.machine(&self.options, self.memory, disks).program(&program)?;
            Ok(Built { instance, disks: changes })
        };
        let built = build()?;
        let symbols = Symbols::of_program(built.instance.image().clone());
        launch::finish((&launch, sink), built, &build, symbols, &self.options, "bare")
    }
}
