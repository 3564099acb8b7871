//! The exit as a type: its record and back, of every cause; and VMQUAL by its parts.

use visa_isa::cause::{Exception, ExitCause, interrupt};
use visa_isa::exit::qualification::FIELDS;
use visa_isa::exit::{
    AccessKind, Denied, DeviceAccess, Exit, ExitRecord, InvalidField, MemoryAccess, MsrAccess,
    NestedPageFault, PageFault, PendingInterrupt, PortAccess, Qualification, RaisedException, TlbFlush,
    UnknownExit,
};
use visa_isa::{GuestPhysical, GuestVirtual, Ring};
use visa_isa::{msr, vmcs};

/// Exits of a cause: of each form that the machine raises, with and without decode assist. No two values of one are the same.
fn samples(cause: ExitCause) -> Vec<Exit> {
    let ports = [
        PortAccess { port: 0x3f8, bytes: 1, written: Some(0x41) },
        PortAccess { port: 0xcf8, bytes: 4, written: None },
        PortAccess::default(),
    ];
    let registers = [
        MsrAccess { number: msr::SATP, written: Some(8 << 60 | 0x80123) },
        MsrAccess { number: msr::SSCRATCH, written: None },
        MsrAccess::default(),
    ];
    let accesses = [
        (AccessKind::Fetch, 2, None),
        (AccessKind::Load, 1, None),
        (AccessKind::Store, 8, Some(0x1122_3344_5566_7788)),
        (AccessKind::Atomic, 4, Some(0x99)),
        (AccessKind::Fetch, 0, None),
        (AccessKind::Load, 0, None),
        (AccessKind::Store, 0, None),
    ]
    .map(|(kind, bytes, written)| MemoryAccess {
        guest_virtual: GuestVirtual(0x41_2345_6788),
        bytes,
        kind,
        written,
    });
    let denied = ports[..2]
        .iter()
        .map(|&access| Denied::Port(access))
        .chain(registers[..2].iter().map(|&access| Denied::Msr(access)))
        .chain([Denied::Instruction(0x3_0005), Denied::default()]);
    let exceptions = Exception::ALL.iter().map(|&exception| RaisedException {
        exception,
        trap_value: 0xdead_0000,
        written: 0x77,
    });
    let interrupts = |numbers: &[u32], owner| -> Vec<_> {
        numbers.iter().map(|&number| PendingInterrupt { number, owner }).collect()
    };
    match cause {
        ExitCause::IllegalPrivileged => denied.map(Exit::IllegalPrivileged).collect(),
        ExitCause::VisaInstruction => denied.map(Exit::VisaInstruction).collect(),
        ExitCause::IoAccess => ports.map(Exit::IoAccess).into(),
        ExitCause::PciConfiguration => ports.map(Exit::PciConfiguration).into(),
        ExitCause::ControlRegister => registers.map(Exit::ControlRegister).into(),
        ExitCause::MsrAccess => registers.map(Exit::MsrAccess).into(),
        ExitCause::PageFault => {
            let exceptions = [Exception::FetchPageFault, Exception::LoadPageFault, Exception::StorePageFault];
            let both = exceptions.iter().flat_map(|&exception| accesses.map(|access| (exception, access)));
            both.map(|(exception, access)| Exit::PageFault(PageFault { exception, access })).collect()
        }
        ExitCause::NestedPageFault => {
            let both = [false, true].iter().flat_map(|&of_walk| accesses.map(|access| (of_walk, access)));
            let fault = |(of_walk, access)| NestedPageFault {
                guest_physical: GuestPhysical(0x5000_0788),
                of_walk,
                access,
            };
            both.map(fault).map(Exit::NestedPageFault).collect()
        }
        ExitCause::DeviceAccess => accesses
            .map(|access| DeviceAccess {
                guest_physical: GuestPhysical(0x1000_0788),
                cookie: 0xc00c1e,
                access,
            })
            .map(Exit::DeviceAccess)
            .into(),
        ExitCause::Timer => {
            let mut both = interrupts(&[interrupt::SUPERVISOR_TIMER], Ring::Kernel);
            both.extend(interrupts(&[interrupt::HYPERVISOR_TIMER], Ring::Hypervisor));
            both.into_iter().map(Exit::Timer).collect()
        }
        ExitCause::ExternalInterrupt => {
            let mut both = interrupts(&[interrupt::SUPERVISOR_EXTERNAL], Ring::Kernel);
            both.extend(interrupts(&[interrupt::HYPERVISOR_EXTERNAL], Ring::Hypervisor));
            both.into_iter().map(Exit::ExternalInterrupt).collect()
        }
        ExitCause::SoftwareInterrupt => interrupts(&[interrupt::HYPERVISOR_SOFTWARE], Ring::Hypervisor)
            .into_iter()
            .map(Exit::SoftwareInterrupt)
            .collect(),
        ExitCause::Shutdown => exceptions.map(Exit::Shutdown).collect(),
        ExitCause::Exception => exceptions.map(Exit::Exception).collect(),
        ExitCause::EntryFailure => {
            vmcs::FIELDS.iter().map(|field| Exit::EntryFailure(InvalidField(field.offset))).collect()
        }
        ExitCause::TlbFlush => [
            (None, None),
            (Some(GuestVirtual(0)), None),
            (None, Some(0)),
            (Some(GuestVirtual(0x1000)), Some(7)),
        ]
        .map(|(address, asid)| Exit::TlbFlush(TlbFlush { address, asid }))
        .into(),
        ExitCause::Hypercall => vec![Exit::Hypercall],
        ExitCause::Halt => vec![Exit::Halt],
        ExitCause::VmexitInstruction => vec![Exit::VmexitInstruction],
        ExitCause::SingleStep => vec![Exit::SingleStep],
        ExitCause::DirtyLogFull => vec![Exit::DirtyLogFull],
        ExitCause::Pause => vec![Exit::Pause],
    }
}

