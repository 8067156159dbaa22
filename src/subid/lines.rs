//! The lines of a file of any size, in constant memory and without a copy of each.

use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

/// The longest line that counts, in bytes without its end: longer ones are passed over, as shadow does.
pub(crate) const LONGEST_LINE: usize = 1023;

/// As many bytes as are kept of a longer one, to know it by.
const TOO_LONG: usize = LONGEST_LINE + 1;

/// How much is read at a time: at first a page, since most files are small and memory that is not touched costs nothing, then
/// more.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Calls `visit` with every line that is not too long, the last one also without an end, until it breaks. Of whole lines that
/// are `irrelevant` together it need not see any: to know that takes less time than to tell them apart.
pub(crate) fn for_each_line(
    mut reader: impl Read,
    irrelevant: impl Fn(&[u8]) -> bool,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; FIRST_BUFFER_BYTES];
    // The beginning of a line whose end was not read yet lies in front, and is at most one byte too long.
    let mut begun = 0;
    loop {
        let free = buffer.get_mut(begun..).unwrap_or_default();
        let read = match reader.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        let filled = begun.saturating_add(read);
        let filled_buffer = buffer.get(..filled).unwrap_or_default();
        let end = memchr::memrchr(b'\n', filled_buffer).map_or(0, |end| end.saturating_add(1));
        let (lines, rest) = filled_buffer.split_at_checked(end).unwrap_or_default();
        if !irrelevant(lines) {
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', lines) {
                let line = lines.get(start..end).unwrap_or_default();
                start = end.saturating_add(1);
                if line.len() <= LONGEST_LINE && visit(line).is_break() {
                    return Ok(());
                }
            }
        }
        if read == 0 {
            if (1..=LONGEST_LINE).contains(&rest.len()) {
                let _ = visit(rest);
            }
            return Ok(());
        }
        begun = rest.len().min(TOO_LONG);
        buffer.copy_within(end..end.saturating_add(begun), 0);
        if filled == FIRST_BUFFER_BYTES {
            buffer.resize(BUFFER_BYTES, 0);
        }
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
        for_each_line(
            Slowly { bytes, step, interrupted: false },
            |_| false,
            |line| {
                lines.push(line.to_vec());
                ControlFlow::Continue(())
            },
        )
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
        for_each_line(
            endless,
            |_| false,
            |_| {
                seen += 1;
                if seen < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        )
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
        let error = for_each_line(Broken, |_| false, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5));
    }
}
