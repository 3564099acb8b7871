use super::*;
use crate::ending;
use crate::guest::memory::Region;

/// Three harts, of which the second is stopped, and 16 bytes of memory at guest-physical 0x4000_0000.
struct Mock {
    timer: u64,
    pending: bool,
    interrupted: Vec<usize>,
    fenced: Vec<(usize, Fence)>,
    states: [HartState; 3],
    started: Vec<(usize, Start)>,
    printed: Vec<u8>,
    typed: Vec<u8>,
    memory: [Region; 1],
    bytes: [u8; 16],
}

const PHYSICAL: u64 = 0x8000_0000;
const GUEST: u64 = 0x4000_0000;
/// Added to guest-physical addresses: where the kernel has them.
const VIRTUAL: u64 = 0xffff_ffc0_0000_0000;

impl Mock {
    fn new() -> Mock {
        Mock {
            timer: 0,
            pending: false,
            interrupted: vec![],
            fenced: vec![],
            states: [HartState::Started, HartState::Stopped, HartState::Suspended],
            started: vec![],
            printed: vec![],
            typed: vec![],
            memory: [Region { guest: GUEST, physical: PHYSICAL, length: 16 }],
            bytes: *b"0123456789abcdef",
        }
    }

    fn call(&mut self, extension: u64, function: u64, arguments: &[u64]) -> Outcome {
        let mut call = Call { extension, function, arguments: [0; 5] };
        call.arguments[..arguments.len()].copy_from_slice(arguments);
        super::call(self, &call)
    }
}

impl Environment for Mock {
    fn hart(&self) -> usize {
        0
    }
    fn harts(&self) -> usize {
        3
    }
    fn memory(&self) -> &[Region] {
        &self.memory
    }
    fn set_timer(&mut self, time: u64) {
        self.timer = time;
    }
    fn interrupt(&mut self, harts: HartSet) {
        self.interrupted.extend(harts.iter());
    }
    fn clear_interrupt(&mut self) -> bool {
        std::mem::take(&mut self.pending)
    }
    fn fence(&mut self, harts: HartSet, fence: Fence) {
        self.fenced.extend(harts.iter().map(|hart| (hart, fence)));
    }
    fn state(&self, hart: usize) -> HartState {
        self.states[hart]
    }
    fn start(&mut self, hart: usize, start: Start) -> bool {
        self.started.push((hart, start));
        true
    }
    fn write_console(&mut self, byte: u8) {
        self.printed.push(byte);
    }
    fn read_console(&mut self) -> Option<u8> {
        self.typed.pop()
    }
    fn locate(&self, address: u64) -> Option<u64> {
        crate::guest::memory::translate(&self.memory, address.checked_sub(VIRTUAL)?, 1)
    }
    fn load(&self, physical: u64) -> u8 {
        self.bytes[(physical - PHYSICAL) as usize]
    }
    fn store(&mut self, physical: u64, value: u8) {
        self.bytes[(physical - PHYSICAL) as usize] = value;
    }
}

const OK: Outcome = Outcome::Return(Ok(0));

fn value(value: u64) -> Outcome {
    Outcome::Return(Ok(value))
}

fn error(error: SbiError) -> Outcome {
    Outcome::Return(Err(error))
}

#[test]
fn base_says_version_2_0_and_what_there_is() {
    let mut on = Mock::new();
    assert_eq!(on.call(0x10, 0, &[]), value(0x0200_0000));
    assert_eq!(on.call(0x10, 1, &[]), value(u64::from(u32::from_be_bytes(*b"VISA"))));
    let present: [&[u8]; 6] = [b"TIME", b"sPI", b"RFNC", b"HSM", b"SRST", b"DBCN"];
    for name in present {
        let number = name.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        assert_eq!(on.call(0x10, 3, &[number]), value(1), "{number:#x}");
    }
    for legacy in 0..=8 {
        assert_eq!(on.call(0x10, 3, &[legacy]), value(1), "{legacy}");
    }
    // SUSP, and the first number behind the legacy ones.
    assert_eq!(on.call(0x10, 3, &[0x5355_5350]), value(0));
    assert_eq!(on.call(0x10, 3, &[9]), value(0));
    assert_eq!(on.call(0x10, 7, &[]), error(SbiError::NotSupported));
    assert_eq!(on.call(0x5355_5350, 0, &[]), error(SbiError::NotSupported));
    assert_eq!(on.call(u64::MAX, u64::MAX, &[]), error(SbiError::NotSupported));
}

