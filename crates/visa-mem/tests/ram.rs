//! Guest RAM against hand-written expectations and a byte-array model.

use proptest::prelude::*;
use visa_mem::{AccessSize, Backing, Ram, RamError};

const BASE: u64 = 0x8000_0000;

/// Two pages of each backing.
fn rams() -> impl Iterator<Item = Ram> {
    Backing::ALL.iter().map(|&backing| Ram::backed_by(backing, BASE, 0x2000).expect("two pages"))
}

#[test]
fn ram_is_a_mapping_where_there_are_mappings() {
    let names: Vec<_> = Backing::ALL.iter().map(|backing| format!("{backing:?}")).collect();
    let expected: &[&str] = if cfg!(feature = "mmap") { &["Mapping", "Vector"] } else { &["Vector"] };
    assert_eq!(names, expected);
    assert_eq!(Backing::default(), Backing::ALL[0]);
    assert_eq!(rams().count(), expected.len());
}

/// Generated code and the host's caches go by it; and both backings give more than a page its own.
#[test]
fn ram_begins_with_a_page_of_the_host_and_with_zeros() {
    for backing in Backing::ALL {
        let several =
            [1, 2, 3, 64].map(|pages| Ram::backed_by(*backing, BASE, pages << 12).expect("some pages"));
        for ram in &several {
            assert_eq!(ram.host_pointer().addr() % 4096, 0, "{backing:?}");
            let mut bytes = vec![1; ram.size() as usize];
            ram.read_bytes(0, &mut bytes).unwrap();
            assert!(bytes.iter().all(|&byte| byte == 0), "{backing:?}");
            ram.fill(0, ram.size(), 0xFF).unwrap();
        }
    }
}

/// Of 8 GiB, a few touched pages are all that it takes: of a mapping always, and of a vector as the usual allocators have it.
#[test]
#[cfg(target_os = "linux")]
fn ram_that_nobody_touches_takes_no_memory() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("the host says");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    let before = resident();
    let rams: Vec<Ram> =
        Backing::ALL.iter().filter_map(|&backing| Ram::backed_by(backing, BASE, 8 << 30).ok()).collect();
    for ram in &rams {
        ram.store_u64((8 << 30) - 8, 1).unwrap();
        assert_eq!(ram.load_u64(4 << 30), Some(0));
    }
    assert!(!rams.is_empty() && resident() < before + (64 << 10), "{before} KiB, then {} KiB", resident());
}

#[test]
fn stores_are_little_endian_and_unaligned() {
    for ram in rams() {
        ram.store_u64(0xFFD, 0x1122_3344_5566_7788).unwrap();
        assert_eq!(ram.load_u8(0xFFD), Some(0x88));
        assert_eq!(ram.load_u16(0xFFE), Some(0x6677));
        assert_eq!(ram.load_u32(0x1000), Some(0x2233_4455));
        assert_eq!(ram.load_u64(0xFFD), Some(0x1122_3344_5566_7788));
        assert_eq!(ram.load_u64(0xFF5), Some(0), "neighbours are untouched");
    }
}

#[test]
fn the_last_bytes_are_inside_and_the_next_are_not() {
    for ram in rams() {
        assert_eq!(ram.load_u8(0x1FFF), Some(0));
        assert_eq!(ram.load_u8(0x2000), None);
        assert_eq!(ram.load_u16(0x1FFF), None);
        assert_eq!(ram.load_u32(0x1FFD), None);
        assert_eq!(ram.load_u64(0x1FF8), Some(0));
        assert_eq!(ram.load_u64(0x1FF9), None);
        assert_eq!(ram.load_u64(u64::MAX), None);
        assert_eq!(ram.store_u64(0x1FF9, 1), None);
        assert_eq!(ram.store_u8(u64::MAX, 1), None);
    }
}

