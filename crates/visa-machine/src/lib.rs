//! The board: memory map, wiring, loader, device tree and run loop
