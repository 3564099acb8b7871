//! What generated code calls, and what it shares with the engine.

use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ffi::c_void;

use visa_core::Hart;
use visa_core::memory::ResolvedAccess;
use visa_interp::{RunEnd, Slot, execute_alone, execute_slot};
use visa_isa::msr::sstatus;
use visa_isa::paging::Access;
use visa_isa::paging::PAGE_SIZE;
use visa_mem::Platform;

use crate::cache::JumpEntry;
use crate::optimise::data;

/// Why generated code came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Exit {
    /// At a jump whose target is not connected; `link` is its number.
    Link = 0,
    /// At an indirect jump whose target is not known; the hart's PC is the target.
    Indirect = 1,
    /// Before a block for which the budget does not suffice; the hart's PC is its start.
    Budget = 2,
    /// After an instruction that the interpreter executed, to look around: PC and retired count are the hart's.
    Interpreted = 3,
    /// Before a block with floating point, while the host does not compute for the guest; the hart's PC is its start.
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
    pub float: u32,
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
    /// What was resolved of the fetch that comes next, which the engine makes.
    pub resolved_fetch: Option<ResolvedAccess>,
    /// What was resolved of the load or store that comes next, whoever makes it.
    pub resolved_access: Option<ResolvedAccess>,
}

/// An instruction that generated code may have the interpreter execute.
#[derive(Clone, Copy)]
pub struct InstructionRecord {
    /// The instruction; `None`: it reaches into the next page, where something else may be each time.
    pub slot: Option<Slot>,
    /// Its address.
    pub pc: u64,
    /// The address of the next one.
    pub next: u64,
    /// Instructions of the block from it on.
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
            resolved_fetch: None,
            resolved_access: None,
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
        let dirty = !hart.state.in_guest() || hart.state.supervisor.sstatus & sstatus::FS == sstatus::FS;
        let rounding = match hart.state.bank.fcsr >> 5 & 7 {
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
    pub fn collect_flags(&self, hart: &mut Hart) {
        let mut mxcsr = 0u32;
        // SAFETY: stores MXCSR, and loads a value that is valid: what it is by default.
        unsafe {
            asm!("stmxcsr [{0}]", "ldmxcsr [{1}]", in(reg) &raw mut mxcsr, in(reg) &MXCSR_DEFAULT, options(nostack))
        };
        // MXCSR: invalid, denormal, divide by zero, overflow, underflow, inexact. FCSR: the other way round, and no denormal.
        let flags = mxcsr >> 5 & 1 | mxcsr >> 3 & 2 | mxcsr >> 1 & 4 | mxcsr << 1 & 8 | mxcsr << 4 & 16;
        hart.state.bank.fcsr |= flags;
    }

    pub fn load_mxcsr(&self) {
        // SAFETY: `use_float` has made the value: exceptions masked, a rounding mode, no reserved bits.
        unsafe { asm!("ldmxcsr [{0}]", in(reg) &self.mxcsr, options(nostack, readonly)) };
    }
}

/// Everything masked, to nearest, no flags: what Rust's code expects.
const MXCSR_DEFAULT: u32 = 0x1f80;

/// Executes the instruction of a record, and says how generated code goes on ([`NEXT`], [`LEAVE`], [`ELSEWHERE`]).
///
/// # Safety
///
/// For generated code alone: `hart`, `environment` and its platform are those of [`crate::trampolines::Trampolines::enter`]'s caller, which
/// uses none of them meanwhile; `record` is alive as long as the code that names it.
unsafe extern "C" fn interpret<P: Platform>(
    hart: *mut Hart,
    environment: *mut Environment,
    record: *const InstructionRecord,
) -> u32 {
    // SAFETY: as above; the three are different objects.
    let (hart, environment, record) = unsafe { (&mut *hart, &mut *environment, &*record) };
    // SAFETY: `Environment::new` made it from a reference to a P, and `enter` keeps that borrowed.
    let platform = unsafe { &mut *environment.platform.cast::<P>() };
    if environment.float != 0 {
        environment.collect_flags(hart);
    }
    hart.state.bank.pc = record.pc;
    let before = environment.instructions().wrapping_sub(record.left as u64);
    hart.state.instructions = before;
    environment.end = match &record.slot {
        Some(slot) => execute_slot(hart, platform, slot, environment.resolved_access.take()),
        None => execute_alone(hart, platform),
    };
    // A trap's vector may be the next instruction, but what trapped has not retired.
    let retired = hart.state.instructions == before.wrapping_add(1);
    if environment.end.is_err() || hart.pending_work {
        environment.float = 0;
        return LEAVE;
    }
    // The instruction may have changed the rounding mode, or turned floating point off.
    if environment.float != 0 && environment.use_float(hart) {
        environment.load_mxcsr();
    }
    if hart.state.bank.pc == record.next && retired {
        return NEXT;
    }
    environment.budget = environment.base.wrapping_sub(hart.state.instructions) as i64;
    ELSEWHERE
}

/// Generated code goes on with the next instruction.
const NEXT: u32 = 0;
/// The engine must look around.
pub const LEAVE: u32 = 1;
/// A trap, or a return from one: generated code goes on where the hart's PC is.
const ELSEWHERE: u32 = 2;

/// Has the first level of the TLB know the address of a record's access. 0: it does now, and the access may be made; otherwise
/// [`interpret`] must follow for the same record.
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
    record: *const InstructionRecord,
) -> u32 {
    // SAFETY: as in `interpret`.
    let (hart, environment, record) = unsafe { (&mut *hart, &mut *environment, &*record) };
    // SAFETY: as in `interpret`.
    let platform = unsafe { &mut *environment.platform.cast::<P>() };
    // Usually right, and then the walk and the access wait for memory at the same time.
    prefetch(hart.mmu.tlb.expected_place(address));
    let within = address & (PAGE_SIZE - 1) <= PAGE_SIZE - record.bytes;
    if !within {
        return 1;
    }
    let resolved = environment.resolved_access.take();
    environment.resolved_access = hart.refill(platform.ram(), address, record.access, resolved).err();
    environment.resolved_access.is_some() as u32
}