#[test]
fn offset_of_wants_every_byte_inside() {
    for ram in rams() {
        assert_eq!(ram.offset_of(BASE, 1), Some(0));
        assert_eq!(ram.offset_of(BASE + 0x1FF8, 8), Some(0x1FF8));
        assert_eq!(ram.offset_of(BASE + 0x1FF9, 8), None);
        assert_eq!(ram.offset_of(BASE - 1, 1), None);
        assert_eq!(ram.offset_of(BASE, 0x2000), Some(0));
        assert_eq!(ram.offset_of(BASE, 0x2001), None);
        assert_eq!(ram.offset_of(BASE, u64::MAX), None);
        assert_eq!(ram.offset_of(u64::MAX, u64::MAX), None);
    }
}

#[test]
fn bulk_copies_are_all_or_nothing() {
    for ram in rams() {
        assert_eq!(ram.write_bytes(0x1FFE, &[1, 2, 3]), None);
        assert_eq!(ram.load_u16(0x1FFE), Some(0));
        ram.write_bytes(0x1FFD, &[1, 2, 3]).unwrap();
        let mut back = [0; 3];
        ram.read_bytes(0x1FFD, &mut back).unwrap();
        assert_eq!(back, [1, 2, 3]);
        assert_eq!(ram.read_bytes(0x1FFE, &mut back), None);
        assert_eq!(ram.write_bytes(0x2000, &[]), Some(()), "nothing at the very end is inside");
    }
}

#[test]
fn fill_sets_exactly_its_range() {
    for ram in rams() {
        ram.fill(0x10, 4, 0xAB).unwrap();
        assert_eq!(ram.load_u64(0xE), Some(0x0000_ABAB_ABAB_0000));
        assert_eq!(ram.fill(0x1FFF, 2, 1), None);
        assert_eq!(ram.fill(1, u64::MAX, 1), None);
    }
}

#[test]
fn absurd_regions_are_errors() {
    assert!(matches!(Ram::new(BASE, 0), Err(RamError::Size { size: 0 })));
    assert!(matches!(Ram::new(BASE, 0x1001), Err(RamError::Size { size: 0x1001 })));
    assert!(matches!(Ram::new(BASE, 1 << 62), Err(RamError::TooLarge { .. })));
    assert!(matches!(Ram::new(BASE + 8, 0x1000), Err(RamError::Base { .. })));
    assert!(matches!(Ram::new(0xFFFF_FFFF_FFFF_F000, 0x1000), Err(RamError::Base { .. })));
    let message = Ram::new(BASE, !0xFFF).unwrap_err().to_string();
    assert!(message.contains("0xfffffffffffff000"), "{message}");
}

#[test]
fn the_virtqueue_view_shows_the_same_bytes() {
    use vm_memory::Bytes;
    for ram in rams() {
        ram.store_u32(0x100, 0xDEAD_BEEF).unwrap();
        let seen: u32 = ram.slice(BASE + 0x100, 4, false).unwrap().read_obj(0).unwrap();
        assert_eq!(seen, 0xDEAD_BEEF);
    }
}

#[test]
fn sizes_count_bytes() {
    assert_eq!(AccessSize::ALL.map(AccessSize::bytes), [1, 2, 4, 8]);
    assert_eq!(AccessSize::ALL.map(AccessSize::all_ones), [0xFF, 0xFFFF, 0xFFFF_FFFF, u64::MAX]);
    assert_eq!(AccessSize::from_bytes(4), Some(AccessSize::Word));
    assert_eq!(AccessSize::from_bytes(3), None);
}

proptest! {
    /// Any sequence of stores leaves what the same stores leave in a plain array.
    #[test]
    fn behaves_like_an_array(stores in prop::collection::vec((0u64..0x2010, 0usize..4, any::<u64>()), 1..64)) {
        for ram in rams() {
            let mut model = vec![0u8; 0x2000];
            for &(offset, width, value) in &stores {
                let length = 1usize << width;
                let inside = offset as usize + length <= model.len();
                let done = match width {
                    0 => ram.store_u8(offset, value as u8),
                    1 => ram.store_u16(offset, value as u16),
                    2 => ram.store_u32(offset, value as u32),
                    _ => ram.store_u64(offset, value),
                };
                prop_assert_eq!(done.is_some(), inside);
                if inside {
                    model[offset as usize..offset as usize + length].copy_from_slice(&value.to_le_bytes()[..length]);
                }
            }
            let mut all = vec![0; 0x2000];
            ram.read_bytes(0, &mut all).unwrap();
            prop_assert_eq!(all, model);
        }
    }
}

