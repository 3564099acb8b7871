//! Between blocks and optimised loops: from the registers that blocks keep to those of a function, and back.

// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SHIFT;
use visa_mmu::tlb::FIRST_LEVEL_ENTRIES;

use super::data::RegionData;
use super::lower::SideExit;
use super::trace::page_of;
use crate::coverage::{self, Point, Tier};
use crate::emit::{Assembler, Emitted, EmittedLink, constant};
use crate::registers::RCX;
use crate::trampolines::{Trampolines, load_registers, save_registers};

/// Bytes of a landing: what the side exit's number counts.
pub const LANDING: usize = 8;

/// What a thunk is made of.
pub struct Source<'a> {
    /// The address of the loop's entry.
    pub pc: u64,
    /// Its pages: addresses and offsets of RAM.
    pub pages: &'a [(u64, u64)],
    /// RAM on the host.
    pub ram: u64,
    /// Where the function is.
    pub function: usize,
    /// The code of the block that executes in its place.
    pub instead: usize,
    /// How execution goes on.
    pub side_exits: &'a [SideExit],
    /// What the function keeps.
    pub data: &'a RegionData,
}

/// Emits the code that enters a loop, to be executed at an address. Its links are numbered from `first_link` on.
pub fn thunk(trampolines: &Trampolines, address: usize, source: &Source, first_link: u32) -> Option<Emitted> {
    let mut code = Assembler::new(address);
    let instead = code.new_dynamic_label();
    check_pages(&mut code, source, instead);
    enter(&mut code, source);
    let links = landings(&mut code, trampolines, source, first_link);
    dynasm!(code ; .arch x64 ; =>instead);
    reach(&mut code, Point::Instead);
    dynasm!(code ; .arch x64 ; jmp extern source.instead);
    code.commit().ok()?;
    let mut emitted = Vec::with_capacity(links.len());
    for (side_exit, place, stub) in links {
        if let Some((from, target)) = link_of(side_exit, source) {
            let stub = code.labels().resolve_dynamic(stub).ok()?.0;
            // Where the loop's own pages are has been looked at on entry.
            let checked = !source.pages.iter().any(|(page, _)| *page == page_of(target));
            emitted.push(EmittedLink { place, stub, from, target, checked });
        }
    }
    Some(Emitted {
        code: code.finalize().ok()?,
        links: emitted,
        records: Box::default(),
        predictions: Vec::new(),
        marks: None,
    })
}

fn reach(code: &mut Assembler, point: Point) {
    coverage::emit_point(code, Tier::Optimised, point);
}

/// Goes elsewhere unless the TLB's first level has all pages of the loop where they were when it was compiled. The entry's
/// page is known to be.
fn check_pages(code: &mut Assembler, source: &Source, elsewhere: DynamicLabel) {
    for (page, offset) in source.pages.iter().filter(|(page, _)| *page != page_of(source.pc)) {
        let entry = (page >> PAGE_SHIFT) as usize % FIRST_LEVEL_ENTRIES;
        let addend = source.ram.wrapping_add(*offset).wrapping_sub(*page);
        constant(code, RCX, *page);
        dynasm!(code ; .arch x64
            ; or rcx, [rbp + layout::context(Access::Fetch) as i32]
            ; cmp rcx, [rbp + (layout::tags(Access::Fetch) + 8 * entry) as i32]
            ; jne =>elsewhere
            ; mov rcx, QWORD addend as i64
            ; cmp rcx, [rbp + (layout::addends(Access::Fetch) + 8 * entry) as i32]
            ; jne =>elsewhere
        );
    }
}

/// Calls the function, and goes to the landing that it names.
fn enter(code: &mut Assembler, source: &Source) {
    let data = &raw const *source.data as i64;
    let entries = std::mem::offset_of!(RegionData, entries) as i32;
    let retired = std::mem::offset_of!(RegionData, retired) as i32;
    reach(code, Point::Entered);
    save_registers(code);
    dynasm!(code ; .arch x64
        ; mov rax, QWORD data
        ; add QWORD [rax + entries], BYTE 1
        ; add [rax + retired], r15
        ; mov rdi, rbp
        ; mov rsi, [rsp]
        ; mov rdx, r15
        ; call extern source.function
        ; mov r15, rdx
        ; mov rdx, QWORD data
        ; sub [rdx + retired], r15
        ; lea rcx, [>landings]
        ; lea rcx, [rcx + rax * 8]
    );
    load_registers(code);
    dynasm!(code ; .arch x64 ; jmp rcx ; .align LANDING ; landings:);
}

/// Leaves generated code before the instruction at an address if there is something to look at: a walk has set bits of an
/// entry that is in a page of code.
fn look_around(code: &mut Assembler, trampolines: &Trampolines, pc: u64) {
    dynasm!(code ; .arch x64 ; cmp BYTE [rbp + layout::PENDING_WORK as i32], BYTE 0 ; je >nothing);
    reach(code, Point::Attention);
    constant(code, RCX, pc);
    dynasm!(code ; .arch x64 ; jmp extern trampolines.exit_indirect ; nothing:);
}

/// From and to where a side exit jumps by a link.
fn link_of(side_exit: SideExit, source: &Source) -> Option<(u64, u64)> {
    match side_exit {
        SideExit::To { from, target } => Some((from, target)),
        SideExit::Again(pc) => (pc != source.pc).then_some((pc, pc)),
        SideExit::Indirect | SideExit::Short(_) => None,
    }
}

/// A jump for each side exit, in places of the same size, and what it jumps to. Gives side exits, offsets of the
/// displacements of those jumps that links go by, and their stubs.
fn landings(
    code: &mut Assembler,
    trampolines: &Trampolines,
    source: &Source,
    first_link: u32,
) -> Vec<(SideExit, usize, DynamicLabel)> {
    let mut links = Vec::new();
    for &side_exit in source.side_exits {
        let stub = code.new_dynamic_label();
        dynasm!(code ; .arch x64 ; jmp DWORD =>stub);
        links.push((side_exit, code.offset().0 - 4, stub));
        dynasm!(code ; .arch x64 ; .align LANDING);
    }
    let mut number = first_link;
    for (side_exit, _, stub) in &links {
        dynasm!(code ; .arch x64 ; =>*stub);
        reach(
            code,
            match *side_exit {
                SideExit::Again(_) => Point::DepartAgain,
                SideExit::To { .. } => Point::DepartTo,
                SideExit::Indirect => Point::DepartIndirect,
                SideExit::Short(_) => Point::Short,
            },
        );
        if let SideExit::Again(pc) = *side_exit {
            look_around(code, trampolines, pc);
        }
        if link_of(*side_exit, source).is_some() {
            reach(code, Point::Unconnected);
            dynasm!(code ; .arch x64 ; mov eax, number as i32 ; jmp extern trampolines.exit_link);
            number += 1;
            continue;
        }
        match *side_exit {
            // There the loop would be entered again, and would not get any further.
            SideExit::Again(_) | SideExit::To { .. } => {
                reach(code, Point::DepartInstead);
                dynasm!(code ; .arch x64 ; jmp extern source.instead);
            }
            SideExit::Indirect => {
                dynasm!(code ; .arch x64 ; mov rcx, [rbp + layout::PC as i32] ; jmp extern trampolines.indirect);
            }
            SideExit::Short(pc) => {
                constant(code, RCX, pc);
                dynasm!(code ; .arch x64 ; jmp extern trampolines.exit_short);
            }
        }
    }
    links
}
