//! The two states of a virtual CPU: what can be done in one cannot be said of the other.

use super::report;
use crate::isolate::Translation;
use crate::sbi::{HartState, Start};
use crate::vm::{Vcpu, Vm, Vmcs};
use core::ops::{Deref, DerefMut};
use visa_guest::registers as msr;

/// What a virtual CPU has in either state.
pub struct Body {
    /// Whose it is.
    pub vm: &'static Vm,
    /// Its number in the VM.
    pub number: usize,
    /// Itself, as all see it.
    pub vcpu: &'static Vcpu,
    /// What translates for it.
    pub translation: Translation,
    vmcs: Vmcs,
}

/// A virtual CPU that its hart has loaded: what it holds is in the hart's registers, and it can be entered.
pub struct Loaded(Body);

/// A virtual CPU at rest: what it holds is in its VMCS in memory. There is one of these for each, which its hart has.
pub struct Resting(Loaded);

/// The time for which a virtual CPU is loaded: when this is dropped, it is at rest again.
pub struct Active<'a>(&'a mut Loaded);

impl Resting {
    /// A virtual CPU that has not started. Once for each.
    pub fn create(vm: &'static Vm, number: usize) -> Resting {
        let vcpu = &vm.vcpus[number];
        match vm.create_vcpu(number) {
            Ok((vmcs, translation)) => Resting(Loaded(Body { vm, number, vcpu, translation, vmcs })),
            Err(field) => report::entry_failure(Some(vcpu), field),
        }
    }

    /// Gives the guest the registers of a start, and loads it.
    pub fn start(&mut self, start: Start) -> Active<'_> {
        let number = self.number;
        self.vmcs.start(number, start);
        let mut loaded = self.load();
        loaded.translation.restart();
        loaded
    }

    /// Loads it on this hart.
    fn load(&mut self) -> Active<'_> {
        match self.vmcs.load() {
            Ok(()) => Active(&mut self.0),
            Err(field) => report::entry_failure(Some(self.vcpu), field),
        }
    }

    /// Says that the guest has stopped it.
    pub fn stopped(&self) {
        // Nothing of the guest may wake a hart that is stopped.
        // SAFETY: the guest on this hart has ended.
        unsafe { msr::sie::write(0) };
        self.vcpu.set_state(HartState::Stopped);
    }
}

impl Loaded {
    /// Stores what is live into the VMCS in memory, to be looked at there. It stays loaded.
    pub fn save(&mut self) -> &Vmcs {
        self.vmcs.save();
        &self.vmcs
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.vmcs.save();
    }
}

macro_rules! derefs {
    ($($type:ty => $target:ty;)*) => {
        $(
            impl Deref for $type {
                type Target = $target;

                #[inline(always)]
                fn deref(&self) -> &$target {
                    &self.0
                }
            }

            impl DerefMut for $type {
                #[inline(always)]
                fn deref_mut(&mut self) -> &mut $target {
                    &mut self.0
                }
            }
        )*
    };
}

derefs! {
    Loaded => Body;
    Active<'_> => Loaded;
}

// What both have, and nothing of what only a loaded one can do.
impl Deref for Resting {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.0
    }
}

impl DerefMut for Resting {
    fn deref_mut(&mut self) -> &mut Body {
        &mut self.0
    }
}
