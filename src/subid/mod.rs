//! What the administrator delegates: the sources of ranges.
//!
//! A source hands every range that is the caller's to the [`Claim`], until the claim has all it wants.

mod file;
mod line;
mod lines;

pub use file::SubidFile;
