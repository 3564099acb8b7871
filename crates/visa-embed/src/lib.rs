//! A V-ISA machine as a value of a program: the small face of it all.
//!
//! [`MachineOptions`] says what a machine is made of and makes an [`Instance`]: with a program that runs on the bare machine, or with a kernel
//! under visor. It is given input, run for so many instructions or until something happens, looked at, changed, saved and restored. It
//! starts no threads and reads no files and no clock unless it is given one; without the features `host-code` (the JIT) and `mmap` it
//! asks nothing of the host but memory.
//!
//! # A program
//!
//! ```
//! use visa_embed::{End, Image, MachineOptions, Register, RunOutcome};
//!
//! let source = "
//! _start: li   a0, 0
//!         li   t0, 10
//! 1:      add  a0, a0, t0          # 10 + 9 + ... + 1
//!         addi t0, t0, -1
//!         bnez t0, 1b
//!         li   t1, 0x100000        # the finisher: 0x5555 ends the run
//!         li   t2, 0x5555
//!         sw   t2, 0(t1)
//! ";
//! let object = visa_asm::assemble(source, "sum.s", &visa_asm::Options::default()).unwrap();
//! let program = Image::Bytes("sum".into(), object.to_flat().into());
//!
//! let mut instance = MachineOptions::default().program(&program)?;
//! assert_eq!(instance.run(6), RunOutcome::Limit);
//! assert_eq!(instance.register(0, Register::named("a0").unwrap()).unwrap(), 10 + 9);
//! assert_eq!(instance.run(1_000), RunOutcome::Ended(End::Finished(0)));
//! assert_eq!(instance.register(0, Register::Integer(10)).unwrap(), 55);
//! assert_eq!(instance.totals().instructions, instance.instructions());
//! # Ok::<(), visa_embed::BootError>(())
//! ```
//!
//! # The demonstration, under visor
//!
//! ```
//! use visa_embed::{End, Kernel, Mode, MachineOptions, RunOutcome, images};
//!
//! let kernel = Kernel::new(Mode::Demo, images::demo().unwrap(), images::visor().unwrap());
//! let mut instance = MachineOptions::default().kernel(kernel)?;
//! assert_eq!(instance.run(20_000_000), RunOutcome::Ended(End::Finished(0)));
//! let printed = String::from_utf8_lossy(&instance.take_console()).into_owned();
//! assert!(printed.lines().count() > 50);
//! assert!(instance.totals().exits.values().sum::<u64>() > 0);
//! # Ok::<(), visa_embed::BootError>(())
//! ```
//!
//! # Breakpoints and memory
//!
//! ```
//! use visa_embed::{GuestVirtual, Image, MachineOptions, Physical, MemoryPlace, Register, RunOutcome};
//!
//! let source = "
//! _start: la   t0, word
//!         ld   a0, 0(t0)
//! here:   addi a0, a0, 1
//!         sd   a0, 0(t0)
//! 1:      j    1b
//!         .align 3
//! word:   .dword 41
//! ";
//! let object = visa_asm::assemble(source, "word.s", &visa_asm::Options::default()).unwrap();
//! let program = Image::Bytes("word".into(), object.to_elf().into());
//! let mut instance = MachineOptions { memory_bytes: 1 << 20, ..MachineOptions::default() }.program(&program)?;
//!
//! let here = instance.image().symbol("here").unwrap();
//! instance.breakpoints_mut().insert(here);
//! assert_eq!(instance.run(1_000), RunOutcome::Breakpoint { hart: 0 });
//! assert_eq!(instance.register(0, Register::Pc).unwrap(), here);
//!
//! // Registers and memory can be changed; a step goes past the breakpoint.
//! instance.set_register(0, Register::Integer(10), 99).unwrap();
//! assert_eq!(instance.step(0).unwrap(), RunOutcome::Limit);
//! instance.run(2);
//! let word = instance.image().symbol("word").unwrap();
//! let mut bytes = [0; 8];
//! instance.read_memory(MemoryPlace::Physical(Physical(word)), &mut bytes).unwrap();
//! assert_eq!(u64::from_le_bytes(bytes), 100);
//! let place = MemoryPlace::Virtual { hart: 0, address: GuestVirtual(word) };
//! instance.write_memory(place, &7u64.to_le_bytes()).unwrap();
//! assert!(instance.read_memory(MemoryPlace::Physical(Physical(0)), &mut bytes).is_err(), "nothing is there");
//! # Ok::<(), visa_embed::BootError>(())
//! ```
//!
//! # Saved and restored
//!
//! ```
//! use visa_embed::{Kernel, Mode, MachineOptions, images};
//!
//! let kernel = Kernel::new(Mode::Demo, images::demo().unwrap(), images::visor().unwrap());
//! let mut instance = MachineOptions::default().kernel(kernel.clone())?;
//! instance.run(50_000);
//! let snapshot = instance.save().unwrap();
//!
//! instance.run(100_000);
//! let first = (instance.memory_checksum(), instance.totals(), instance.now_ns());
//! instance.restore(&snapshot).unwrap();
//! instance.run(100_000);
//! assert_eq!((instance.memory_checksum(), instance.totals(), instance.now_ns()), first);
//!
//! // Another machine of the same make goes on from there, too.
//! let mut other = MachineOptions::default().kernel(kernel)?;
//! other.restore(&snapshot).unwrap();
//! other.run(100_000);
//! assert_eq!((other.memory_checksum(), other.totals(), other.now_ns()), first);
//! # Ok::<(), visa_embed::BootError>(())
//! ```
//!
//! # Input, and a log of it
//!
//! A machine is a function of what it was made of and of what came from outside. A log of that lets a run happen again.
//!
//! ```
//! use visa_embed::{End, Image, Input, MachineOptions, RunOutcome};
//!
//! let source = "
//! _start: li   s0, 0x10000000      # the serial port
//! 1:      lbu  t0, 5(s0)
//!         andi t0, t0, 1
//!         beqz t0, 1b              # until a byte is there
//!         lbu  t0, 0(s0)
//!         sb   t0, 0(s0)           # which is printed
//!         li   t1, '.'
//!         bne  t0, t1, 1b
//!         li   t1, 0x100000
//!         li   t2, 0x5555
//!         sw   t2, 0(t1)
//! ";
//! let object = visa_asm::assemble(source, "echo.s", &visa_asm::Options::default()).unwrap();
//! let program = Image::Bytes("echo".into(), object.to_flat().into());
//!
//! let mut first = MachineOptions::default().program(&program)?;
//! first.record().unwrap();
//! first.run(1_234);
//! assert_eq!(first.input(&Input::Typed(b"typed".to_vec())), 5);
//! first.run(567);
//! first.type_bytes(b" later.");
//! assert_eq!(first.run(100_000), RunOutcome::Ended(End::Finished(0)));
//! assert_eq!(first.take_console(), b"typed later.");
//! let log = first.take_log().unwrap();
//!
//! let mut second = MachineOptions::default().program(&program)?;
//! assert_eq!(second.replay(&log).unwrap(), RunOutcome::Ended(End::Finished(0)));
//! assert_eq!(second.take_console(), b"typed later.");
//! assert_eq!((second.instructions(), second.memory_checksum()), (first.instructions(), first.memory_checksum()));
//!
//! // A machine of another make refuses it.
//! let mut other = MachineOptions { harts: 2, ..MachineOptions::default() }.program(&program)?;
//! assert!(other.replay(&log).unwrap_err().to_string().contains("the number of harts is 2, not 1"));
//! # Ok::<(), visa_embed::BootError>(())
//! ```
//!
//! # What stays outside
//!
//! [`Instance::machine_mut`] is the way down, for what has no use without knowledge of the machine's inside: cycle models, timelines and
//! events for observers, two engines in lockstep, and slices of a run that a program with a terminal cuts by the host's time. Files, terminals,
//! signals and sockets are the command's; what is on the wire to a debugger, visa-gdb's.
#![forbid(unsafe_code)]

pub mod images;
mod instance;
mod options;
mod register;

pub use instance::{CONSOLE_BYTES, Instance, MemoryError, MemoryPlace, RunOutcome};
pub use options::{Disk, Kernel, MachineOptions};
pub use register::{Register, RegisterError};
pub use visa_core::clock::HostClock;
pub use visa_devices::DiskAccess;
pub use visa_isa::{GuestVirtual, Physical};
pub use visa_machine::boot::{BootError, Image, Mode};
pub use visa_machine::input::{Input, InputLog, ReplayError};
pub use visa_machine::machine::{End, EngineKind, GENERATES_CODE, TimeSource, Totals};
pub use visa_machine::snapshot::{Snapshot, SnapshotError};
pub use visa_state::{Feature, Features};
