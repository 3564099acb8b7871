//! When a write to a virtio disk is durable: after a flush, or, for who cannot flush, when it is completed (virtio 1.2, 5.2.6.2).

mod ring;

use ring::disk::*;
use ring::*;
use visa_devices::{BlockBackend, BlockError};

#[test]
fn a_driver_that_cannot_flush_has_each_write_durable_when_it_is_completed() {
    let disk = SharedDisk::new();
    let mut bench = Bench::new(disk.clone());
    for (features, flushes_of_a_write) in [(1 << 28, 1), (1 << 9 | 1 << 28, 0), (0, 1)] {
        bench.available_index = 0;
        bench.put(AVAILABLE, &[0; 4]);
        bench.put(USED, &[0; 4]);
        bench.start_with(features);
        let before = disk.flushes();
        bench.request(OUT, 1, 512, false);
        bench.submit(0);
        assert_eq!(bench.status(), OK);
        assert_eq!(disk.flushes() - before, flushes_of_a_write, "features {features:#x}");
        bench.request(IN, 1, 512, true);
        bench.submit(0);
        assert_eq!(disk.flushes() - before, flushes_of_a_write, "a read needs none");
    }
}

/// A disk that has every write on its medium at once.
struct Durable(SharedDisk);

impl BlockBackend for Durable {
    fn sectors(&self) -> u64 {
        self.0.sectors()
    }

    fn read_only(&self) -> bool {
        false
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        self.0.read(sector, into)
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        self.0.write(sector, from)
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        self.0.flush()
    }

    fn has_volatile_cache(&self) -> bool {
        false
    }
}

#[test]
fn a_disk_without_a_volatile_cache_offers_no_flush() {
    let disk = SharedDisk::new();
    let mut bench = Bench::new(Durable(disk.clone()));
    assert_eq!(bench.read(register::DEVICE_FEATURES) & 1 << 9, 0);
    bench.start_with(1 << 28);
    bench.request(OUT, 1, 512, false);
    bench.submit(0);
    assert_eq!((bench.status(), disk.flushes()), (OK, 0));
}
