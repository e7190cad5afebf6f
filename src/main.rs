//! The Carewire binary.
fn main() {}
