//! The first level of the TLB, from generated code.
// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use visa_core::layout;
use visa_isa::paging::Access;

use super::{Assembler, Emitter};
use crate::registers::{RAX, RCX};

/// An address of the guest: a register of the host and a constant.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub base: u8,
    pub offset: i32,
}

impl Emitter<'_> {
    /// Looks an address up in the TLB's first level, or predicts: a register (RAX or RCX) becomes what to add to it for the address on
    /// the host, or control goes to `slow` with nothing changed but RAX, RCX and RDX. Without a prediction, it must be in a register.
    pub(super) fn look_up(
        &mut self,
        into: u8,
        access: Access,
        address: Address,
        bytes: u64,
        slow: DynamicLabel,
    ) {
        if !self.predict(into, access, address, bytes, slow) {
            debug_assert_eq!(address.offset, 0, "an address off a register is for predictions");
            self.look_up_first_level(access, address.base, bytes, slow);
            if into != RAX {
                dynasm!(self.code ; .arch x64 ; mov Rq(into), rax);
            }
        }
    }

    /// Puts an address into a register of the host, RCX unless it is in one.
    pub(super) fn in_register(&mut self, address: Address) -> u8 {
        if address.offset == 0 {
            return address.base;
        }
        self.load_address(RCX, address);
        RCX
    }

    /// Puts an address into a register of the host.
    pub(super) fn load_address(&mut self, to: u8, Address { base, offset }: Address) {
        match i8::try_from(offset) {
            Ok(0) if to == base => {}
            Ok(0) => dynasm!(self.code ; .arch x64 ; mov Rq(to), Rq(base)),
            Ok(short) => dynasm!(self.code ; .arch x64 ; lea Rq(to), [BYTE Rq(base) + short]),
            Err(_) => dynasm!(self.code ; .arch x64 ; lea Rq(to), [Rq(base) + offset]),
        }
    }

    /// RAX becomes what the first level says, or control goes to `slow`.
    pub(super) fn look_up_first_level(
        &mut self,
        access: Access,
        address: u8,
        bytes: u64,
        slow: DynamicLabel,
    ) {
        self.find_first_level(access, address, bytes, slow);
        dynasm!(self.code ; .arch x64 ; mov rax, [rbp + rax * 8 + layout::addends(access) as i32]);
    }

    /// RAX becomes the place of an address in the first level, or control goes to `slow`.
    pub(super) fn find_first_level(&mut self, access: Access, address: u8, bytes: u64, slow: DynamicLabel) {
        self.place_of_page(address);
        self.last_byte(address, bytes);
        self.match_tag(access, slow);
    }

    /// RDX becomes the address of the last byte of an access: where the place in the first level comes from the first byte, its
    /// page does not match if the access reaches into the next one.
    fn last_byte(&mut self, address: u8, bytes: u64) {
        match bytes {
            1 => dynasm!(self.code ; .arch x64 ; mov rdx, Rq(address)),
            2..=128 => dynasm!(self.code ; .arch x64 ; lea rdx, [BYTE Rq(address) + (bytes - 1) as i8]),
            _ => dynasm!(self.code ; .arch x64 ; lea rdx, [Rq(address) + (bytes - 1) as i32]),
        }
    }

    /// RAX becomes the place of an address's page in the first level. Spoils RDX.
    fn place_of_page(&mut self, address: u8) {
        place_of_page(&mut self.code, address);
    }

    /// Compares the page of the address in RDX, in this context, with the tag at the place in RAX.
    fn match_tag(&mut self, access: Access, differs: DynamicLabel) {
        match_tag(&mut self.code, access, differs);
    }
}

/// RAX becomes the place of an address's page in the first level. Spoils RDX.
pub(super) fn place_of_page(code: &mut Assembler, address: u8) {
    const _: () = assert!(visa_mmu::tlb::FIRST_LEVEL_ENTRIES == 256);
    let shift = visa_isa::paging::PAGE_SHIFT;
    if std::arch::is_x86_feature_detected!("bmi1") {
        // Start and length of the field.
        let field = (8 << 8 | shift) as i32;
        dynasm!(code ; .arch x64 ; mov edx, field ; bextr eax, Rd(address), edx);
    } else {
        dynasm!(code ; .arch x64 ; mov eax, Rd(address) ; shr eax, BYTE shift as i8 ; movzx eax, al);
    }
}

/// Compares the page of the address in RDX, in this context, with the tag at the place in RAX.
pub(super) fn match_tag(code: &mut Assembler, access: Access, differs: DynamicLabel) {
    let page = !(visa_isa::paging::PAGE_SIZE as i32 - 1);
    dynasm!(code ; .arch x64
        ; and rdx, page
        ; or rdx, [rbp + layout::context(access) as i32]
        ; cmp rdx, [rbp + rax * 8 + layout::tags(access) as i32]
        ; jne =>differs
    );
}