/// Has the host fetch what is at an address of its own, if there is anything.
#[inline(always)]
fn prefetch(address: u64) {
    // SAFETY: a prefetch changes nothing that a program could see, and never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address as *const i8) };
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
    let found = hart.refill_ahead(platform.ram(), pc, Access::Fetch);
    environment.resolved_fetch = found.err().flatten();
    found.is_ok() as u32
}

/// Time, as the ring in use reads it, before an instruction from which on `left` of its block are left.
///
/// # Safety
///
/// As for [`interpret`].
unsafe extern "C" fn time(hart: *mut Hart, environment: *mut Environment, left: u64) -> u64 {
    // SAFETY: as in `interpret`.
    let (hart, environment) = unsafe { (&mut *hart, &mut *environment) };
    hart.state.instructions = environment.instructions().wrapping_sub(left);
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
    hart.state.instructions = environment.instructions().wrapping_sub(left);
    hart.guest_interrupt_waits() as u64
}

/// Where generated code finds what it uses of an [`Environment`]: offsets from its start.
#[allow(missing_docs)]
pub mod field {
    use super::Environment;

    macro_rules! offsets {
        ($($name:ident = $field:ident,)*) => {
            $(pub const $name: i32 = std::mem::offset_of!(Environment, $field) as i32;)*
        };
    }

    offsets! {
        BUDGET = budget,
        EXIT = exit,
        LINK = link,
        INTERPRET = interpret,
        REFILL = refill,
        FETCH = fetch,
        TIME = time,
        INTERRUPT = interrupt,
        BASE = base,
        FLOAT = float,
        FIND = find,
        FOUND = found,
        JUMPS = jumps,
    }
}
