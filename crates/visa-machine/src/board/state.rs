//! The state of a board as bytes: of all devices, the console, the time, and whose DMA is whose.
//!
//! RAM is not in it, nor what the host has put behind the devices: the contents of disks, and where the console prints.

use serde::{Deserialize, Serialize};
use visa_devices::LoadError;

use super::Board;
use super::console::SavedConsole;
use super::dma::Domains;

const BOARD: &str = "board";

#[derive(Serialize, Deserialize)]
struct Saved {
    harts: usize,
    start_time_ns: u64,
    time_ticks: u64,
    worked: u64,
    domains: Domains,
    console: SavedConsole,
    /// By their places.
    devices: Vec<Vec<u8>>,
}

impl Board {
    /// The state of the board.
    pub fn save(&self) -> Vec<u8> {
        let saved = Saved {
            harts: self.harts,
            start_time_ns: self.start_time_ns,
            time_ticks: self.time_ticks,
            worked: self.worked,
            domains: self.domains.clone(),
            console: self.console.save(),
            devices: self.devices.places().map(|place| self.devices.at(place).save()).collect(),
        };
        postcard::to_allocvec(&saved).expect("a state is made of plain values")
    }

    /// Makes a state that [`Board::save`] gave, of a board with as many harts and the same kinds of devices, its own. Bytes that are of
    /// no such state are refused, and change nothing.
    pub fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        let saved = match postcard::take_from_bytes::<Saved>(saved) {
            Ok((saved, [])) => saved,
            Ok(_) | Err(_) => return Err(LoadError::Malformed { device: BOARD }),
        };
        let range = |field| LoadError::Range { device: BOARD, field };
        if saved.harts != self.harts {
            return Err(range("the number of harts"));
        }
        if saved.devices.len() != self.devices.places().len() {
            return Err(range("the number of devices"));
        }
        if !saved.console.is_possible() {
            return Err(range("the number of typed bytes"));
        }
        self.load_devices(&saved.devices)?;
        self.console.load(saved.console);
        self.start_time_ns = saved.start_time_ns;
        self.time_ticks = saved.time_ticks;
        self.worked = saved.worked;
        self.domains = saved.domains;
        Ok(())
    }

    /// All devices or none.
    fn load_devices(&mut self, saved: &[Vec<u8>]) -> Result<(), LoadError> {
        let before: Vec<Vec<u8>> = self.devices.places().map(|place| self.devices.at(place).save()).collect();
        for place in self.devices.places() {
            if let Err(error) = self.devices.at_mut(place).load(&saved[place]) {
                for (place, state) in before.iter().enumerate().take(place) {
                    self.devices.at_mut(place).load(state).expect("it is a state of this device");
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
