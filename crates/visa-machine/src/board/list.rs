//! The devices of a board, by their places in the memory map and the port map after it.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Range;

use visa_devices::Model;

use crate::memory_map::{DeviceRole, MEMORY_MAP, PORT_MAP};

/// All devices.
pub struct Devices(Vec<Box<dyn Model>>);

/// The place of a device whose kind is known.
#[derive(Debug)]
pub struct Handle<M>(usize, PhantomData<fn() -> M>);

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Handle<M> {}

impl<M> Handle<M> {
    /// Where it is in the list.
    pub fn place(self) -> usize {
        self.0
    }
}

/// What each place is to the board.
fn roles() -> impl Iterator<Item = DeviceRole> {
    MEMORY_MAP.iter().map(|region| region.role).chain(PORT_MAP.iter().map(|ports| ports.role))
}

impl Devices {
    /// One of each, for so many harts.
    pub fn new(harts: usize) -> Devices {
        let makes =
            MEMORY_MAP.iter().map(|region| region.make).chain(PORT_MAP.iter().map(|ports| ports.make));
        Devices(makes.map(|make| make(harts)).collect())
    }

    /// All places.
    pub fn places(&self) -> Range<usize> {
        0..self.0.len()
    }

    /// The device at a place.
    #[inline]
    pub fn at(&self, place: usize) -> &dyn Model {
        &*self.0[place]
    }

    /// The same, to use it.
    #[inline]
    pub fn at_mut(&mut self, place: usize) -> &mut dyn Model {
        &mut *self.0[place]
    }

    /// Those with a role, which are all of the kind that the role asks for.
    pub fn with_role<M: Model>(&self, role: DeviceRole) -> Vec<Handle<M>> {
        let places = roles().enumerate().filter(|(_, other)| *other == role);
        let handles = places.map(|(place, _)| Handle(place, PhantomData));
        handles.inspect(|handle| _ = self.get(*handle)).collect()
    }

    /// The first with a role, which the lists have.
    pub fn first<M: Model>(&self, role: DeviceRole) -> Handle<M> {
        *self.with_role(role).first().unwrap_or_else(|| panic!("the lists of devices have no {role:?}"))
    }

    /// A device of a kind.
    #[inline]
    pub fn get<M: Model>(&self, handle: Handle<M>) -> &M {
        let device: &dyn Any = &*self.0[handle.0];
        device.downcast_ref().expect("the lists of devices say what has which role")
    }

    /// The same, to use it.
    #[inline]
    pub fn get_mut<M: Model>(&mut self, handle: Handle<M>) -> &mut M {
        let device: &mut dyn Any = &mut *self.0[handle.0];
        device.downcast_mut().expect("the lists of devices say what has which role")
    }
}
