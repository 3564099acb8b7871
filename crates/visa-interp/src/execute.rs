//! What each instruction does, in the order of the table.

use visa_core::memory::MemoryPort;
use visa_core::{Hart, Stop};
use visa_isa::cause::Exception;
use visa_isa::{Instruction, Op};
use visa_mem::{AccessSize, Platform};

use crate::atomic::{atomic, load_reserved, store_conditional};
use crate::bitmanip::{or_combine_bytes, rotate_left_word, rotate_right_word, word};
use crate::float::{Double, Single};
use crate::flow::Flow;
use crate::system::{change_msr, enter_guest, fence_translations, flush_nested, optional};
use crate::{float, muldiv};

fn low(value: u64) -> u64 {
    value as u32 as u64
}

/// Executes one instruction. An error means that it has had no effect.
#[inline(always)]
pub fn execute<P: Platform>(
    hart: &mut Hart,
    memory: &mut MemoryPort<P>,
    i: &Instruction,
) -> Result<Flow, Stop> {
    use AccessSize::{Byte, Double as DoubleWord, Half, Word};
    let pc = hart.state.bank.pc;
    let next = pc.wrapping_add(i.length as u64);
    let imm = i.imm as i64 as u64;
    let a = hart.state.r(i.rs1);
    let b = hart.state.r(i.rs2);
    let address = a.wrapping_add(imm);
    let branch = |taken: bool| Ok(if taken { Flow::Jump(pc.wrapping_add(imm)) } else { Flow::Next });

    // Each arm computes the value of rd, or returns because there is none.
    let value = match i.op {
        // base
        Op::Lui => imm,
        Op::Auipc => pc.wrapping_add(imm),
        Op::Jal => {
            hart.state.set_r(i.rd, next);
            return Ok(Flow::Jump(pc.wrapping_add(imm)));
        }
        Op::Jalr => {
            hart.state.set_r(i.rd, next);
            return Ok(Flow::Jump(address & !1));
        }
        Op::Beq => return branch(a == b),
        Op::Bne => return branch(a != b),
        Op::Blt => return branch((a as i64) < b as i64),
        Op::Bge => return branch(a as i64 >= b as i64),
        Op::Bltu => return branch(a < b),
        Op::Bgeu => return branch(a >= b),
        Op::Lb => hart.load(memory, address, Byte)? as i8 as u64,
        Op::Lh => hart.load(memory, address, Half)? as i16 as u64,
        Op::Lw => hart.load(memory, address, Word)? as i32 as u64,
        Op::Ld => hart.load(memory, address, DoubleWord)?,
        Op::Lbu => hart.load(memory, address, Byte)?,
        Op::Lhu => hart.load(memory, address, Half)?,
        Op::Lwu => hart.load(memory, address, Word)?,
        Op::Sb => return hart.store(memory, address, Byte, b).map(|()| Flow::Next),
        Op::Sh => return hart.store(memory, address, Half, b).map(|()| Flow::Next),
        Op::Sw => return hart.store(memory, address, Word, b).map(|()| Flow::Next),
        Op::Sd => return hart.store(memory, address, DoubleWord, b).map(|()| Flow::Next),
        Op::Addi => a.wrapping_add(imm),
        Op::Slti => ((a as i64) < imm as i64) as u64,
        Op::Sltiu => (a < imm) as u64,
        Op::Xori => a ^ imm,
        Op::Ori => a | imm,
        Op::Andi => a & imm,
        Op::Slli => a << (imm & 63),
        Op::Srli => a >> (imm & 63),
        Op::Srai => (a as i64 >> (imm & 63)) as u64,
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Sll => a << (b & 63),
        Op::Slt => ((a as i64) < b as i64) as u64,
        Op::Sltu => (a < b) as u64,
        Op::Xor => a ^ b,
        Op::Srl => a >> (b & 63),
        Op::Sra => (a as i64 >> (b & 63)) as u64,
        Op::Or => a | b,
        Op::And => a & b,
        Op::Addiw => word(a.wrapping_add(imm)),
        Op::Slliw => word(a << (imm & 31)),
        Op::Srliw => word(low(a) >> (imm & 31)),
        Op::Sraiw => (a as i32 >> (imm & 31)) as u64,
        Op::Addw => word(a.wrapping_add(b)),
        Op::Subw => word(a.wrapping_sub(b)),
        Op::Sllw => word(a << (b & 31)),
        Op::Srlw => word(low(a) >> (b & 31)),
        Op::Sraw => (a as i32 >> (b & 31)) as u64,
        Op::Pause => return hart.pause().map(|()| Flow::Next),
        // One hart runs at a time and each sees memory in program order, so that fences order what is in order.
        Op::FenceTso | Op::Fence => return Ok(Flow::Next),
        // Stores to code are seen at once; what devices wrote is seen from here on.
        Op::FenceI => {
            hart.pending_work = true;
            return Ok(Flow::Next);
        }
        Op::Ecall => return Err(hart.environment_call()),
        Op::Ebreak => return Err(Stop::Exception(Exception::Breakpoint, pc)),

        // muldiv
        Op::Mul => a.wrapping_mul(b),
        Op::Mulh => ((a as i64 as i128 * b as i64 as i128) >> 64) as u64,
        Op::Mulhsu => ((a as i64 as i128).wrapping_mul(b as i128) >> 64) as u64,
        Op::Mulhu => ((a as u128 * b as u128) >> 64) as u64,
        Op::Div => muldiv::divide(a as i64, b as i64) as u64,
        Op::Divu => a.checked_div(b).unwrap_or(u64::MAX),
        Op::Rem => muldiv::remainder(a as i64, b as i64) as u64,
        Op::Remu => a.checked_rem(b).unwrap_or(a),
        Op::Mulw => word(a.wrapping_mul(b)),
        Op::Divw => word(muldiv::divide(a as i32 as i64, b as i32 as i64) as u64),
        Op::Divuw => word(low(a).checked_div(low(b)).unwrap_or(u64::MAX)),
        Op::Remw => word(muldiv::remainder(a as i32 as i64, b as i32 as i64) as u64),
        Op::Remuw => word(low(a).checked_rem(low(b)).unwrap_or(a)),

        // atomic
        Op::LrW => word(load_reserved(hart, memory, a, Word)?),
        Op::LrD => load_reserved(hart, memory, a, DoubleWord)?,
        Op::ScW => store_conditional(hart, memory, a, Word, b)?,
        Op::ScD => store_conditional(hart, memory, a, DoubleWord, b)?,
        Op::AmoswapW => atomic(hart, memory, a, Word, |_| b)?,
        Op::AmoaddW => atomic(hart, memory, a, Word, |old| old.wrapping_add(b))?,
        Op::AmoxorW => atomic(hart, memory, a, Word, |old| old ^ b)?,
        Op::AmoandW => atomic(hart, memory, a, Word, |old| old & b)?,
        Op::AmoorW => atomic(hart, memory, a, Word, |old| old | b)?,
        Op::AmominW => atomic(hart, memory, a, Word, |old| (old as i32).min(b as i32) as u64)?,
        Op::AmomaxW => atomic(hart, memory, a, Word, |old| (old as i32).max(b as i32) as u64)?,
        Op::AmominuW => atomic(hart, memory, a, Word, |old| (old as u32).min(b as u32) as u64)?,
        Op::AmomaxuW => atomic(hart, memory, a, Word, |old| (old as u32).max(b as u32) as u64)?,
        Op::AmoswapD => atomic(hart, memory, a, DoubleWord, |_| b)?,
        Op::AmoaddD => atomic(hart, memory, a, DoubleWord, |old| old.wrapping_add(b))?,
        Op::AmoxorD => atomic(hart, memory, a, DoubleWord, |old| old ^ b)?,
        Op::AmoandD => atomic(hart, memory, a, DoubleWord, |old| old & b)?,
        Op::AmoorD => atomic(hart, memory, a, DoubleWord, |old| old | b)?,
        Op::AmominD => atomic(hart, memory, a, DoubleWord, |old| (old as i64).min(b as i64) as u64)?,
        Op::AmomaxD => atomic(hart, memory, a, DoubleWord, |old| (old as i64).max(b as i64) as u64)?,
        Op::AmominuD => atomic(hart, memory, a, DoubleWord, |old| old.min(b))?,
        Op::AmomaxuD => atomic(hart, memory, a, DoubleWord, |old| old.max(b))?,

        // float
        Op::Flw => return float::load(hart, memory, i, address, Word),
        Op::Fld => return float::load(hart, memory, i, address, DoubleWord),
        Op::Fsw => return float::store(hart, memory, i, address, Word),
        Op::Fsd => return float::store(hart, memory, i, address, DoubleWord),
        Op::FmaddS => return float::ternary::<Single>(hart, i, visa_float::fmadd_f32),
        Op::FmsubS => return float::ternary::<Single>(hart, i, visa_float::fmsub_f32),
        Op::FnmsubS => return float::ternary::<Single>(hart, i, visa_float::fnmsub_f32),
        Op::FnmaddS => return float::ternary::<Single>(hart, i, visa_float::fnmadd_f32),
        Op::FaddS => return float::binary::<Single>(hart, i, visa_float::add_f32),
        Op::FsubS => return float::binary::<Single>(hart, i, visa_float::sub_f32),
        Op::FmulS => return float::binary::<Single>(hart, i, visa_float::mul_f32),
        Op::FdivS => return float::binary::<Single>(hart, i, visa_float::div_f32),
        Op::FsqrtS => return float::unary::<Single, Single>(hart, i, visa_float::sqrt_f32),
        Op::FsgnjS => return float::select::<Single>(hart, i, float::quiet(visa_float::sgnj_f32)),
        Op::FsgnjnS => return float::select::<Single>(hart, i, float::quiet(visa_float::sgnjn_f32)),
        Op::FsgnjxS => return float::select::<Single>(hart, i, float::quiet(visa_float::sgnjx_f32)),
        Op::FminS => return float::select::<Single>(hart, i, visa_float::min_f32),
        Op::FmaxS => return float::select::<Single>(hart, i, visa_float::max_f32),
        Op::FcvtWS => float::to_integer::<Single, i32>(hart, i, visa_float::f32_to_i32)? as u64,
        Op::FcvtWuS => float::to_integer::<Single, u32>(hart, i, visa_float::f32_to_u32)? as i32 as u64,
        Op::FcvtLS => float::to_integer::<Single, i64>(hart, i, visa_float::f32_to_i64)? as u64,
        Op::FcvtLuS => float::to_integer::<Single, u64>(hart, i, visa_float::f32_to_u64)?,
        Op::FmvXW => float::bits(hart, i)? as i32 as u64,
        Op::FclassS => float::classify::<Single>(hart, i, visa_float::classify_f32)?,
        Op::FeqS => float::compare::<Single>(hart, i, visa_float::eq_f32)?,
        Op::FltS => float::compare::<Single>(hart, i, visa_float::lt_f32)?,
        Op::FleS => float::compare::<Single>(hart, i, visa_float::le_f32)?,
        Op::FcvtSW => return float::from_integer::<Single, i32>(hart, i, a as i32, visa_float::i32_to_f32),
        Op::FcvtSWu => return float::from_integer::<Single, u32>(hart, i, a as u32, visa_float::u32_to_f32),
        Op::FcvtSL => return float::from_integer::<Single, i64>(hart, i, a as i64, visa_float::i64_to_f32),
        Op::FcvtSLu => return float::from_integer::<Single, u64>(hart, i, a, visa_float::u64_to_f32),
        Op::FmvWX => return float::move_bits(hart, i, visa_float::box_f32(a as u32)),
        Op::FmaddD => return float::ternary::<Double>(hart, i, visa_float::fmadd_f64),
        Op::FmsubD => return float::ternary::<Double>(hart, i, visa_float::fmsub_f64),
        Op::FnmsubD => return float::ternary::<Double>(hart, i, visa_float::fnmsub_f64),
        Op::FnmaddD => return float::ternary::<Double>(hart, i, visa_float::fnmadd_f64),
        Op::FaddD => return float::binary::<Double>(hart, i, visa_float::add_f64),
        Op::FsubD => return float::binary::<Double>(hart, i, visa_float::sub_f64),
        Op::FmulD => return float::binary::<Double>(hart, i, visa_float::mul_f64),
        Op::FdivD => return float::binary::<Double>(hart, i, visa_float::div_f64),
        Op::FsqrtD => return float::unary::<Double, Double>(hart, i, visa_float::sqrt_f64),
        Op::FsgnjD => return float::select::<Double>(hart, i, float::quiet(visa_float::sgnj_f64)),
        Op::FsgnjnD => return float::select::<Double>(hart, i, float::quiet(visa_float::sgnjn_f64)),
        Op::FsgnjxD => return float::select::<Double>(hart, i, float::quiet(visa_float::sgnjx_f64)),
        Op::FminD => return float::select::<Double>(hart, i, visa_float::min_f64),
        Op::FmaxD => return float::select::<Double>(hart, i, visa_float::max_f64),
        Op::FcvtSD => return float::unary::<Double, Single>(hart, i, visa_float::f64_to_f32),
        Op::FcvtDS => return float::unary::<Single, Double>(hart, i, |x, _| visa_float::f32_to_f64(x)),
        Op::FeqD => float::compare::<Double>(hart, i, visa_float::eq_f64)?,
        Op::FltD => float::compare::<Double>(hart, i, visa_float::lt_f64)?,
        Op::FleD => float::compare::<Double>(hart, i, visa_float::le_f64)?,
        Op::FclassD => float::classify::<Double>(hart, i, visa_float::classify_f64)?,
        Op::FcvtWD => float::to_integer::<Double, i32>(hart, i, visa_float::f64_to_i32)? as u64,
        Op::FcvtWuD => float::to_integer::<Double, u32>(hart, i, visa_float::f64_to_u32)? as i32 as u64,
        Op::FcvtLD => float::to_integer::<Double, i64>(hart, i, visa_float::f64_to_i64)? as u64,
        Op::FcvtLuD => float::to_integer::<Double, u64>(hart, i, visa_float::f64_to_u64)?,
        Op::FcvtDW => return float::from_integer::<Double, i32>(hart, i, a as i32, visa_float::i32_to_f64),
        Op::FcvtDWu => return float::from_integer::<Double, u32>(hart, i, a as u32, visa_float::u32_to_f64),
        Op::FcvtDL => return float::from_integer::<Double, i64>(hart, i, a as i64, visa_float::i64_to_f64),
        Op::FcvtDLu => return float::from_integer::<Double, u64>(hart, i, a, visa_float::u64_to_f64),
        Op::FmvXD => float::bits(hart, i)?,
        Op::FmvDX => return float::move_bits(hart, i, a),

        // bitmanip
        Op::AddUw => low(a).wrapping_add(b),
        Op::Sh1add => (a << 1).wrapping_add(b),
        Op::Sh2add => (a << 2).wrapping_add(b),
        Op::Sh3add => (a << 3).wrapping_add(b),
        Op::Sh1addUw => (low(a) << 1).wrapping_add(b),
        Op::Sh2addUw => (low(a) << 2).wrapping_add(b),
        Op::Sh3addUw => (low(a) << 3).wrapping_add(b),
        Op::SlliUw => low(a) << (imm & 63),
        Op::Andn => a & !b,
        Op::Orn => a | !b,
        Op::Xnor => !(a ^ b),
        Op::Clz => a.leading_zeros() as u64,
        Op::Clzw => (a as u32).leading_zeros() as u64,
        Op::Ctz => a.trailing_zeros() as u64,
        Op::Ctzw => (a as u32).trailing_zeros() as u64,
        Op::Cpop => a.count_ones() as u64,
        Op::Cpopw => (a as u32).count_ones() as u64,
        Op::Max => (a as i64).max(b as i64) as u64,
        Op::Maxu => a.max(b),
        Op::Min => (a as i64).min(b as i64) as u64,
        Op::Minu => a.min(b),
        Op::SextB => a as i8 as u64,
        Op::SextH => a as i16 as u64,
        Op::ZextH => a as u16 as u64,
        Op::Rol => a.rotate_left(b as u32 & 63),
        Op::Rolw => rotate_left_word(a, b),
        Op::Ror => a.rotate_right(b as u32 & 63),
        Op::Rorw => rotate_right_word(a, b),
        Op::Rori => a.rotate_right(imm as u32 & 63),
        Op::Roriw => rotate_right_word(a, imm),
        Op::OrcB => or_combine_bytes(a),
        Op::Rev8 => a.swap_bytes(),
        Op::Bclr => a & !(1 << (b & 63)),
        Op::Bclri => a & !(1 << (imm & 63)),
        Op::Bext => a >> (b & 63) & 1,
        Op::Bexti => a >> (imm & 63) & 1,
        Op::Binv => a ^ 1 << (b & 63),
        Op::Binvi => a ^ 1 << (imm & 63),
        Op::Bset => a | 1 << (b & 63),
        Op::Bseti => a | 1 << (imm & 63),

        // system
        Op::Csrrw | Op::Csrrs | Op::Csrrc => return change_msr(hart, memory.platform, i, a),
        Op::Csrrwi | Op::Csrrsi | Op::Csrrci => return change_msr(hart, memory.platform, i, i.rs1 as u64),
        Op::Sret => return hart.return_from_kernel().map(Flow::Jump),
        Op::Wfi => return hart.halt().map(|()| Flow::Next),
        Op::SfenceVma => return fence_translations(hart, i, a, b),

        // vm
        Op::Vmenter => return enter_guest(hart, memory.platform, next, Some(a)),
        Op::Vmresume => return enter_guest(hart, memory.platform, next, None),
        Op::Vmexit => return Err(hart.vmexit_instruction()),
        Op::Vmsave => return hart.vmsave(memory.platform, optional(i.rs1, a)).map(|()| Flow::Next),
        Op::Vmload => return hart.vmload(memory.platform, optional(i.rs1, a)).map(|()| Flow::Next),
        Op::Vmcause => hart.last_cause()?,
        Op::Hvret => return hart.return_in_hypervisor().map(Flow::Jump),

        // paging
        Op::Ldgptbr => {
            return hart.load_table_base(memory.platform, visa_isa::msr::GPTBR, a).map(|()| Flow::Next);
        }
        Op::Ldhptbr => {
            return hart.load_table_base(memory.platform, visa_isa::msr::HPTBR, a).map(|()| Flow::Next);
        }
        Op::Tlbflushv => return flush_nested(hart, i, a, b),

        // io
        Op::Iovmap => return hart.iovmap(memory.platform, a).map(|()| Flow::Next),
        Op::Iovmask => return hart.iovmask(memory.platform, a, b).map(|()| Flow::Next),
        Op::Inb => hart.port_in(memory.platform, address as u16, Byte)?,
        Op::Inh => hart.port_in(memory.platform, address as u16, Half)?,
        Op::Inw => hart.port_in(memory.platform, address as u16, Word)?,
        Op::Outb => return hart.port_out(memory.platform, address as u16, Byte, b).map(|()| Flow::Next),
        Op::Outh => return hart.port_out(memory.platform, address as u16, Half, b).map(|()| Flow::Next),
        Op::Outw => return hart.port_out(memory.platform, address as u16, Word, b).map(|()| Flow::Next),

        // vic
        Op::VintSend => return hart.vint_send(a).map(|()| Flow::Next),
        Op::VintAck => hart.vint_ack()?,
        Op::VintStat => hart.vint_stat()?,
    };
    hart.state.set_r(i.rd, value);
    Ok(Flow::Next)
}
