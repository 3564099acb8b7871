//! How generated code is entered and left, and how it calls the interpreter for an instruction that it does not hold.

// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use std::arch::asm;
use std::ffi::c_void;

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use visa_core::tlb::Access;
use visa_core::{Hart, layout};
use visa_interp::{RunEnd, Slot, execute_alone, execute_slot};
use visa_isa::msr::sstatus;
use visa_isa::paging::PAGE_SIZE;
use visa_mem::Platform;

use crate::cache::JumpEntry;
use crate::emit::{self, Assembler};
use crate::memory::CodeMemory;
use crate::optimise::data;
use crate::registers::{MAPPED, Mapping, offset};

/// Why generated code came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Exit {
    /// At a jump whose target is not connected; `link` is its number.
    Link = 0,
    /// At an indirect jump whose target is not known; the hart's PC is the target.
    Indirect = 1,
    /// Before a unit for which the budget does not suffice; the hart's PC is its start.
    Budget = 2,
    /// After an instruction that the interpreter executed, to look around: PC and retired count are the hart's.
    Interpreted = 3,
    /// Before a unit with floating point, while the host does not compute for the guest; the hart's PC is its start.
    Float = 4,
    /// In an optimised loop whose budget does not suffice; the hart's PC is where execution goes on.
    Short = 5,
}

/// What generated code finds beside the hart. The first fields are its, by their offsets.
#[repr(C)]
pub struct Environment {
    /// Instructions that may retire: given on entry, what is left on exit.
    pub budget: i64,
    /// Why it came back.
    pub exit: u64,
    /// The link of [`Exit::Link`].
    pub link: u64,
    interpret: usize,
    refill: usize,
    fetch: usize,
    time: usize,
    interrupt: usize,
    /// Where indirect jumps look.
    pub jumps: *const JumpEntry,
    platform: *mut c_void,
    /// Whether the host computes floating point for the guest: MXCSR has the guest's rounding mode and collects its flags.
    float: u32,
    /// MXCSR with the guest's rounding mode and no flags.
    mxcsr: u32,
    /// The retired count with a budget of zero.
    pub base: u64,
    /// What [`data::find`] has found.
    pub found: u64,
    /// What `find` is for this platform.
    find: usize,
    /// The region that is to be made anew, plus one; 0: none.
    pub revise: u64,
    /// It is to be given up instead.
    pub give_up: bool,
    /// What an instruction that was interpreted ended with.
    pub end: Result<(), RunEnd>,
}

/// An instruction that generated code may have the interpreter execute.
#[derive(Clone, Copy)]
pub struct Site {
    /// The instruction; `None`: it reaches into the next page, where something else may be each time.
    pub slot: Option<Slot>,
    /// Its address.
    pub pc: u64,
    /// The address of the next one.
    pub next: u64,
    /// Instructions of the unit from it on.
    pub left: i64,
    /// What it does with memory, and with how many bytes, if it does.
    pub access: Access,
    #[allow(missing_docs)]
    pub bytes: u64,
}

impl Environment {
    /// An environment for a hart on a platform.
    pub fn new<P: Platform>(platform: &mut P, jumps: *const JumpEntry) -> Environment {
        Environment {
            budget: 0,
            exit: 0,
            link: 0,
            interpret: interpret::<P> as *const () as usize,
            refill: refill::<P> as *const () as usize,
            fetch: fetch::<P> as *const () as usize,
            time: time as *const () as usize,
            interrupt: interrupt as *const () as usize,
            jumps,
            platform: (&raw mut *platform).cast(),
            float: 0,
            mxcsr: MXCSR_DEFAULT,
            base: 0,
            found: 0,
            find: data::find::<P> as *const () as usize,
            revise: 0,
            give_up: false,
            end: Ok(()),
        }
    }

    /// Names the platform anew, before an entry: what `new` was given has been used since.
    pub fn use_platform<P: Platform>(&mut self, platform: &mut P) {
        self.platform = (&raw mut *platform).cast();
    }

