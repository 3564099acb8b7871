//! A timeline for Perfetto and chrome://tracing: for each hart a track for each ring, with every hypervisor interval under
//! the name of the exit that it began with.
//!
//! The format is Chrome's trace-event JSON, complete events ("X") with times in microseconds. A nanosecond on the screen
//! is a retired instruction, or a modelled cycle. Events are written as they come, so a long run needs no memory; its file
//! grows by some 100 bytes for each change of rings and 200 for each exit. Times are whole nanoseconds, written in
//! decimal: what ends and what begins at the same moment have the same time, and nothing overlaps.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use visa_core::Entered;
use visa_core::timeline::{Change, Moment};
use visa_isa::exit::{Exit, ExitRecord};
use visa_isa::{Ring, msr};

use crate::sbi;

/// Rings as tracks, in the order in which they are shown.
const TRACKS: [(Ring, u32); 3] = [(Ring::User, 1), (Ring::Kernel, 2), (Ring::Hypervisor, 3)];

/// Who is in Rings 3, 0 and -1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tenants {
    /// A kernel and its programs, in a virtual machine or not, above a hypervisor or firmware.
    KernelBelowPrograms,
    /// A hypervisor in Ring 0 and all of its guest in Ring 3.
    SoftwareOnly,
}

impl Tenants {
    /// The name of a ring's track.
    const fn track_name(self, ring: Ring) -> &'static str {
        match (self, ring) {
            (Tenants::KernelBelowPrograms, Ring::User) => "Ring 3 (guest programs)",
            (Tenants::KernelBelowPrograms, Ring::Kernel) => "Ring 0 (guest kernel)",
            (Tenants::KernelBelowPrograms, Ring::Hypervisor) => "Ring -1 (hypervisor)",
            (Tenants::SoftwareOnly, Ring::User) => "Ring 3 (guest: kernel and programs)",
            (Tenants::SoftwareOnly, Ring::Kernel) => "Ring 0 (hypervisor, software-only)",
            (Tenants::SoftwareOnly, Ring::Hypervisor) => "Ring -1 (firmware)",
        }
    }
}

/// What a nanosecond on the screen is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Axis {
    /// A retired instruction.
    Instructions,
    /// A modelled cycle.
    Cycles,
}

/// Writes a timeline, moment by moment.
pub struct TimelineWriter<W: Write> {
    out: W,
    axis: Axis,
    harts: Vec<Interval>,
}

/// What a hart does since the last moment.
#[derive(Clone, Copy)]
struct Interval {
    ring: Ring,
    /// The ring that the guest goes on in.
    guest: Ring,
    /// The exit that a hypervisor interval began with, and the guest's R17 and R16 then.
    exit: Option<(ExitRecord, [u64; 2])>,
    /// Who was entered last.
    entered: Option<Entered>,
    since: Moment,
}

impl<W: Write> TimelineWriter<W> {
    /// A timeline of so many harts, all of them just reset.
    pub fn new(mut out: W, harts: usize, axis: Axis, tenants: Tenants) -> io::Result<Self> {
        let unit = match axis {
            Axis::Instructions => "retired instruction",
            Axis::Cycles => "modelled cycle",
        };
        writeln!(
            out,
            "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"nanosecond\":\"{unit}\"}},\"traceEvents\":["
        )?;
        for hart in 0..harts {
            let process = process(hart);
            let name = format!("hart {hart}");
            metadata(&mut out, process, 0, "process_name", json!({ "name": name }))?;
            metadata(&mut out, process, 0, "process_sort_index", json!({ "sort_index": hart }))?;
            for (ring, track) in TRACKS {
                let name = tenants.track_name(ring);
                metadata(&mut out, process, track, "thread_name", json!({ "name": name }))?;
                metadata(&mut out, process, track, "thread_sort_index", json!({ "sort_index": track }))?;
            }
        }
        let reset = Interval {
            ring: Ring::Hypervisor,
            guest: Ring::Kernel,
            exit: None,
            entered: None,
            since: Moment { instructions: 0, millicycles: 0, change: Change::Enter(Entered::default()) },
        };
        Ok(TimelineWriter { out, axis, harts: vec![reset; harts] })
    }

    /// Adds what a hart's timeline holds.
    pub fn add(&mut self, hart: usize, moments: &[Moment]) -> io::Result<()> {
        for moment in moments {
            self.end_interval(hart, moment)?;
            let Some(interval) = self.harts.get_mut(hart) else { return Ok(()) };
            interval.since = *moment;
            match moment.change {
                Change::Exit { record, call } => {
                    (interval.ring, interval.guest, interval.exit) =
                        (Ring::Hypervisor, record.qualification.ring(), Some((record, call)));
                }
                Change::Enter(entered) => {
                    (interval.ring, interval.exit, interval.entered) = (interval.guest, None, Some(entered));
                }
                Change::Ring(ring) => (interval.ring, interval.guest) = (ring, ring),
            }
        }
        Ok(())
    }

