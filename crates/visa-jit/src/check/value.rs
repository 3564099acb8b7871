//! What the host's registers and the guest's slots are known to hold.

use std::rc::Rc;

use crate::registers::{BUDGET, MAPPED};

/// A bit for each register of the guest, and for [`NEW`] and [`OTHER_WAY`].
pub type Bits = u64;

/// Instead of a register: what the step that is under way has computed.
pub const NEW: u8 = 32;
/// In a conditional move: what its register is if the branch is not taken.
pub const OTHER_WAY: u8 = 33;

/// The bit of a register.
pub fn bit(register: u8) -> Bits {
    1 << register
}

/// What is known of a value, apart from which registers it equals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kind {
    #[default]
    Unknown,
    /// Made by generated code from what it may use.
    Temporary,
    Constant(u64),
    /// The instructions that may still retire, less what the code up to here has retired, plus so many.
    Budget(i64),
    /// [`visa_mmu::tlb::Tlb::generation`].
    Generation,
    /// How far an address is into the page that a place predicts.
    Within(usize),
    /// The environment of generated code.
    Environment,
    /// What the runtime has said: after an instruction was interpreted, and after a refill.
    Interpreted,
    Refilled,
    /// The low half of a floating-point register, which may not be boxed.
    Raw(u8),
    /// In a general register: the bits of a floating-point register.
    FloatBits(u8),
}

/// A value: which of the guest's registers it equals now. Integer registers if it is in a general register or an integer slot, else
/// floating-point registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Value {
    /// Whole registers.
    pub full: Bits,
    /// Their low halves; of floating-point registers, what single precision takes them for. All of `full` are in it.
    pub low: Bits,
    pub kind: Kind,
}

impl Value {
    /// A register of the guest, as it is.
    pub fn of(register: u8) -> Value {
        Value { full: bit(register), low: bit(register), kind: Kind::Unknown }
    }

    pub fn of_kind(kind: Kind) -> Value {
        Value { kind, ..Value::default() }
    }

    pub fn holds(&self, register: u8) -> bool {
        self.full & bit(register) != 0
    }

    pub fn holds_low(&self, register: u8) -> bool {
        self.low & bit(register) != 0
    }

    /// What the slot of a floating-point register holds: its new value, or that which it had.
    pub fn held_in_slot(&self, register: u8) -> Option<u8> {
        [NEW, register].into_iter().find(|held| self.holds(*held))
    }

    /// What is known of both.
    fn meet(&mut self, other: &Value) -> bool {
        let met = Value {
            full: self.full & other.full,
            low: self.low & other.low,
            kind: if self.kind == other.kind { self.kind } else { Kind::Unknown },
        };
        let changed = met != *self;
        *self = met;
        changed
    }
}

/// What the host's flags say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Flags {
    #[default]
    Unknown,
    /// How two values compare, by so many bits.
    Compared(Value, Value, u32),
    /// Whether ZF is set.
    Zero(bool),
    /// Whether generated code goes on after an instruction that was interpreted.
    Interpreted,
    /// ZF: the first level knows the address now.
    Refilled,
    /// ZF: predictions are of the TLB's generation.
    Generation,
    /// Carry: an address is in the page that a place predicts.
    Predicted(usize),
    /// ZF: a floating-point register is boxed.
    Boxed(u8),
}

/// What predicted pages are worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Predictions {
    /// Entries of the TLB may have gone since they were made.
    Old,
    /// They are being forgotten: the next place to be.
    Forgetting(usize),
    /// The TLB's first level backs each.
    Valid,
}

/// What is known at a place in generated code.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// General registers of the host.
    pub general: [Value; 16],
    /// The hart's integer registers.
    pub slots: [Value; 32],
    /// What has floating-point registers: most code leaves it alone, and then many states share it.
    pub floats: Rc<Floats>,
    /// What generated code has pushed.
    pub stack: Vec<Value>,
    /// Registers that hold words, 32 bits sign-extended.
    pub words: Bits,
    /// Floating-point registers that are boxed singles, and one that is not.
    pub boxed: Bits,
    pub not_boxed: Option<u8>,
    pub flags: Flags,
    pub predictions: Predictions,
    /// The place whose prediction is right.
    pub predicted: Option<usize>,
    /// The budget that was given to the environment.
    pub given: Option<i64>,
    /// Operands that the step has read, integer and floating-point registers.
    pub read: Bits,
    pub float_read: Bits,
    /// In a conditional move: what is not executed has gone back into the budget.
    pub given_back: bool,
}