    /// The platform.
    ///
    /// # Safety
    ///
    /// P is the type that the environment was made for, and nobody else uses the platform as long as this reference.
    pub unsafe fn platform<P: Platform>(&mut self) -> &mut P {
        // SAFETY: `new` and `use_platform` made the pointer from a reference to a P.
        unsafe { &mut *self.platform.cast::<P>() }
    }

    /// Retired instructions as of the exit.
    pub fn instructions(&self) -> u64 {
        self.base.wrapping_sub(self.budget as u64)
    }

    /// From the next entry to its exit the host computes floating point for the guest, if it can do exactly what the
    /// guest asks for: the state must be on and dirty already, so that nothing need be marked, and the rounding mode one
    /// that the host has.
    pub fn use_float(&mut self, hart: &Hart) -> bool {
        let dirty = !hart.in_guest() || hart.supervisor.sstatus & sstatus::FS == sstatus::FS;
        let rounding = match hart.bank.fcsr >> 5 & 7 {
            0 => 0,
            1 => 3,
            2 => 1,
            3 => 2,
            _ => {
                self.float = 0;
                return false;
            }
        };
        self.float = dirty as u32;
        self.mxcsr = MXCSR_DEFAULT | rounding << 13;
        dirty
    }

    /// Gives MXCSR back, and the guest the flags that it has collected.
    fn collect_flags(&self, hart: &mut Hart) {
        let mut mxcsr = 0u32;
        // SAFETY: stores MXCSR, and loads a value that is valid: what it is by default.
        unsafe {
            asm!("stmxcsr [{0}]", "ldmxcsr [{1}]", in(reg) &raw mut mxcsr, in(reg) &MXCSR_DEFAULT, options(nostack))
        };
        // MXCSR: invalid, denormal, divide by zero, overflow, underflow, inexact. FCSR: the other way round, and no denormal.
        let flags = mxcsr >> 5 & 1 | mxcsr >> 3 & 2 | mxcsr >> 1 & 4 | mxcsr << 1 & 8 | mxcsr << 4 & 16;
        hart.bank.fcsr |= flags;
    }

    fn load_mxcsr(&self) {
        // SAFETY: `use_float` has made the value: exceptions masked, a rounding mode, no reserved bits.
        unsafe { asm!("ldmxcsr [{0}]", in(reg) &self.mxcsr, options(nostack, readonly)) };
    }
}

/// Everything masked, to nearest, no flags: what Rust's code expects.
const MXCSR_DEFAULT: u32 = 0x1f80;

/// Executes the instruction of a site, and says how generated code goes on ([`NEXT`], [`LEAVE`], [`ELSEWHERE`]).
///
/// # Safety
///
/// For generated code alone: `hart`, `environment` and its platform are those of [`Trampolines::enter`]'s caller, which
/// uses none of them meanwhile; `site` is alive as long as the code that names it.
unsafe extern "C" fn interpret<P: Platform>(
    hart: *mut Hart,
    environment: *mut Environment,
    site: *const Site,
) -> u32 {
    // SAFETY: as above; the three are different objects.
    let (hart, environment, site) = unsafe { (&mut *hart, &mut *environment, &*site) };
    // SAFETY: `Environment::new` made it from a reference to a P, and `enter` keeps that borrowed.
    let platform = unsafe { &mut *environment.platform.cast::<P>() };
    if environment.float != 0 {
        environment.collect_flags(hart);
    }
    hart.bank.pc = site.pc;
    let before = environment.instructions().wrapping_sub(site.left as u64);
    hart.instructions = before;
    environment.end = match &site.slot {
        Some(slot) => execute_slot(hart, platform, slot),
        None => execute_alone(hart, platform),
    };
    hart.take_back();
    // A trap's vector may be the next instruction, but what trapped has not retired.
    let retired = hart.instructions == before.wrapping_add(1);
    if environment.end.is_err() || hart.attention {
        environment.float = 0;
        return LEAVE;
    }
    // The instruction may have changed the rounding mode, or turned floating point off.
    if environment.float != 0 && environment.use_float(hart) {
        environment.load_mxcsr();
    }
    if hart.bank.pc == site.next && retired {
        return NEXT;
    }
    environment.budget = environment.base.wrapping_sub(hart.instructions) as i64;
    ELSEWHERE
}

