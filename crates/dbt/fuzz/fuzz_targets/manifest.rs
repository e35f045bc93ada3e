//! Any bytes as a manifest: `cargo xtask fuzz`, or `cargo fuzz run manifest` in the folder above.

#![no_main]

#[path = "../../tests/it/common.rs"]
#[allow(dead_code, reason = "what the tests share")]
mod common;
#[path = "../../tests/it/whole.rs"]
mod whole;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    whole::read_or_refuse(text);
});
