#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| visa_inputs::run("device_tree", bytes));