/// Generated code goes on with the next instruction.
const NEXT: u32 = 0;
/// The engine must look around.
const LEAVE: u32 = 1;
/// A trap, a return from one, or a world switch: generated code goes on where the hart's PC is.
const ELSEWHERE: u32 = 2;

/// Has the first level of the TLB know the address of a site's access. 0: it does now, and the access may be made; otherwise
/// [`interpret`] must follow for the same site.
///
/// MXCSR stays the guest's meanwhile: nothing here computes with floating point.
///
/// # Safety
///
/// As for [`interpret`].
unsafe extern "C" fn refill<P: Platform>(
    hart: *mut Hart,
    environment: *mut Environment,
    address: u64,
    site: *const Site,
) -> u32 {
    // SAFETY: as in `interpret`.
    let (hart, environment, site) = unsafe { (&mut *hart, &mut *environment, &*site) };
    // SAFETY: as in `interpret`.
    let platform = unsafe { &mut *environment.platform.cast::<P>() };
    let within = address & (PAGE_SIZE - 1) <= PAGE_SIZE - site.bytes;
    !(within && hart.refill(platform.ram(), address, site.access)) as u32
}

/// Has the first level of the TLB know the page of an instruction. 0: it does not, and the engine must fetch the instruction.
///
/// # Safety
///
/// As for [`interpret`].
unsafe extern "C" fn fetch<P: Platform>(hart: *mut Hart, environment: *mut Environment, pc: u64) -> u32 {
    // SAFETY: as in `interpret`.
    let (hart, environment) = unsafe { (&mut *hart, &mut *environment) };
    // SAFETY: as in `interpret`.
    let platform = unsafe { &mut *environment.platform.cast::<P>() };
    hart.refill_ahead(platform.ram(), pc, Access::Fetch).is_some() as u32
}

/// Time, as the ring in use reads it, before an instruction from which on `left` of its unit are left.
///
/// # Safety
///
/// As for [`interpret`].
unsafe extern "C" fn time(hart: *mut Hart, environment: *mut Environment, left: u64) -> u64 {
    // SAFETY: as in `interpret`.
    let (hart, environment) = unsafe { (&mut *hart, &mut *environment) };
    hart.instructions = environment.instructions().wrapping_sub(left);
    hart.time()
}

/// Whether an interrupt would come if the kernel allowed it, at such an instruction.
///
/// # Safety
///
/// As for [`interpret`].
unsafe extern "C" fn interrupt(hart: *mut Hart, environment: *mut Environment, left: u64) -> u64 {
    // SAFETY: as in `interpret`.
    let (hart, environment) = unsafe { (&mut *hart, &mut *environment) };
    hart.instructions = environment.instructions().wrapping_sub(left);
    hart.guest_interrupt_waits() as u64
}

/// Code that every unit uses, by its address.
pub struct Trampolines {
    enter: usize,
    /// Called with a site in RDX: has the interpreter execute it. Returns, with ZF clear, if the next instruction may follow.
    pub interpret: usize,
    /// Called with a site in RDX and the address of its access, which the TLB's first level does not know, in RCX. Returns
    /// with ZF set if it knows now and the site is to be executed; otherwise does what `interpret` does.
    pub access: usize,
    /// Called with how many instructions of the unit are left in RAX: gives [`time`]. Spoils XMM registers and RCX.
    pub time: usize,
    /// Likewise: [`interrupt`].
    pub interrupt: usize,
    /// Jumped to with a link's number in EAX.
    pub exit_link: usize,
    /// Jumped to with the target in RCX.
    pub exit_indirect: usize,
    /// Jumped to with the unit's address in RCX and the budget restored.
    pub exit_budget: usize,
    /// Jumped to with the unit's address in RCX, the budget untouched.
    pub exit_float: usize,
    /// Jumped to with an address in RCX: as `exit_budget`, from an optimised loop.
    pub exit_short: usize,
    /// Jumped to with the target in RCX, whose page the TLB's first level does not know: as `indirect`.
    pub fetch: usize,
    /// Jumped to with the target in RCX: finds its code in the table of jumps.
    pub indirect: usize,
    /// Called by optimised loops: `data::find`, with all registers kept.
    pub find: usize,
    /// Likewise: `data::forget`.
    pub forget: usize,
}

