//! `info tlb`.

use std::fmt::Write;

use visa_core::Hart;
use visa_mmu::tlb::{NO_SPACE, Permissions, SECOND_LEVEL_SETS, SECOND_LEVEL_WAYS, Translation};

/// The most entries that are shown: more than that nobody reads on a terminal, and "gva2gpa" answers for one address.
const SHOWN_MAX: usize = 256;

/// What the permissions are, a letter each: first stage, then second stage.
const LETTERS: [(u16, char); 8] = [
    (Permissions::READ, 'r'),
    (Permissions::WRITE, 'w'),
    (Permissions::EXECUTE, 'x'),
    (Permissions::USER, 'u'),
    (Permissions::DIRTY, 'd'),
    (Permissions::NESTED_READ, 'r'),
    (Permissions::NESTED_WRITE, 'w'),
    (Permissions::NESTED_EXECUTE, 'x'),
];

/// Letters of the first stage.
const FIRST_STAGE: usize = 5;

/// The second level of a hart's TLB, by VM, address space and address. Writing to a `String` does not fail.
pub fn show(hart: &Hart) -> String {
    let mut entries: Vec<Translation> = hart.mmu.tlb.translations().collect();
    entries.sort_by_key(|entry| (entry.vmid, entry.asid, entry.virtual_page));
    let room = SECOND_LEVEL_SETS * SECOND_LEVEL_WAYS;
    let mut text = format!("hart {}: {} of {room} entries\n", hart.state.id, entries.len());
    if entries.is_empty() {
        return text;
    }
    text +=
        "  vmid  asid  guest-virtual       guest-physical      physical            size  stage 1  stage 2\n";
    for entry in entries.iter().take(SHOWN_MAX) {
        let space = if entry.asid == NO_SPACE { "-".into() } else { entry.asid.to_string() };
        let global = if entry.global { "g" } else { " " };
        let _ = writeln!(
            text,
            "{:>6} {space:>5}{global} {:#018x}  {:#018x}  {:#018x}  {:>4}  {}    {}",
            entry.vmid,
            entry.virtual_page,
            entry.guest_physical_page,
            entry.physical_page,
            size(entry.page_shift),
            letters(entry.permissions, &LETTERS[..FIRST_STAGE]),
            letters(entry.permissions, &LETTERS[FIRST_STAGE..]),
        );
    }
    if entries.len() > SHOWN_MAX {
        let _ = writeln!(text, "  ... and {} more", entries.len() - SHOWN_MAX);
    }
    text
}

fn letters(permissions: Permissions, letters: &[(u16, char)]) -> String {
    letters.iter().map(|&(bit, letter)| if permissions.has(bit) { letter } else { '-' }).collect()
}

/// A page's size by its power of two.
fn size(shift: u32) -> String {
    let units = ["", "K", "M", "G", "T"];
    let unit = (shift / 10) as usize;
    format!("{}{}", 1u64 << (shift % 10), units.get(unit).copied().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use visa_isa::{GuestPhysical, GuestVirtual, Physical};

    fn entry(virtual_page: u64, asid: u32) -> Translation {
        Translation {
            virtual_page: GuestVirtual(virtual_page),
            physical_page: Physical(0x8020_0000),
            guest_physical_page: GuestPhysical(0x20_0000),
            page_shift: 21,
            first_stage_shift: 21,
            permissions: Permissions(Permissions::READ | Permissions::USER | Permissions::ALL_NESTED),
            global: false,
            asid,
            vmid: 1,
        }
    }

    #[test]
    fn entries_are_sorted_and_bounded() {
        let mut hart = Hart::new(0, 0, 0);
        assert!(show(&hart).starts_with("hart 0: 0 of "));
        hart.mmu.tlb.insert(entry(0x40_0000, 7));
        hart.mmu.tlb.insert(entry(0x20_0000, NO_SPACE));
        let text = show(&hart);
        let rows: Vec<Vec<&str>> =
            text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        let start = ["1", "7", "0x0000000000400000", "0x0000000000200000", "0x0000000080200000", "2M"];
        assert_eq!(rows[0][..6], start);
        assert_eq!(rows[0][6..8], ["r--u-", "rwx"]);
        assert_eq!(rows[1][1], "-");
        (0..2000).for_each(|page| hart.mmu.tlb.insert(entry(page << 21, 9)));
        let text = show(&hart);
        assert_eq!(text.lines().count(), SHOWN_MAX + 3);
        assert!(text.lines().last().is_some_and(|line| line.contains("more")), "{text}");
    }

    #[test]
    fn sizes_are_as_people_say_them() {
        assert_eq!([12, 21, 30, 39].map(size), ["4K", "2M", "1G", "512G"]);
    }
}
