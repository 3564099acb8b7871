//! Where the guest's registers are while generated code runs.
//!
//! Ten of them stay in host registers from one block to the next: those that compressed instructions name, the return
//! address and the stack pointer, since compilers use them most. The others are in the hart, where instructions of the
//! host take them as memory operands.

use visa_core::layout;

/// Host registers by number, as the encoder takes them; RBP is the hart's address, RSP the environment's frame. Temporary.
pub const RAX: u8 = 0;
/// Temporary; addresses, and counts of shifts.
pub const RCX: u8 = 1;
/// Temporary.
pub const RDX: u8 = 2;
/// Instructions that may still retire before the engine must look around; counts down.
pub const BUDGET: u8 = 15;

/// The guest's registers that are in host registers: (guest, host).
pub const MAPPED: [(u8, u8); 10] = [
    (1, 3),   // ra: rbx
    (2, 12),  // sp: r12
    (8, 13),  // s0: r13
    (9, 14),  // s1: r14
    (10, 7),  // a0: rdi
    (11, 6),  // a1: rsi
    (12, 8),  // a2: r8
    (13, 9),  // a3: r9
    (14, 10), // a4: r10
    (15, 11), // a5: r11
];

/// How often an inner loop must name a register at least to be worth the moves at its ends.
const OCCURRENCES: u32 = 2;

/// Where a register of the guest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// R0: nowhere.
    Zero,
    /// In a host register.
    Host(u8),
    /// At an offset from the hart.
    Memory(i32),
}

/// Which registers of the guest are in host registers.
#[derive(Clone)]
pub struct Mapping {
    places: [Place; 32],
    /// (guest, host), one for each host register of [`MAPPED`].
    pub hosts: [(u8, u8); MAPPED.len()],
    /// Registers of the guest whose slot in the hart may hold an older value than their host register, while the mapping is in
    /// force.
    stale: u32,
}

impl Mapping {
    /// The mapping between blocks.
    pub fn usual() -> Mapping {
        Mapping::of(MAPPED, u32::MAX)
    }

    fn of(hosts: [(u8, u8); MAPPED.len()], stale: u32) -> Mapping {
        let mut places: [Place; 32] = std::array::from_fn(|register| Place::Memory(offset(register as u8)));
        places[0] = Place::Zero;
        for (guest, host) in hosts {
            places[guest as usize] = Place::Host(host);
        }
        Mapping { places, hosts, stale }
    }

    /// A mapping for a loop in which registers occur so often: those that occur more take the places of those that occur
    /// less. `written` has a bit for each register that the loop writes: what it does not write is either loaded from its slot when
    /// the loop is entered, or stays where it was between blocks, and then [`Mapping::kept_for`] says which of those must be
    /// stored there.
    pub fn of_loop(weights: &[u32; 32], written: u32) -> Mapping {
        let mut hosts = MAPPED;
        hosts.sort_by_key(|(guest, _)| weights[*guest as usize]);
        let usual = |register: u8| MAPPED.iter().any(|(guest, _)| *guest == register);
        let mut others: Vec<u8> = (1..32).filter(|&register| !usual(register)).collect();
        others.sort_by_key(|&register| std::cmp::Reverse(weights[register as usize]));
        for (place, other) in hosts.iter_mut().zip(others) {
            if weights[other as usize] <= weights[place.0 as usize] {
                break;
            }
            place.0 = other;
        }
        Mapping::of(hosts, written)
    }

    /// This mapping, but that in an inner loop the registers that it uses most, and are in memory, take the places of those
    /// that it does not use. `weights` says how often it uses each.
    pub fn of_inner_loop(&self, weights: &[u32; 32]) -> Mapping {
        let in_memory = |register: &u8| matches!(self.place(*register), Place::Memory(_));
        let mut wanted: Vec<u8> =
            (1..32).filter(in_memory).filter(|&register| weights[register as usize] >= OCCURRENCES).collect();
        wanted.sort_by_key(|&register| std::cmp::Reverse(weights[register as usize]));
        let mut hosts = self.hosts;
        let unused = hosts.iter_mut().filter(|(guest, _)| weights[*guest as usize] == 0);
        for (place, register) in unused.zip(wanted) {
            place.0 = register;
        }
        Mapping::of(hosts, self.stale)
    }

    /// Where a register of the guest is.
    pub fn place(&self, register: u8) -> Place {
        self.places[register as usize & 31]
    }

    /// This mapping, but with one register of the guest in a temporary one of the host.
    pub fn with_temporary(&self, register: u8, host: u8) -> Mapping {
        let mut mapping = self.clone();
        mapping.places[register as usize & 31] = Place::Host(host);
        mapping
    }

    /// Whether the slot of a register of the guest may be older than its host register.
    pub fn is_stale(&self, register: u8) -> bool {
        self.stale >> (register & 31) & 1 != 0
    }

    /// Registers that this mapping, of a loop, leaves where they are between blocks, that the loop does not write, and that an inner
    /// mapping displaces: (guest, host). Their slots hold what they held when the register was last stored, so they must be stored
    /// once before the loop.
    pub fn kept_for<'a>(&'a self, inner: &'a [Mapping]) -> impl Iterator<Item = (u8, u8)> + 'a {
        let kept = MAPPED.into_iter().filter(|&(guest, host)| self.place(guest) == Place::Host(host));
        kept.filter(move |&(guest, host)| {
            let displaced = inner.iter().any(|mapping| mapping.place(guest) != Place::Host(host));
            displaced && !self.is_stale(guest)
        })
    }

    /// The host registers that another mapping uses otherwise: (host, guest here, guest there).
    pub fn changes<'a>(&'a self, to: &'a Mapping) -> impl Iterator<Item = (u8, u8, u8)> + 'a {
        self.hosts.iter().filter_map(|&(here, host)| {
            let there = to.hosts.iter().find(|(_, other)| *other == host).map_or(here, |(guest, _)| *guest);
            (here != there).then_some((host, here, there))
        })
    }
}

/// The offset of an integer register in the hart.
pub const fn offset(register: u8) -> i32 {
    (layout::INTEGER + 8 * register as usize) as i32
}