const BUDGET_FIELD: i32 = std::mem::offset_of!(Environment, budget) as i32;
const EXIT_FIELD: i32 = std::mem::offset_of!(Environment, exit) as i32;
const LINK_FIELD: i32 = std::mem::offset_of!(Environment, link) as i32;
const INTERPRET_FIELD: i32 = std::mem::offset_of!(Environment, interpret) as i32;
const FETCH_FIELD: i32 = std::mem::offset_of!(Environment, fetch) as i32;
const TIME_FIELD: i32 = std::mem::offset_of!(Environment, time) as i32;
const INTERRUPT_FIELD: i32 = std::mem::offset_of!(Environment, interrupt) as i32;
/// Offset of [`Environment::base`].
pub const BASE_FIELD: i32 = std::mem::offset_of!(Environment, base) as i32;
const REFILL_FIELD: i32 = std::mem::offset_of!(Environment, refill) as i32;
/// Offset of [`Environment::float`].
pub const FLOAT_FIELD: i32 = std::mem::offset_of!(Environment, float) as i32;
const FIND_FIELD: i32 = std::mem::offset_of!(Environment, find) as i32;
/// Offset of [`Environment::found`].
pub const FOUND_FIELD: i32 = std::mem::offset_of!(Environment, found) as i32;
const JUMPS_FIELD: i32 = std::mem::offset_of!(Environment, jumps) as i32;

/// Where a unit finds the environment's table of jumps: at this offset from the stack pointer. The environment itself is
/// at 0.
pub const JUMPS_SLOT: i32 = 8;

impl Trampolines {
    /// Writes them at the start of the memory.
    pub fn new(memory: &mut CodeMemory) -> Trampolines {
        let mut at = |emit: &dyn Fn(&mut Assembler)| {
            let mut code = Assembler::new(memory.next_address());
            emit(&mut code);
            let offset = memory.append(&code.finalize().unwrap_or_default());
            memory.address(offset)
        };
        let exit_indirect = at(&|code| emit_exit_at(code, Exit::Indirect));
        let fetch = at(&|code| emit_fetch(code, exit_indirect));
        let indirect = at(&|code| emit::jump_by_table(code, fetch, exit_indirect));
        Trampolines {
            exit_indirect,
            fetch,
            indirect,
            find: at(&|code| {
                emit_stub(code, |code| dynasm!(code ; .arch x64 ; call QWORD [r8 + FIND_FIELD]))
            }),
            forget: at(&|code| {
                let forget = data::forget as *const () as i64;
                emit_stub(code, |code| dynasm!(code ; .arch x64 ; mov rax, QWORD forget ; call rax));
            }),
            exit_short: at(&|code| emit_exit_at(code, Exit::Short)),
            enter: at(&emit_enter),
            interpret: at(&|code| emit_interpret(code, &Mapping::usual(), indirect)),
            access: at(&|code| emit_access(code, &Mapping::usual(), indirect)),
            time: at(&|code| emit_question(code, TIME_FIELD)),
            interrupt: at(&|code| emit_question(code, INTERRUPT_FIELD)),
            exit_link: at(&|code| {
                save_registers(code);
                dynasm!(code ; .arch x64 ; mov rcx, [rsp] ; mov [rcx + LINK_FIELD], rax);
                emit_exit(code, Exit::Link);
            }),
            exit_budget: at(&|code| emit_exit_at(code, Exit::Budget)),
            exit_float: at(&|code| emit_exit_at(code, Exit::Float)),
        }
    }

