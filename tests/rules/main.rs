//! Placeholder replaced by the next commit.
fn main() {}
