//! Room in a hart for its engine: generated code reaches it by the hart's address, as it does the hart's registers. What is in it, the engine
//! alone knows; nothing of the hart depends on it.

/// Words of 8 bytes.
pub const ENGINE_WORDS: usize = 4 * 4096 + 8;

/// The room. It is empty, all zeros, in a new hart and in a clone.
#[derive(Debug)]
#[repr(transparent)]
pub struct EngineMemory(pub [u64; ENGINE_WORDS]);

impl Default for EngineMemory {
    fn default() -> Self {
        EngineMemory([0; ENGINE_WORDS])
    }
}

impl Clone for EngineMemory {
    fn clone(&self) -> Self {
        EngineMemory::default()
    }
}