    /// Runs generated code until it comes back.
    ///
    /// # Safety
    ///
    /// `code` is the address of a unit that is alive, translated from what the hart's next instruction is; the hart's
    /// TLB has the address of the platform's RAM as its bias; the environment was made for a platform of the same type, and
    /// has just been given this one, which nobody uses until this returns.
    pub unsafe fn enter(&self, code: usize, hart: &mut Hart, environment: &mut Environment) {
        // SAFETY: `enter` is the address of `emit_enter`'s code, which has this signature and keeps the C convention.
        let enter: extern "C" fn(usize, *mut Hart, *mut Environment) =
            unsafe { std::mem::transmute(self.enter) };
        if environment.float != 0 {
            environment.load_mxcsr();
        }
        enter(code, hart, environment);
        if environment.float != 0 {
            environment.collect_flags(hart);
            environment.float = 0;
        }
    }
}

/// extern "C" fn(code: RDI, hart: RSI, environment: RDX)
fn emit_enter(code: &mut Assembler) {
    dynasm!(code ; .arch x64
        ; push rbx ; push rbp ; push r12 ; push r13 ; push r14 ; push r15
        ; sub rsp, 24
        ; mov [rsp], rdx
        ; mov rbp, rsi
        ; mov rax, rdi
        ; mov rcx, [rdx + JUMPS_FIELD]
        ; mov [rsp + JUMPS_SLOT], rcx
        ; mov r15, [rdx + BUDGET_FIELD]
    );
    load_registers(code);
    dynasm!(code ; .arch x64 ; jmp rax);
}

/// The registers that calls do not keep, of those that hold the guest's.
const UNSAVED: [u8; 6] = [7, 6, 8, 9, 10, 11];

/// The code of [`Trampolines::fetch`]. What need not be executed now is not fetched, either: an interrupt may come first.
fn emit_fetch(code: &mut Assembler, exit: usize) {
    dynasm!(code ; .arch x64 ; test r15, r15 ; jg >wanted ; jmp extern exit ; wanted:);
    for host in UNSAVED {
        dynasm!(code ; .arch x64 ; push Rq(host));
    }
    // With RCX and its neighbour, the stack is as a call needs it.
    let pushed = 8 * (UNSAVED.len() as i32 + 2);
    dynasm!(code ; .arch x64
        ; push rcx
        ; push rcx
        ; mov rdi, rbp
        ; mov rsi, [rsp + pushed]
        ; mov rdx, rcx
        ; call QWORD [rsi + FETCH_FIELD]
        ; pop rcx
        ; pop rcx
    );
    for host in UNSAVED.into_iter().rev() {
        dynasm!(code ; .arch x64 ; pop Rq(host));
    }
    dynasm!(code ; .arch x64 ; test eax, eax ; jnz >known ; jmp extern exit ; known:);
    emit::jump_by_table(code, exit, exit);
}

/// Calls a function that changes nothing that generated code sees, with the hart, the environment and what is in RAX; all
/// registers but RAX and RCX stay.
fn emit_question(code: &mut Assembler, field: i32) {
    for host in UNSAVED {
        dynasm!(code ; .arch x64 ; push Rq(host));
    }
    // With the return address and RDX, the stack is as a call needs it.
    let pushed = 8 * (UNSAVED.len() as i32 + 2);
    dynasm!(code ; .arch x64
        ; push rdx
        ; mov rdi, rbp
        ; mov rsi, [rsp + pushed]
        ; mov [rsi + BUDGET_FIELD], r15
        ; mov rdx, rax
        ; call QWORD [rsi + field]
        ; pop rdx
    );
    for host in UNSAVED.into_iter().rev() {
        dynasm!(code ; .arch x64 ; pop Rq(host));
    }
    dynasm!(code ; .arch x64 ; ret);
}

