//! The lines of a file of any size, in constant memory.

use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

/// The length of the longest line that counts, in bytes without its newline. Longer lines are passed over, as in shadow.
pub(crate) const LONGEST_LINE: usize = 1023;

/// The buffer begins with a page, which holds most files, and grows once it was full.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Calls `visit` with each line that is not too long, until it breaks. The last line needs no newline.
///
/// # Errors
///
/// Those of read(2), but for `EINTR`.
pub(crate) fn for_each_line(
    mut reader: impl Read,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut visit_short = |line: &[u8]| {
        if line.len() <= LONGEST_LINE { visit(line) } else { ControlFlow::Continue(()) }
    };
    let mut buffer = vec![0; FIRST_BUFFER_BYTES];
    // The bytes of a line whose newline has not been read, at the start of the buffer.
    let mut pending = 0;
    loop {
        let (_, free) = buffer.split_at_mut(pending);
        let read = match reader.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        let filled = pending.saturating_add(read);
        let (mut rest, _) = buffer.split_at(filled);
        while let Some(newline) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(newline);
            if visit_short(line).is_break() {
                return Ok(());
            }
            rest = after.strip_prefix(b"\n").unwrap_or(after);
        }
        if read == 0 {
            if !rest.is_empty() {
                let _ = visit_short(rest);
            }
            return Ok(());
        }
        // A prefix of a line that is too long is enough to recognise it.
        let kept = rest.len().min(LONGEST_LINE + 1);
        let start = filled.saturating_sub(rest.len());
        buffer.copy_within(start..start.saturating_add(kept), 0);
        if filled == FIRST_BUFFER_BYTES {
            buffer.resize(BUFFER_BYTES, 0);
        }
        pending = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, FIRST_BUFFER_BYTES, LONGEST_LINE, for_each_line};
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

    fn lines(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for_each_line(Slowly { bytes, step, interrupted: false }, |line| {
            lines.push(line.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
        lines
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
            let lines = lines(text.as_bytes(), step);
            assert!(lines.iter().eq(expected.iter().map(|line| line.as_bytes())), "{step} bytes at a time");
        }
    }

    #[test]
    fn a_last_line_needs_no_end() {
        assert_eq!(lines(b"a\nb", 64), [b"a", b"b"]);
        assert_eq!(lines(b"", 64), [b""; 0]);
        assert_eq!(lines("x".repeat(LONGEST_LINE + 1).as_bytes(), 64), [b""; 0]);
        assert_eq!(lines("x".repeat(3 * BUFFER_BYTES).as_bytes(), 512), [b""; 0]);
    }

    #[test]
    fn reading_stops_when_the_visitor_has_enough() {
        let mut seen = 0;
        let endless = io::repeat(b'\n');
        for_each_line(endless, |_| {
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
        let error = for_each_line(Broken, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5));
    }
}
