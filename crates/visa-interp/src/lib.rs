//! The reference interpreter: what each V-ISA instruction means
