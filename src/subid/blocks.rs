//! The text of a file of any size, in blocks of whole lines and in constant memory.

use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use super::line::LONGEST_LINE;

/// The buffer is a page, which holds most files. Once a read has filled the page, the buffer grows.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Calls `visit` with blocks of the file until `visit` breaks. A block begins with a newline, so every line follows one. The last line
/// of the file may lack its newline. A line longer than [`LONGEST_LINE`] may lose bytes, but stays longer than [`LONGEST_LINE`].
///
/// # Errors
///
/// Those of read(2), but for `EINTR`.
pub(crate) fn for_each_block(
    mut reader: impl Read,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    // The newline before the first line.
    let mut buffer = vec![b'\n'; FIRST_BUFFER_BYTES];
    let mut pending = 1;
    loop {
        let (_, free) = buffer.split_at_mut(pending);
        let read = match reader.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        let filled = pending.saturating_add(read);
        let (text, _) = buffer.split_at(filled);
        if read == 0 {
            let _ = visit(text);
            return Ok(());
        }
        // The text after the last newline may be a part of a line: it and that newline begin the next block.
        let end = memchr::memrchr(b'\n', text).unwrap_or(filled);
        let (block, rest) = text.split_at(end);
        if visit(block).is_break() {
            return Ok(());
        }
        pending = rest.len().min(LONGEST_LINE + 2);
        buffer.copy_within(end..end.saturating_add(pending), 0);
        if filled == FIRST_BUFFER_BYTES {
            buffer.resize(BUFFER_BYTES, 0);
        }
    }
}

/// The lines of a block.
pub(crate) fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split(|byte| *byte == b'\n').skip(1)
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, FIRST_BUFFER_BYTES, LONGEST_LINE, for_each_block, lines};
    use std::io::{self, Read};
    use std::ops::ControlFlow;

    /// Gives at most `step` bytes at a time, and is interrupted before each.
    struct Slowly<'a> {
        bytes: &'a [u8],
        step: usize,
        interrupted: bool,
    }

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let step = self.step.min(buffer.len());
            self.bytes.read(&mut buffer[..step])
        }
    }

    /// The lines that are not too long.
    fn lines_of(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for_each_block(Slowly { bytes, step, interrupted: false }, |block| {
            found.extend(lines(block).filter(|line| line.len() <= LONGEST_LINE).map(<[u8]>::to_vec));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_are_the_same_however_the_file_is_read() {
        let longest = "x".repeat(LONGEST_LINE);
        let too_long = "y".repeat(LONGEST_LINE + 1);
        let huge = "z".repeat(3 * BUFFER_BYTES);
        let text = format!("a\n\n{longest}\nb\n{too_long}\nc\n{huge}\nd\0e\n{}", "filler\n".repeat(20_000));
        let expected: Vec<&str> = ["a", "", &longest, "b", "c", "d\0e"]
            .into_iter()
            .chain(std::iter::repeat_n("filler", 20_000))
            .collect();
        for step in [1, 7, 1024, FIRST_BUFFER_BYTES, BUFFER_BYTES - 1, BUFFER_BYTES] {
            let mut found = lines_of(text.as_bytes(), step);
            // The end of the file follows a newline, and is an empty line.
            assert_eq!(found.pop(), Some(Vec::new()));
            assert!(found.iter().eq(expected.iter().map(|line| line.as_bytes())), "{step} bytes at a time");
        }
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        assert_eq!(lines_of(b"a\nb", 64), [b"a", b"b"]);
        assert_eq!(lines_of(b"", 64), [b""]);
        assert_eq!(lines_of("x".repeat(LONGEST_LINE + 1).as_bytes(), 64), [b""; 0]);
        assert_eq!(lines_of("x".repeat(3 * BUFFER_BYTES).as_bytes(), 512), [b""; 0]);
    }

    #[test]
    fn reading_stops_when_the_visitor_has_enough() {
        let mut seen = 0;
        let endless = io::repeat(b'\n');
        for_each_block(endless, |_| {
            seen += 1;
            if seen < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
        assert_eq!(seen, 3);
    }

    #[test]
    fn an_error_is_passed_on() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from_raw_os_error(5))
            }
        }
        let error = for_each_block(Broken, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5));
    }
}
