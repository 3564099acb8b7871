//! Register models of the platform's devices