    /// Ends the timeline: what the harts have done by now, in the order of their numbers.
    pub fn finish(mut self, now: &[(u64, u64)]) -> io::Result<W> {
        for (hart, &(instructions, millicycles)) in now.iter().enumerate() {
            let change = Change::Enter(Entered::default());
            self.end_interval(hart, &Moment { instructions, millicycles, change })?;
        }
        // The format has no comma behind the last event.
        let last = json!({"ph": "M", "pid": process(0), "tid": 0, "name": "process_labels", "args": {"labels": "V-ISA"}});
        writeln!(self.out, "{last}]}}")?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes the slice that a moment ends, unless it is empty.
    fn end_interval(&mut self, hart: usize, moment: &Moment) -> io::Result<()> {
        let Some(interval) = self.harts.get(hart) else { return Ok(()) };
        let (start, end) = (self.nanoseconds(&interval.since), self.nanoseconds(moment));
        let track = TRACKS.iter().find(|(ring, _)| *ring == interval.ring).map_or(0, |(_, track)| *track);
        // An exit is shown even if nothing retired before the next entry.
        if end <= start && interval.exit.is_none() {
            return Ok(());
        }
        let name = match (&interval.exit, interval.ring) {
            (Some((record, _)), _) => cause_name(record),
            (None, Ring::Hypervisor) => "start",
            (None, ring) => ring.name(),
        };
        let times =
            format!("\"ts\":{},\"dur\":{}", Microseconds(start), Microseconds(end.saturating_sub(start)));
        let process = process(hart);
        write!(
            self.out,
            "{{\"ph\":\"X\",\"pid\":{process},\"tid\":{track},{times},\"name\":{}",
            json!(name)
        )?;
        if let Some((record, call)) = &interval.exit {
            let mut fields = fields(record, moment.instructions - interval.since.instructions);
            name_guest(&mut fields, interval.entered);
            let is_call = Exit::from_record(record) == Ok(Exit::Hypercall);
            if let Some(name) = sbi::name(call[0], call[1]).filter(|_| is_call) {
                fields.insert("SBI".into(), name.into());
            }
            write!(self.out, ",\"cat\":\"exit\",\"args\":{}", Value::Object(fields))?;
        } else if interval.ring != Ring::Hypervisor && interval.entered.is_some() {
            let mut fields = Map::new();
            name_guest(&mut fields, interval.entered);
            write!(self.out, ",\"cat\":\"guest\",\"args\":{}", Value::Object(fields))?;
        }
        writeln!(self.out, "}},")
    }

    fn nanoseconds(&self, moment: &Moment) -> u64 {
        match self.axis {
            Axis::Instructions => moment.instructions,
            Axis::Cycles => moment.millicycles / 1000,
        }
    }
}

/// A hart as a process. Zero would be the idle process of the system that is looked at.
fn process(hart: usize) -> usize {
    hart + 1
}

/// A time in nanoseconds, as the format's microseconds, exactly.
struct Microseconds(u64);

impl fmt::Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn metadata(
    out: &mut impl Write,
    process: usize,
    track: u32,
    name: &str,
    arguments: Value,
) -> io::Result<()> {
    let event = json!({"ph": "M", "pid": process, "tid": track, "name": name, "args": arguments});
    writeln!(out, "{event},")
}

fn cause_name(record: &ExitRecord) -> &'static str {
    Exit::from_record(record).map_or("unknown cause", |exit| exit.cause().name())
}

/// Whose interval it is: the VM, and the virtual CPU of it.
fn name_guest(fields: &mut Map<String, Value>, entered: Option<Entered>) {
    if let Some(Entered { vmcs, vmid, virtual_cpu }) = entered {
        fields.insert("VM".into(), vmid.into());
        fields.insert("virtual CPU".into(), virtual_cpu.into());
        fields.insert("VMCS".into(), format!("{vmcs:#x}").into());
    }
}