#[test]
fn the_timer_is_set() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::TIME, 0, &[12345]), OK);
    assert_eq!(on.timer, 12345);
    assert_eq!(on.call(extension::TIME, 1, &[1]), error(SbiError::NotSupported));
}

#[test]
fn hart_masks_name_harts_that_exist() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::IPI, 0, &[0b101, 0]), OK);
    assert_eq!(on.interrupted, [0, 2]);
    on.interrupted.clear();
    assert_eq!(on.call(extension::IPI, 0, &[0b11, 1]), OK);
    assert_eq!(on.interrupted, [1, 2]);
    on.interrupted.clear();
    assert_eq!(on.call(extension::IPI, 0, &[0, u64::MAX]), OK);
    assert_eq!(on.interrupted, [0, 1, 2], "a base of -1 is all harts");
    on.interrupted.clear();
    for (mask, base) in [(0b1000, 0), (1, 3), (1, 64), (1 << 63, 1), (u64::MAX, 0), (1, u64::MAX - 1)] {
        assert_eq!(on.call(extension::IPI, 0, &[mask, base]), error(SbiError::InvalidParameter), "{mask:#x}");
    }
    assert_eq!(on.interrupted, [], "a call that fails does nothing");
}

#[test]
fn remote_fences_are_of_two_kinds() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::RFENCE, 0, &[1, 0]), OK);
    assert_eq!(on.call(extension::RFENCE, 1, &[2, 0, 0x1000, 0x1000]), OK);
    assert_eq!(on.call(extension::RFENCE, 2, &[4, 0, 0x1000, 0x1000, 7]), OK);
    assert_eq!(on.fenced, [(0, Fence::Instructions), (1, Fence::Translations), (2, Fence::Translations)]);
    assert_eq!(on.call(extension::RFENCE, 3, &[1, 0]), error(SbiError::NotSupported));
}

#[test]
fn harts_start_stop_and_tell_their_state() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::HSM, 0, &[1, GUEST + 4, 77]), OK);
    assert_eq!(on.started, [(1, Start { entry: GUEST + 4, opaque: 77 })]);
    assert_eq!(on.call(extension::HSM, 0, &[0, GUEST, 0]), error(SbiError::AlreadyAvailable));
    assert_eq!(on.call(extension::HSM, 0, &[2, GUEST, 0]), error(SbiError::AlreadyAvailable));
    assert_eq!(on.call(extension::HSM, 0, &[3, GUEST, 0]), error(SbiError::InvalidParameter));
    for address in [GUEST - 2, GUEST + 16, GUEST + 1, PHYSICAL, u64::MAX] {
        assert_eq!(
            on.call(extension::HSM, 0, &[1, address, 0]),
            error(SbiError::InvalidAddress),
            "{address:#x}"
        );
    }
    assert_eq!(on.call(extension::HSM, 1, &[]), Outcome::Stop);
    assert_eq!(on.call(extension::HSM, 2, &[1]), value(1));
    assert_eq!(on.call(extension::HSM, 2, &[2]), value(4));
    assert_eq!(on.call(extension::HSM, 2, &[3]), error(SbiError::InvalidParameter));
}

#[test]
fn harts_suspend() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::HSM, 3, &[0, 0, 0]), Outcome::Suspend);
    let start = Start { entry: GUEST, opaque: 9 };
    assert_eq!(on.call(extension::HSM, 3, &[0x8000_0000, GUEST, 9]), Outcome::SuspendAndStart(start));
    // A kernel passes the type as a sign-extended 32-bit number.
    assert_eq!(
        on.call(extension::HSM, 3, &[0xffff_ffff_8000_0000, GUEST, 9]),
        Outcome::SuspendAndStart(start)
    );
    assert_eq!(on.call(extension::HSM, 3, &[0x8000_0000, 0, 9]), error(SbiError::InvalidAddress));
    assert_eq!(on.call(extension::HSM, 3, &[1, 0, 0]), error(SbiError::InvalidParameter));
    assert_eq!(on.call(extension::HSM, 3, &[0x1000_0000, 0, 0]), error(SbiError::NotSupported));
}