#[test]
fn the_record_of_an_exit_is_of_that_exit_and_no_other() {
    let mut records = Vec::<(ExitRecord, Exit)>::new();
    for &cause in ExitCause::ALL {
        for exit in samples(cause) {
            assert_eq!(exit.cause(), cause);
            let record = exit.record();
            assert_eq!(record.cause, cause as u64);
            assert_eq!(Exit::from_record(&record), Ok(exit));
            let twin = records.iter().find(|(other, _)| *other == record);
            assert_eq!(twin, None, "{exit:?}");
            records.push((record, exit));
        }
    }
}

#[test]
fn the_instruction_in_a_record_does_not_change_what_the_exit_is() {
    let instruction = Qualification::of_length(4)
        | Qualification::of_register(11)
        | Qualification::of_ring(Ring::User)
        | Qualification::SIGNED
        | Qualification::FLOAT;
    for exit in ExitCause::ALL.iter().flat_map(|&cause| samples(cause)) {
        let mut record = ExitRecord { instruction: 0x0000_8067, ..exit.record() };
        record.qualification |= instruction;
        assert_eq!(Exit::from_record(&record), Ok(exit));
    }
}

#[test]
fn what_is_no_exit_is_an_error() {
    let number = ExitCause::ALL.last().map_or(0, |&cause| cause as u64 + 1);
    for cause in [0, number, u64::MAX, 1 << 32 | ExitCause::Halt as u64] {
        let record = ExitRecord { cause, ..ExitRecord::default() };
        let error = Exit::from_record(&record).unwrap_err();
        assert_eq!(error, UnknownExit::Cause(cause));
        assert_eq!(error.to_string(), format!("VMCAUSE {cause:#x} is no cause of a VM exit"));
    }
    for cause in [ExitCause::PageFault, ExitCause::Exception, ExitCause::Shutdown] {
        let record = ExitRecord { cause: cause as u64, code: 10, ..ExitRecord::default() };
        assert_eq!(Exit::from_record(&record), Err(UnknownExit::Exception(cause, 10)));
    }
}

/// Each part of VMQUAL: as the tables tell where it is, as it is made, and as it is read.
#[test]
fn a_qualification_is_made_and_read_as_the_tables_say() {
    type Read = fn(Qualification) -> u64;
    let parts: [(&str, Qualification, Read, u64); 12] = [
        ("SIZE", Qualification::of_bytes(8), Qualification::bytes, 8),
        ("WRITE", Qualification::WRITE, |all| all.writes().into(), 1),
        ("SIGNED", Qualification::SIGNED, |all| all.is_signed().into(), 1),
        ("EXECUTE", Qualification::FETCH, |all| all.is_fetch().into(), 1),
        ("FLOAT", Qualification::FLOAT, |all| all.is_float().into(), 1),
        ("WALK", Qualification::WALK, |all| all.is_walk().into(), 1),
        ("READ", Qualification::READ, |all| all.reads().into(), 1),
        ("HOST", Qualification::OF_HYPERVISOR, |all| all.is_of_hypervisor().into(), 1),
        ("REGISTER", Qualification::of_register(21), |all| all.register().into(), 21),
        ("LENGTH", Qualification::of_length(4), Qualification::length, 4),
        ("RING", Qualification::of_ring(Ring::User), |all| all.ring() as u64, Ring::User as u64),
        ("FIELD", Qualification::of_field(0x438), |all| all.field().into(), 0x438),
    ];
    assert_eq!(FIELDS.iter().map(|field| field.name).collect::<Vec<_>>(), parts.map(|(name, ..)| name));
    let all = parts.iter().fold(Qualification::default(), |all, part| all | part.1);
    for ((name, part, read, value), field) in parts.into_iter().zip(FIELDS) {
        assert_eq!(part.bits(), value << field.low, "{name}");
        assert_eq!((read(part), read(all)), (value, value), "{name}");
        let others = Qualification::from_bits(all.bits() & !part.bits());
        assert_eq!(read(others), 0, "{name}");
        assert_eq!(Qualification::from(u64::from(part)), part, "{name}");
    }
}

#[test]
fn a_completion_cuts_and_extends() {
    let of = |bytes, signed: bool| {
        let sign = if signed { Qualification::SIGNED } else { Qualification::default() };
        (Qualification::of_bytes(bytes) | sign).completed(0x8877_6655_c4d3_e2f1)
    };
    assert_eq!(
        [1, 2, 4, 8].map(|bytes| of(bytes, false)),
        [0xf1, 0xe2f1, 0xc4d3_e2f1, 0x8877_6655_c4d3_e2f1]
    );
    let signed = [0xffff_ffff_ffff_fff1, 0xffff_ffff_ffff_e2f1, 0xffff_ffff_c4d3_e2f1, 0x8877_6655_c4d3_e2f1];
    assert_eq!([1, 2, 4, 8].map(|bytes| of(bytes, true)), signed);
    assert_eq!(of(0, false), 0x8877_6655_c4d3_e2f1, "what is no access is whole");
}