impl State {
    /// All registers are in the hart, and nowhere else.
    pub fn all_in_slots(&mut self) {
        let State { slots, floats, .. } = State::entered();
        (self.slots, self.floats) = (slots, floats);
        self.general = [Value::default(); 16];
        for (guest, _) in MAPPED {
            self.slots[guest as usize] = Value::of(guest);
        }
    }

    /// As blocks and regions are entered: registers in their usual places, whose slots hold something else.
    pub fn entered() -> State {
        let mut state = State {
            general: [Value::default(); 16],
            slots: std::array::from_fn(|register| Value::of(register as u8)),
            floats: Rc::new(Floats {
                vector: [Value::default(); 16],
                slots: std::array::from_fn(|register| Value::of(register as u8)),
            }),
            stack: Vec::new(),
            words: bit(0),
            boxed: 0,
            not_boxed: None,
            flags: Flags::Unknown,
            predictions: Predictions::Old,
            predicted: None,
            given: None,
            read: 0,
            float_read: 0,
            given_back: false,
        };
        state.slots[0] = Value::default();
        for (guest, host) in MAPPED {
            state.general[host as usize] = Value::of(guest);
            state.slots[guest as usize] = Value::default();
        }
        state.general[BUDGET as usize] = Value::of_kind(Kind::Budget(0));
        state
    }

    /// Keeps what is known on another way to the same place, too. True: that is less than before.
    pub fn meet(&mut self, other: &State) -> bool {
        let mut changed = false;
        let pairs = [
            (&mut self.general[..], &other.general[..]),
            (&mut self.slots[..], &other.slots[..]),
            (&mut self.stack[..], &other.stack[..]),
        ];
        for (ours, theirs) in pairs {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                changed |= ours.meet(theirs);
            }
        }
        if !Rc::ptr_eq(&self.floats, &other.floats) {
            let ours = Rc::make_mut(&mut self.floats);
            for (ours, theirs) in ours.all().zip(other.floats.vector.iter().chain(&other.floats.slots)) {
                changed |= ours.meet(theirs);
            }
        }
        let mut bits = |ours: &mut Bits, theirs: Bits| {
            changed |= *ours & !theirs != 0;
            *ours &= theirs;
        };
        bits(&mut self.words, other.words);
        bits(&mut self.boxed, other.boxed);
        bits(&mut self.read, other.read);
        bits(&mut self.float_read, other.float_read);
        changed |= differ(&mut self.not_boxed, &other.not_boxed, None);
        changed |= differ(&mut self.flags, &other.flags, Flags::Unknown);
        changed |= differ(&mut self.predictions, &other.predictions, Predictions::Old);
        changed |= differ(&mut self.predicted, &other.predicted, None);
        changed |= differ(&mut self.given_back, &other.given_back, false);
        changed | differ(&mut self.given, &other.given, None)
    }

    /// Every value that may equal integer registers.
    pub fn integers(&mut self) -> impl Iterator<Item = &mut Value> {
        self.general.iter_mut().chain(&mut self.slots).chain(&mut self.stack)
    }

    /// What has floating-point registers, to be changed.
    pub fn floats_mut(&mut self) -> &mut Floats {
        Rc::make_mut(&mut self.floats)
    }

    /// XMM registers hold nothing any more.
    pub fn forget_vector(&mut self) {
        let nothing = [Value::default(); 16];
        if self.floats.vector != nothing {
            self.floats_mut().vector = nothing;
        }
    }
}

/// What has floating-point registers.
#[derive(Clone, PartialEq, Debug)]
pub struct Floats {
    /// XMM registers.
    pub vector: [Value; 16],
    /// The hart's registers.
    pub slots: [Value; 32],
}

impl Floats {
    /// Every value.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Value> {
        self.vector.iter_mut().chain(&mut self.slots)
    }
}

/// Two facts that are different make an unknown one. True: it was known.
fn differ<T: PartialEq>(ours: &mut T, theirs: &T, unknown: T) -> bool {
    if *ours == *theirs || *ours == unknown {
        return false;
    }
    *ours = unknown;
    true
}