/// The exit record, decoded. What the exit does not define is zero, and left out.
fn fields(record: &ExitRecord, instructions: u64) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.into(), value));
    put("instructions in Ring -1", instructions.into());
    put("from", record.qualification.ring().name().into());
    let decoded = record.qualification;
    if decoded.bytes() != 0 {
        put("bytes", decoded.bytes().into());
    }
    let flags = [
        (decoded.reads(), "read"),
        (decoded.writes(), "write"),
        (decoded.is_fetch(), "fetch"),
        (decoded.is_walk(), "walk"),
        (decoded.is_signed(), "signed"),
        (decoded.is_float(), "float"),
        (decoded.is_of_hypervisor(), "of Ring -1"),
    ];
    let flags: Vec<&str> = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
    if !flags.is_empty() {
        put("access", flags.join(" ").into());
    }
    if let Some((name, value)) = number(record) {
        put(name, value.into());
    }
    if record.instruction != 0 {
        let text = visa_asm::format_instruction(record.instruction as u32, 0);
        put("disassembled", text.split_whitespace().collect::<Vec<_>>().join(" ").into());
    }
    let values = [
        ("instruction", record.instruction),
        ("guest-virtual", record.guest_virtual),
        ("guest-physical", record.guest_physical),
        ("value", record.value),
        ("cookie", record.cookie),
    ];
    values
        .into_iter()
        .filter(|(_, value)| *value != 0)
        .for_each(|(name, value)| put(name, format!("{value:#x}").into()));
    fields
}

/// What VMCODE is, under its name.
fn number(record: &ExitRecord) -> Option<(&'static str, String)> {
    let plain = || (record.code != 0).then(|| ("code", format!("{:#x}", record.code)));
    let Ok(exit) = Exit::from_record(record) else { return plain() };
    match exit {
        Exit::MsrAccess(access) | Exit::ControlRegister(access) => {
            msr::by_number(access.number).map(|msr| ("MSR", msr.name.into()))
        }
        Exit::IoAccess(access) | Exit::PciConfiguration(access) => {
            Some(("port", format!("{:#x}", access.port)))
        }
        Exit::PageFault(fault) => Some(("exception", fault.exception.name().into())),
        Exit::Exception(raised) => Some(("exception", raised.exception.name().into())),
        Exit::IllegalPrivileged(_)
        | Exit::VisaInstruction(_)
        | Exit::Timer(_)
        | Exit::ExternalInterrupt(_)
        | Exit::SoftwareInterrupt(_)
        | Exit::Shutdown(_)
        | Exit::TlbFlush(_) => plain(),
        Exit::Hypercall
        | Exit::NestedPageFault(_)
        | Exit::Halt
        | Exit::DeviceAccess(_)
        | Exit::VmexitInstruction
        | Exit::EntryFailure(_)
        | Exit::SingleStep
        | Exit::DirtyLogFull
        | Exit::Pause => None,
    }
}

#[cfg(test)]
mod tests {
    use visa_isa::exit::{PortAccess, Qualification};

    use super::*;

    #[test]
    fn slices_lie_on_the_tracks_of_their_rings() {
        let at = |instructions, change| Moment { instructions, millicycles: 0, change };
        let access = PortAccess { port: 0x3f8, bytes: 1, written: Some(0x41) };
        let mut record = Exit::IoAccess(access).record();
        record.qualification |= Qualification::of_ring(Ring::User);
        let mut writer =
            TimelineWriter::new(Vec::new(), 1, Axis::Instructions, Tenants::KernelBelowPrograms).unwrap();
        let enter = Change::Enter(Entered { vmcs: 0x8000_1000, vmid: 7, virtual_cpu: 2 });
        let exit = Change::Exit { record, call: [0x5449_4D45, 0] };
        writer.add(0, &[at(1000, enter), at(3000, Change::Ring(Ring::User))]).unwrap();
        writer.add(0, &[at(4000, exit), at(4050, enter)]).unwrap();
        let bytes = writer.finish(&[(6000, 0)]).unwrap();
        let trace: Value = serde_json::from_slice(&bytes).unwrap();
        let slices: Vec<_> =
            trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
        let shown: Vec<_> = slices
            .iter()
            .map(|slice| {
                let number = |field: &str| (slice[field].as_f64().unwrap() * 1e3).round() / 1e3;
                (slice["name"].as_str().unwrap(), number("tid") as u32, number("ts"), number("dur"))
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("start", 3, 0.0, 1.0),
                ("Ring 0", 2, 1.0, 2.0),
                ("Ring 3", 1, 3.0, 1.0),
                ("io-access", 3, 4.0, 0.05),
                ("Ring 3", 1, 4.05, 1.95),
            ]
        );
        let arguments = &slices[3]["args"];
        assert_eq!(arguments["port"], "0x3f8");
        assert_eq!(arguments["access"], "write");
        assert_eq!(arguments["value"], "0x41");
        assert_eq!(arguments["instructions in Ring -1"], 50);
        for slice in &slices[1..] {
            assert_eq!((&slice["args"]["VM"], &slice["args"]["virtual CPU"]), (&7.into(), &2.into()));
        }
        assert!(arguments["SBI"].is_null(), "it is no call");
        assert!(slices[0]["args"].is_null(), "nobody was entered yet");
    }
}
