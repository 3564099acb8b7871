//! Guest RAM and the interface between the processor and the bus