#[test]
fn a_trial_leaves_nothing_behind() {
    for ram in rams() {
        ram.store_u64(0x10, 1).unwrap();
        ram.mark_code(0x1000);
        ram.store_u64(0x1000, 0).unwrap();
        ram.begin_trial();
        ram.store_u64(0x10, 2).unwrap();
        ram.store_u32(0x18, 3).unwrap();
        // Over the end of a page, and what is written twice.
        ram.store_u16(0xFFF, 0xAABB).unwrap();
        ram.fill(0x1800, 16, 0xFF).unwrap();
        ram.write_bytes(0x1808, &[1; 16]).unwrap();
        assert_eq!(ram.take_written(), [0x1000]);
        ram.unmark_code(0x1000);
        ram.mark_code(0x10);
        ram.store_u8(0x1F, 0).unwrap();
        let trial = ram.end_trial();
        assert_eq!(trial.written.iter().map(|page| page.offset).collect::<Vec<_>>(), [0, 0x1000]);
        assert_eq!(trial.code_pages, [0, 0x1000]);
        let [first, second] = &trial.written[..] else { panic!() };
        assert_eq!(
            (first.before[0x10], first.after[0x10], first.after[0x18], first.after[0xFFF]),
            (1, 2, 3, 0xBB)
        );
        assert_eq!(
            (second.before[0], second.after[0], second.after[0x800], second.after[0x808]),
            (0, 0xAA, 0xFF, 1)
        );
        let mut expected = vec![0; 0x2000];
        expected[0x10] = 1;
        let mut bytes = vec![0; 0x2000];
        ram.read_bytes(0, &mut bytes).unwrap();
        assert_eq!(bytes, expected);
        assert!(ram.has_code(0x1000) && !ram.has_code(0));
        assert!(ram.any_code_written());
        assert_eq!(ram.take_written(), [0x1000]);
        // The next one begins anew, and what comes after it stays.
        ram.begin_trial();
        assert!(ram.end_trial().written.is_empty());
        ram.store_u64(0x10, 5).unwrap();
        assert_eq!(ram.load_u64(0x10), Some(5));
    }
}

/// Every function that writes, whatever its width, tells of each page with code that it reaches.
#[test]
fn every_write_is_seen() {
    for ram in rams() {
        ram.mark_code(0x1000);
        type Write = fn(&Ram);
        let writes: [(&str, Write); 8] = [
            ("8 bits", |ram| ram.store_u8(0x1000, 1).unwrap()),
            ("16 bits, the last of them", |ram| ram.store_u16(0xFFF, 1).unwrap()),
            ("32 bits", |ram| ram.store_u32(0x1FFC, 1).unwrap()),
            ("64 bits", |ram| ram.store_u64(0xFF9, 1).unwrap()),
            ("bytes", |ram| ram.write_bytes(0xF00, &[7; 0x101]).unwrap()),
            ("fill", |ram| ram.fill(0, 0x2000, 7).unwrap()),
            ("a device's slice", |ram| assert!(ram.slice(BASE + 0xFFF, 2, true).is_ok())),
            ("a device's slice in it", |ram| assert!(ram.slice(BASE + 0x1800, 1, true).is_ok())),
        ];
        for (name, write) in writes {
            write(&ram);
            assert_eq!(ram.take_written(), [0x1000], "{name}");
        }
        ram.slice(BASE + 0x1000, 8, false).unwrap();
        ram.store_u64(0x800, 1).unwrap();
        assert!(
            ram.write_bytes(0x1000, &[]).is_some() && !ram.any_code_written(),
            "nothing was written there"
        );
    }
}