#[test]
fn a_reset_ends_the_machine_with_a_code() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::SRST, 0, &[0, 0]), Outcome::End(0x5555));
    assert_eq!(on.call(extension::SRST, 0, &[0, 1]), Outcome::End(0x0001_3333));
    assert_eq!(on.call(extension::SRST, 0, &[1, 0]), Outcome::End(0x7777));
    assert_eq!(on.call(extension::SRST, 0, &[2, 1]), Outcome::End(ending::RESET));
    assert_eq!(on.call(extension::SRST, 0, &[3, 0]), error(SbiError::InvalidParameter));
    assert_eq!(on.call(extension::SRST, 0, &[0, 2]), error(SbiError::InvalidParameter));
    assert_eq!(on.call(extension::SRST, 0, &[0xf000_0000, 0]), error(SbiError::NotSupported));
    assert_eq!(on.call(extension::SRST, 0, &[0, 0xe000_0000]), error(SbiError::NotSupported));
    assert_eq!(on.call(extension::SRST, 1, &[0, 0]), error(SbiError::NotSupported));
}

#[test]
fn the_console_takes_bytes_of_the_guests_memory_alone() {
    let mut on = Mock::new();
    assert_eq!(on.call(extension::DBCN, 0, &[4, GUEST + 8, 0]), value(4));
    assert_eq!(on.printed, b"89ab");
    assert_eq!(on.call(extension::DBCN, 0, &[0, GUEST, 0]), value(0));
    for (length, low, high) in
        [(17, GUEST, 0), (1, GUEST + 16, 0), (1, PHYSICAL, 0), (1, GUEST, 1), (u64::MAX, GUEST, 0)]
    {
        assert_eq!(on.call(extension::DBCN, 0, &[length, low, high]), error(SbiError::InvalidParameter));
        assert_eq!(on.call(extension::DBCN, 1, &[length, low, high]), error(SbiError::InvalidParameter));
    }
    on.typed = b"ih".to_vec();
    assert_eq!(on.call(extension::DBCN, 1, &[8, GUEST, 0]), value(2), "what was typed, no more");
    assert_eq!(&on.bytes[..3], b"hi2");
    assert_eq!(on.call(extension::DBCN, 2, &[0x141]), OK);
    assert_eq!(on.printed.last(), Some(&0x41));
    assert_eq!(on.call(extension::DBCN, 3, &[]), error(SbiError::NotSupported));
}

#[test]
fn legacy_calls_return_one_value() {
    let mut on = Mock::new();
    assert_eq!(on.call(1, 0, &[b'x'.into()]), Outcome::Legacy(0));
    assert_eq!(on.printed, b"x");
    assert_eq!(on.call(2, 0, &[]), Outcome::Legacy(-1));
    on.typed = vec![7];
    assert_eq!(on.call(2, 0, &[]), Outcome::Legacy(7));
    assert_eq!(on.call(0, 99, &[12345]), Outcome::Legacy(0), "the function means nothing here");
    assert_eq!(on.timer, 12345);
    assert_eq!(on.call(3, 0, &[]), Outcome::Legacy(0));
    on.pending = true;
    assert_eq!(on.call(3, 0, &[]), Outcome::Legacy(1));
    assert_eq!(on.call(3, 0, &[]), Outcome::Legacy(0));
    assert_eq!(on.call(8, 0, &[]), Outcome::End(ending::PASS));
}

#[test]
fn legacy_calls_for_other_harts_have_their_mask_in_memory() {
    let mut on = Mock::new();
    on.bytes = [0; 16];
    // Harts 0 and 2, and one that is not there; not aligned.
    on.bytes[3] = 0b1000_0101;
    let mask = VIRTUAL + GUEST + 3;
    assert_eq!(on.call(4, 0, &[mask]), Outcome::Legacy(0));
    assert_eq!(on.interrupted, [0, 2]);
    for (number, fence) in [(5, Fence::Instructions), (6, Fence::Translations), (7, Fence::Translations)] {
        on.fenced.clear();
        assert_eq!(on.call(number, 0, &[mask, 0x1000, 0x1000, 3]), Outcome::Legacy(0));
        assert_eq!(on.fenced, [(0, fence), (2, fence)]);
    }
    on.interrupted.clear();
    assert_eq!(on.call(4, 0, &[0]), Outcome::Legacy(0));
    assert_eq!(on.interrupted, [0, 1, 2], "no mask is all harts");
    on.interrupted.clear();
    for address in [GUEST, VIRTUAL + GUEST - 1, VIRTUAL + GUEST + 9, u64::MAX] {
        assert_eq!(
            on.call(4, 0, &[address]),
            Outcome::Legacy(SbiError::InvalidAddress as i64),
            "{address:#x}"
        );
    }
    assert_eq!(on.interrupted, [], "a call that fails does nothing");
}
