//! The lines of a file of any size: of the subid file, and of the files with the accounts.

use std::io::Read;
use std::ops::ControlFlow;

use crate::subid::blocks::{for_each_block, lines};

/// The number of bytes that are read, some two million lines. A huge sparse file must not keep the failed program running.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// Calls `visit` with the number of each line, from 1, and the line. A line that is too long for a subid file may lose bytes. False
/// if the file is not read to its end.
pub(super) fn for_each_line(file: impl Read, mut visit: impl FnMut(usize, &[u8])) -> bool {
    let mut file = file.take(MAX_BYTES);
    let mut number = 0_usize;
    let result = for_each_block(&mut file, |block| {
        for line in lines(block) {
            number = number.saturating_add(1);
            visit(number, line);
        }
        ControlFlow::Continue(())
    });
    result.is_ok() && file.limit() > 0
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, for_each_line};
    use std::io::{self, Read};

    #[test]
    fn lines_are_counted_and_a_file_that_does_not_end_is_not_read_whole() {
        let mut seen = Vec::new();
        let is_whole = for_each_line(&b"a\n\nb"[..], |number, line| seen.push((number, line.to_vec())));
        assert!(is_whole);
        assert_eq!(seen, [(1, b"a".to_vec()), (2, vec![]), (3, b"b".to_vec())]);
        for (bytes, expected) in [(MAX_BYTES - 1, true), (MAX_BYTES + 1, false)] {
            assert_eq!(for_each_line(io::repeat(b'x').take(bytes), |_, _| {}), expected, "{bytes}");
        }
    }
}
