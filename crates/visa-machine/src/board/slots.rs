//! The virtio slots of a board, and the disks in them.

use visa_devices::{Block, BlockBackend, BlockError, MalformedChain, VirtioMmio};

use super::contents::DiskContents;
use super::list::Handle;
use super::{Board, BoardError};
use crate::memory_map::VIRTIO_SLOTS;

impl Board {
    /// Puts a disk into the first free virtio slot and returns the slot's number.
    pub fn attach_disk(
        &mut self,
        backend: Box<dyn BlockBackend>,
        identifier: &str,
    ) -> Result<usize, BoardError> {
        let is_free = |slot: &Handle<VirtioMmio>| !self.devices.get(*slot).is_present();
        let slot = self.virtio.iter().position(is_free).ok_or(BoardError::NoFreeSlot)?;
        *self.devices.get_mut(self.virtio[slot]) = VirtioMmio::new(Box::new(Block::new(backend, identifier)));
        Ok(slot)
    }

    /// The numbers of the virtio slots that hold a device.
    pub fn virtio_slots(&self) -> Vec<usize> {
        (0..VIRTIO_SLOTS).filter(|slot| self.devices.get(self.virtio[*slot]).is_present()).collect()
    }

    /// What the disk in a slot holds, all of which is read; `None`: there is none.
    pub(crate) fn disk_contents_of(&mut self, slot: usize) -> Result<Option<DiskContents>, BlockError> {
        let disk = self.virtio.get(slot).and_then(|disk| self.devices.get_mut(*disk).contents());
        disk.map(|disk| DiskContents::of(slot, disk)).transpose()
    }

    /// A copy of what the disk in a slot holds, if the host has it in memory.
    pub(crate) fn disk_in_memory(&mut self, slot: usize) -> Option<Vec<u8>> {
        let disk = self.devices.get_mut(*self.virtio.get(slot)?).contents()?;
        disk.in_memory().map(|bytes| bytes.clone())
    }

    /// Makes what a disk holds, which is in memory, something else of the same size.
    pub(crate) fn write_disk(&mut self, slot: usize, contents: &[u8]) -> Option<()> {
        let bytes = self.devices.get_mut(*self.virtio.get(slot)?).contents()?.in_memory()?;
        (bytes.len() == contents.len()).then(|| bytes.copy_from_slice(contents))
    }

    /// What the disks hold, all of which is read.
    pub fn disk_contents(&mut self) -> Result<Vec<DiskContents>, BlockError> {
        (0..VIRTIO_SLOTS).filter_map(|slot| self.disk_contents_of(slot).transpose()).collect()
    }

    /// What made the device in `slot` ask for a reset, if it did since the last call: for the host's log.
    pub fn take_virtio_fault(&mut self, slot: usize) -> Option<MalformedChain> {
        self.devices.get_mut(*self.virtio.get(slot)?).take_fault()
    }

    /// What has failed on the host's side of the device in `slot` (a disk file, say) since the last call.
    pub fn take_virtio_error(&mut self, slot: usize) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.devices.get_mut(*self.virtio.get(slot)?).take_error()
    }
}
