//! Code that all blocks share: entering and leaving, and calls of what is not generated.

// The assembler's macro converts register numbers, whatever their type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use visa_core::{Hart, layout};

use crate::coverage::{self, Point, Tier};
use crate::emit::{self, Assembler};
use crate::memory::CodeMemory;
use crate::optimise::data;
use crate::registers::{MAPPED, Mapping, RCX, RDX, offset};
use crate::runtime::{Environment, Exit, LEAVE, field};

/// Code that every block uses, by its address.
pub struct Trampolines {
    enter: usize,
    /// Called with a record in RDX: has the interpreter execute it. Returns, with ZF clear, if the next instruction may follow.
    pub interpret: usize,
    /// Called with a record in RDX and the address of its access, which the TLB's first level does not know, in RCX. Returns
    /// with ZF set if it knows now and the record is to be executed; otherwise does what `interpret` does.
    pub access: usize,
    /// Called with how many instructions of the block are left in RAX: asks the environment for the time. Spoils XMM
    /// registers and RCX.
    pub time: usize,
    /// Likewise: asks it whether an interrupt would come if the kernel allowed it.
    pub interrupt: usize,
    /// Jumped to with a link's number in EAX.
    pub exit_link: usize,
    /// Jumped to with the target in RCX.
    pub exit_indirect: usize,
    /// Jumped to with the block's address in RCX and the budget restored.
    pub exit_budget: usize,
    /// Jumped to with the block's address in RCX, the budget untouched.
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

/// Where a block finds the environment's table of jumps: at this offset from the stack pointer. The environment itself is
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
                emit_stub(code, |code| dynasm!(code ; .arch x64 ; call QWORD [r8 + field::FIND]))
            }),
            forget: at(&|code| {
                let forget = data::forget as *const () as i64;
                emit_stub(code, |code| dynasm!(code ; .arch x64 ; mov rax, QWORD forget ; call rax));
            }),
            exit_short: at(&|code| emit_exit_at(code, Exit::Short)),
            enter: at(&emit_enter),
            interpret: at(&|code| emit_interpret(code, &Mapping::usual(), indirect)),
            access: at(&|code| emit_access(code, &Mapping::usual(), indirect)),
            time: at(&|code| emit_question(code, field::TIME)),
            interrupt: at(&|code| emit_question(code, field::INTERRUPT)),
            exit_link: at(&|code| {
                save_registers(code);
                dynasm!(code ; .arch x64 ; mov rcx, [rsp] ; mov [rcx + field::LINK], rax);
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
    /// `code` is the address of a block that is alive, translated from what the hart's next instruction is; the hart's
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
        ; mov rcx, [rdx + field::JUMPS]
        ; mov [rsp + JUMPS_SLOT], rcx
        ; mov r15, [rdx + field::BUDGET]
    );
    load_registers(code);
    dynasm!(code ; .arch x64 ; jmp rax);
}

/// The registers that calls do not keep, of those that hold the guest's.
const UNSAVED: [u8; 6] = [7, 6, 8, 9, 10, 11];

/// Calls a function of the environment with the hart, the environment, and what `arguments` adds. Of the guest's registers
/// in the host's all stay, and so does `kept`. The function finds the stack as it needs it if one more register, or a
/// return address, is on it.
fn emit_call(code: &mut Assembler, kept: u8, field: i32, arguments: impl Fn(&mut Assembler)) {
    for host in UNSAVED {
        dynasm!(code ; .arch x64 ; push Rq(host));
    }
    let pushed = 8 * (UNSAVED.len() as i32 + 2);
    dynasm!(code ; .arch x64 ; push Rq(kept) ; mov rdi, rbp ; mov rsi, [rsp + pushed]);
    arguments(code);
    dynasm!(code ; .arch x64 ; call QWORD [rsi + field] ; pop Rq(kept));
    for host in UNSAVED.into_iter().rev() {
        dynasm!(code ; .arch x64 ; pop Rq(host));
    }
}

/// The code of [`Trampolines::fetch`]. What need not be executed now is not fetched, either: an interrupt may come first.
fn emit_fetch(code: &mut Assembler, exit: usize) {
    dynasm!(code ; .arch x64 ; test r15, r15 ; jg >wanted ; jmp extern exit ; wanted: ; push rcx);
    emit_call(code, RCX, field::FETCH, |code| dynasm!(code ; .arch x64 ; mov rdx, rcx));
    dynasm!(code ; .arch x64 ; pop rcx ; test eax, eax ; jnz >known ; jmp extern exit ; known:);
    emit::jump_by_table(code, exit, exit);
}

/// The code of [`Trampolines::time`] and [`Trampolines::interrupt`].
fn emit_question(code: &mut Assembler, field: i32) {
    emit_call(code, RDX, field, |code| {
        dynasm!(code ; .arch x64 ; mov [rsi + field::BUDGET], r15 ; mov rdx, rax);
    });
    dynasm!(code ; .arch x64 ; ret);
}

/// The code of [`Trampolines::access`], while the guest's registers are where a mapping says; `indirect` is that trampoline.
pub fn emit_access(code: &mut Assembler, mapping: &Mapping, indirect: usize) {
    emit_call(code, RDX, field::REFILL, |code| dynasm!(code ; .arch x64 ; xchg rcx, rdx));
    dynasm!(code ; .arch x64 ; test eax, eax ; jnz >interpret ; ret ; interpret:);
    emit_interpret(code, mapping, indirect);
}

/// The code of [`Trampolines::interpret`], likewise.
pub fn emit_interpret(code: &mut Assembler, mapping: &Mapping, indirect: usize) {
    for (guest, host) in mapping.hosts {
        dynasm!(code ; .arch x64 ; mov [rbp + offset(guest)], Rq(host));
    }
    dynasm!(code ; .arch x64
        ; mov rsi, [rsp + 8]
        ; mov [rsi + field::BUDGET], r15
        ; mov rdi, rbp
        ; sub rsp, 8
        ; call QWORD [rsi + field::INTERPRET]
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
    coverage::emit_point(code, Tier::Shared, Point::InterpretedLeaves);
    emit_leave(code, Exit::Interpreted);
    dynasm!(code ; .arch x64 ; elsewhere:);
    coverage::emit_point(code, Tier::Shared, Point::InterpretedJumps);
    dynasm!(code ; .arch x64 ; mov r15, [rcx + field::BUDGET]);
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
    dynasm!(code ; .arch x64 ; mov [rcx + field::BUDGET], r15);
    emit_leave(code, exit);
}

fn emit_leave(code: &mut Assembler, exit: Exit) {
    dynasm!(code ; .arch x64
        ; mov QWORD [rcx + field::EXIT], exit as i32
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
