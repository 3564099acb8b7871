//! A machine at a moment, to come back to: harts with all that their translation remembers, the board's state, RAM, and time.
//!
//! It is a value in memory. What the host has put around a machine is not in it: the engine, which begins anew, breakpoints, who looks
//! on, where the console prints, a log that is being written. What is on disks is in it as far as it is in memory anyway ([`visa_devices::MemoryBackend`]); other
//! disks must hold at [`Machine::restore`] what they held at [`Machine::save`].

use visa_core::{Hart, SavedHart};
use visa_cycles::CycleModel;
use visa_devices::{BlockError, LoadError};
use visa_mem::{Platform, RAM_ALIGNMENT, Ram};
use visa_state::Residency;

use crate::board::{Board, DiskContents};
use crate::machine::Machine;
use crate::machine::turn::Turn;

/// A machine at a moment.
#[derive(Clone)]
pub struct Snapshot {
    harts: Vec<SnapshotHart>,
    models: Vec<CycleModel>,
    board: Vec<u8>,
    ram_bytes: u64,
    /// The pages of RAM that are not all zeros, by their offsets, in ascending order.
    pages: Vec<(u64, Vec<u8>)>,
    disks: Vec<SavedDisk>,
    now_ns: u64,
    turn: Option<Turn>,
}

/// A hart of a snapshot, and what it knows of the others while it has its part of a turn.
#[derive(Clone)]
struct SnapshotHart {
    hart: SavedHart,
    peers: Vec<Option<Residency>>,
}

impl SnapshotHart {
    fn of(hart: &Hart) -> SnapshotHart {
        SnapshotHart { hart: hart.save(), peers: hart.peers.clone() }
    }

    /// The hart, on a machine with so much RAM.
    fn hart(&self, ram_bytes: u64) -> Result<Hart, visa_state::LoadError> {
        let mut hart = Hart::of_saved(&self.hart, ram_bytes)?;
        // Pages that hold code now may be known as pages to store to.
        hart.mmu.tlb.flush_first_level();
        hart.peers.clone_from(&self.peers);
        Ok(hart)
    }
}

/// A disk of a snapshot.
#[derive(Clone, PartialEq, Eq)]
enum SavedDisk {
    /// What it holds.
    Copied(usize, Vec<u8>),
    /// What identifies what it holds.
    Identified(DiskContents),
}

/// Why a machine could not be saved or restored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Its time comes from outside, and goes on whatever the machine does.
    #[error("a machine whose time comes from a clock cannot be saved or restored")]
    Clock,
    /// A disk cannot be read or written.
    #[error(transparent)]
    Disk(#[from] BlockError),
    /// The machine is not made as the saved one was.
    #[error("the saved machine had {what} of {expected}, and this one has {found}")]
    Shape {
        /// What is not the same.
        what: &'static str,
        /// What was saved.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The devices are not those of the saved machine.
    #[error(transparent)]
    Board(#[from] LoadError),
    /// A hart is none that was saved.
    #[error(transparent)]
    Hart(#[from] visa_state::LoadError),
    /// A disk that is not in memory, or is missing, was written since.
    #[error("the disks do not hold what they held when the machine was saved")]
    DiskContents,
}

impl Machine {
    /// What it is now. All of RAM, and of the disks, is read.
    pub fn save(&mut self) -> Result<Snapshot, SnapshotError> {
        if !self.time_is_virtual() {
            return Err(SnapshotError::Clock);
        }
        let ram = self.board.ram();
        let pages = (0..ram.size()).step_by(RAM_ALIGNMENT as usize).filter_map(|offset| {
            let page = ram.page(offset);
            page.iter().any(|byte| *byte != 0).then(|| (offset, page.to_vec()))
        });
        Ok(Snapshot {
            harts: self.harts.iter().map(SnapshotHart::of).collect(),
            models: self.models.clone(),
            board: self.board.save(),
            ram_bytes: ram.size(),
            pages: pages.collect(),
            disks: saved_disks(&mut self.board)?,
            now_ns: self.now_ns(),
            turn: self.turn().cloned(),
        })
    }

    /// Makes it what it was, or another machine of the same make: as many harts, as much RAM, the same disks. It goes on as the saved
    /// one did. On an error it is as it was before.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if !self.time_is_virtual() {
            return Err(SnapshotError::Clock);
        }
        let same = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(SnapshotError::Shape { what, expected, found }),
        };
        same("a number of harts", snapshot.harts.len() as u64, self.harts.len() as u64)?;
        same("a size of RAM", snapshot.ram_bytes, self.board.ram().size())?;
        same("a number of cycle models", snapshot.models.len() as u64, self.models.len() as u64)?;
        let now = saved_disks(&mut self.board)?;
        check_disks(&now, &snapshot.disks)?;
        let harts = snapshot.harts.iter().map(|saved| saved.hart(snapshot.ram_bytes));
        let harts = harts.collect::<Result<Vec<Hart>, _>>()?;
        self.board.load(&snapshot.board)?;
        for (disk, now) in snapshot.disks.iter().zip(&now).filter(|(saved, now)| saved != now) {
            if let (SavedDisk::Copied(slot, bytes), SavedDisk::Copied(..)) = (disk, now) {
                self.board.write_disk(*slot, bytes).ok_or(SnapshotError::DiskContents)?;
            }
        }
        restore_ram(self.board.ram(), &snapshot.pages);
        for (hart, mut restored) in self.harts.iter_mut().zip(harts) {
            restored.observers = std::mem::take(&mut hart.observers);
            *hart = restored;
        }
        self.models.clone_from(&snapshot.models);
        self.go_to(snapshot.now_ns, snapshot.turn.clone());
        Ok(())
    }
}

fn saved_disks(board: &mut Board) -> Result<Vec<SavedDisk>, BlockError> {
    let mut disks = Vec::new();
    for slot in board.virtio_slots() {
        if let Some(bytes) = board.disk_in_memory(slot) {
            disks.push(SavedDisk::Copied(slot, bytes));
        } else if let Some(contents) = board.disk_contents_of(slot)? {
            disks.push(SavedDisk::Identified(contents));
        }
    }
    Ok(disks)
}

/// That disks are what they were, but for what can be copied.
fn check_disks(now: &[SavedDisk], saved: &[SavedDisk]) -> Result<(), SnapshotError> {
    let fits = |pair: (&SavedDisk, &SavedDisk)| match pair {
        (SavedDisk::Copied(slot, bytes), SavedDisk::Copied(other, others)) => {
            slot == other && bytes.len() == others.len()
        }
        (now, saved) => now == saved,
    };
    let sound = now.len() == saved.len() && now.iter().zip(saved).all(fits);
    sound.then_some(()).ok_or(SnapshotError::DiskContents)
}

/// Writes the pages that are not what they were: what is executed there is then decoded anew.
fn restore_ram(ram: &Ram, pages: &[(u64, Vec<u8>)]) {
    let mut saved = pages.iter().peekable();
    for offset in (0..ram.size()).step_by(RAM_ALIGNMENT as usize) {
        let page = saved.next_if(|(at, _)| *at == offset).map(|(_, bytes)| bytes.as_slice());
        let now = ram.page(offset);
        // A page of RAM is inside it.
        let _ = match page {
            Some(bytes) if *bytes != now[..] => ram.write_bytes(offset, bytes),
            None if now.iter().any(|byte| *byte != 0) => ram.fill(offset, RAM_ALIGNMENT, 0),
            Some(_) | None => Some(()),
        };
    }
}
