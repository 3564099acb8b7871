//! What holds of every device of the board's lists, whatever it is: a line there is all that these tests need to know of it.

use proptest::prelude::*;
use visa_devices::{LoadError, Model};
use visa_machine::memory_map::{MEMORY_MAP, Make, PORT_MAP};
use visa_mem::AccessSize;

/// All devices, with a name and the length of their windows.
fn devices() -> Vec<(&'static str, u64, Make)> {
    let windows = MEMORY_MAP.iter().map(|region| (region.name, region.size, region.make));
    windows.chain(PORT_MAP.iter().map(|ports| ("ports", ports.count.into(), ports.make))).collect()
}

/// An access: a place, which is made one of the window, how large, and what is written, if something is.
type Access = (u64, AccessSize, Option<u64>);

fn accesses() -> impl Strategy<Value = Vec<Access>> {
    // Most registers are near the start, words, and take small numbers.
    let place = prop_oneof![6 => (0..64u64).prop_map(|word| word * 4), 2 => 0..256u64, 1 => any::<u64>()];
    let size = prop_oneof![
        4 => Just(AccessSize::Word), 3 => Just(AccessSize::Byte), 1 => Just(AccessSize::Half), 1 => Just(AccessSize::Double)
    ];
    let value = prop_oneof![0..256u64, any::<u64>()];
    prop::collection::vec((place, size, prop::option::of(value)), 0..100)
}

/// What an access gives, and what can be seen then.
fn apply(device: &mut dyn Model, window: u64, (place, size, write): Access) -> String {
    let offset = place % window;
    let peeked = device.peek(offset, size);
    let got = match write {
        Some(value) => device.write(offset, size, value).ok().map(|()| 0),
        None => {
            let read = device.read(offset, size).ok();
            assert!(peeked.is_none() || peeked == read, "a look gives what a read does");
            read
        }
    };
    format!("{got:x?} {} {:?} {:?}", device.interrupt(), device.until_event_ns(), device.needs_service())
}

fn apply_all(device: &mut dyn Model, window: u64, accesses: &[Access]) {
    accesses.iter().for_each(|access| _ = apply(device, window, *access));
}

proptest! {
    #[test]
    fn one_that_takes_anothers_state_goes_on_as_that_does(
        before in accesses(), after in accesses(), now_ns in any::<u64>(),
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        for (name, window, make) in devices() {
            let (mut device, mut copy) = (make(2), make(2));
            apply_all(&mut *device, window, &before);
            device.set_time_ns(now_ns);
            let saved = device.save();
            // Something that the state must replace.
            apply_all(&mut *copy, window, &after);
            copy.load(&saved).unwrap();
            prop_assert_eq!(&copy.save(), &saved, "{}", name);
            for access in &after {
                let expected = apply(&mut *device, window, *access);
                prop_assert_eq!(apply(&mut *copy, window, *access), expected, "{} {:x?}", name, access);
            }
            prop_assert_eq!(copy.save(), device.save(), "{}", name);
            // A reset leaves nothing of it, and what it says of itself is always the same.
            prop_assert_eq!(copy.describe(), make(2).describe(), "{}", name);
            copy.reset();
            copy.set_time_ns(0);
            let mut new = make(2);
            new.set_time_ns(0);
            prop_assert_eq!(copy.save(), new.save(), "{}", name);
            // Bytes that are no state are refused, and change nothing; whatever is not refused can be lived with.
            for length in 0..saved.len() {
                let refused = device.load(&saved[..length]);
                prop_assert!(matches!(refused, Err(LoadError::Malformed { .. })), "{}, {} bytes", name, length);
            }
            prop_assert_eq!(copy.save(), new.save());
            let mut damaged = saved.clone();
            damage.iter().for_each(|(place, byte)| damaged[place % saved.len()] = *byte);
            if copy.load(&damaged).is_ok() {
                apply_all(&mut *copy, window, &after);
            }
        }
    }
}