/// The code of [`Trampolines::access`], while the guest's registers are where a mapping says; `indirect` is that trampoline.
pub fn emit_access(code: &mut Assembler, mapping: &Mapping, indirect: usize) {
    for host in UNSAVED {
        dynasm!(code ; .arch x64 ; push Rq(host));
    }
    // With the return address and RDX, the stack is as a call needs it.
    let pushed = 8 * (UNSAVED.len() as i32 + 2);
    dynasm!(code ; .arch x64
        ; push rdx
        ; mov rdi, rbp
        ; mov rsi, [rsp + pushed]
        ; xchg rcx, rdx
        ; call QWORD [rsi + REFILL_FIELD]
        ; test eax, eax
        ; pop rdx
    );
    for host in UNSAVED.into_iter().rev() {
        dynasm!(code ; .arch x64 ; pop Rq(host));
    }
    dynasm!(code ; .arch x64 ; jnz >interpret ; ret ; interpret:);
    emit_interpret(code, mapping, indirect);
}

/// The code of [`Trampolines::interpret`], likewise.
pub fn emit_interpret(code: &mut Assembler, mapping: &Mapping, indirect: usize) {
    for (guest, host) in mapping.hosts {
        dynasm!(code ; .arch x64 ; mov [rbp + offset(guest)], Rq(host));
    }
    dynasm!(code ; .arch x64
        ; mov rsi, [rsp + 8]
        ; mov [rsi + BUDGET_FIELD], r15
        ; mov rdi, rbp
        ; sub rsp, 8
        ; call QWORD [rsi + INTERPRET_FIELD]
        ; add rsp, 8
        ; cmp eax, LEAVE as i32
        ; jae >leave
    );
    for (guest, host) in mapping.hosts {
        dynasm!(code ; .arch x64 ; mov Rq(host), [rbp + offset(guest)]);
    }
    dynasm!(code ; .arch x64
        ; ret
        ; leave:
        ; lea rsp, [rsp + 8]
        ; mov rcx, [rsp]
        ; jne >elsewhere
    );
    emit_leave(code, Exit::Interpreted);
    dynasm!(code ; .arch x64 ; elsewhere: ; mov r15, [rcx + BUDGET_FIELD]);
    load_registers(code);
    dynasm!(code ; .arch x64 ; mov rcx, [rbp + layout::PC as i32] ; jmp extern indirect);
}

/// Keeps all registers of a function around a call that has its arguments already. Optimised loops have nothing in XMM registers.
fn emit_stub(code: &mut Assembler, call: impl Fn(&mut Assembler)) {
    // Nine of them, and the return address: the stack is on a boundary of 16 bytes.
    dynasm!(code ; .arch x64
        ; push rax ; push rcx ; push rdx ; push rsi ; push rdi ; push r8 ; push r9 ; push r10 ; push r11
    );
    call(code);
    dynasm!(code ; .arch x64
        ; pop r11 ; pop r10 ; pop r9 ; pop r8 ; pop rdi ; pop rsi ; pop rdx ; pop rcx ; pop rax
        ; ret
    );
}

/// The exits that leave an address (RCX) in the hart's PC.
fn emit_exit_at(code: &mut Assembler, exit: Exit) {
    save_registers(code);
    dynasm!(code ; .arch x64
        ; mov [rbp + layout::PC as i32], rcx
        ; mov rcx, [rsp]
    );
    emit_exit(code, exit);
}

/// With the environment in RCX.
fn emit_exit(code: &mut Assembler, exit: Exit) {
    dynasm!(code ; .arch x64 ; mov [rcx + BUDGET_FIELD], r15);
    emit_leave(code, exit);
}

fn emit_leave(code: &mut Assembler, exit: Exit) {
    dynasm!(code ; .arch x64
        ; mov QWORD [rcx + EXIT_FIELD], exit as i32
        ; add rsp, 24
        ; pop r15 ; pop r14 ; pop r13 ; pop r12 ; pop rbp ; pop rbx
        ; ret
    );
}

/// From the host's registers to the hart.
pub fn save_registers(code: &mut Assembler) {
    for (guest, host) in MAPPED {
        dynasm!(code ; .arch x64 ; mov [rbp + offset(guest)], Rq(host));
    }
}

/// And back.
pub fn load_registers(code: &mut Assembler) {
    for (guest, host) in MAPPED {
        dynasm!(code ; .arch x64 ; mov Rq(host), [rbp + offset(guest)]);
    }
}
