//! A plugin's list of ranges, for the unprivileged programs.

use std::ffi::{CStr, c_int, c_ulong, c_void};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::ptr;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::plugin::Functions;

/// The status, and the start and count of each range. `None` for a list that cannot be read.
pub(crate) type List = (c_int, Option<Vec<(u64, u64)>>);

impl Functions {
    /// Asks for all ranges of an owner.
    pub(crate) fn list_owner_ranges(&self, owner: &CStr, id_type: c_int) -> List {
        let mut list: *mut c_void = ptr::null_mut();
        let mut count: c_int = 0;
        // SAFETY: the string ends with NUL and outlives the call, and so do the two variables that the plugin may write.
        let status =
            unsafe { (self.list_owner_ranges)(owner.as_ptr(), id_type, &raw mut list, &raw mut count) };
        // After a failure the plugin may have left both variables as they were.
        if status != 0 {
            return (status, None);
        }
        let ranges = copy(list, count);
        // A list that cannot be read is not freed: its pointer may not be the plugin's.
        if ranges.is_some() && !list.is_null() {
            // SAFETY: the plugin allocated the list, to be freed by its own function, or by free(3) where it has none.
            unsafe { (self.free)(list) };
        }
        (status, ranges)
    }
}

/// Copies a list of `struct subid_range { unsigned long start, count; }`. A plugin's pointer and count may be wrong, so the kernel
/// copies, through a pipe: unmapped memory is then an error and no crash. An undumpable process may not open /proc/self/mem.
#[allow(clippy::useless_conversion, reason = "unsigned long has 32 bits on 32-bit machines")]
fn copy(list: *mut c_void, count: c_int) -> Option<Vec<(u64, u64)>> {
    const WORD: usize = size_of::<c_ulong>();
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).ok()?;
    let mut reader = File::from(reader);
    let mut address = list.cast_const();
    let mut word = || {
        let mut bytes = [0; WORD];
        // SAFETY: write(2) fails with EFAULT for memory that cannot be read.
        let written = unsafe { libc::write(writer.as_raw_fd(), address, WORD) };
        if usize::try_from(written) != Ok(WORD) {
            return None;
        }
        reader.read_exact(&mut bytes).ok()?;
        address = address.wrapping_byte_add(WORD);
        Some(u64::from(c_ulong::from_ne_bytes(bytes)))
    };
    (0..u32::try_from(count).ok()?).map(|_| Some((word()?, word()?))).collect()
}
