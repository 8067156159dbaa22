//! The lines of a file of any size, in constant memory and without a copy of each.

use std::io::{self, ErrorKind, Read};
use std::iter::from_fn;
use std::ops::ControlFlow;

use super::search::Search;

/// The longest line that counts, in bytes without its end: longer ones are passed over, as shadow does.
pub const LONGEST_LINE: usize = 1023;

/// As many bytes as are kept of a longer one, to know it by.
const TOO_LONG: usize = LONGEST_LINE + 1;

/// How much is read at a time: at first a page, since most files are small and memory that is not touched costs nothing, then
/// more.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Calls `visit` with the lines that are not too long, the last one also without an end, until it breaks: with all, or with
/// those that a search finds.
///
/// # Errors
///
/// Those of read(2), but for an interruption.
pub fn for_each_line(
    mut reader: impl Read,
    search: Option<Search>,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    // In front is a newline, so that one precedes each line.
    let mut buffer = vec![b'\n'; FIRST_BUFFER_BYTES];
    // Then comes the beginning of a line whose end was not read yet. It is at most one byte too long.
    let mut begun = 1;
    loop {
        let free = buffer.get_mut(begun..).unwrap_or_default();
        let read = match reader.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        let filled = begun.saturating_add(read);
        let filled_buffer = buffer.get(..filled).unwrap_or_default();
        // What is there when nothing follows is a line as well.
        let end = match memchr::memrchr(b'\n', filled_buffer) {
            _ if read == 0 => filled,
            newline => newline.map_or(0, |newline| newline.saturating_add(1)),
        };
        let (lines, rest) = filled_buffer.split_at_checked(end).unwrap_or_default();
        let mut visit_short = |line: &[u8]| match line.len() {
            ..=LONGEST_LINE => visit(line),
            _ => ControlFlow::Continue(()),
        };
        let flow = match search {
            Some(search) => search.try_for_each(lines, &mut visit_short),
            None => all(lines).try_for_each(&mut visit_short),
        };
        if flow.is_break() || read == 0 {
            return Ok(());
        }
        let kept = rest.len().min(TOO_LONG);
        buffer.copy_within(end..end.saturating_add(kept), 1);
        begun = kept.saturating_add(1);
        if filled == FIRST_BUFFER_BYTES {
            buffer.resize(BUFFER_BYTES, 0);
        }
    }
}

/// All lines of a text that is a newline and lines.
fn all(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (_, mut lines) = text.split_first().unwrap_or((&0, &[]));
    from_fn(move || {
        let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
        let (line, rest) = lines.split_at_checked(end).filter(|_| !lines.is_empty())?;
        lines = rest.get(1..).unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, FIRST_BUFFER_BYTES, LONGEST_LINE, for_each_line};
    use crate::subid::search::Search;
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
        lines_found(None, bytes, step)
    }

    fn lines_found(search: Option<Search>, bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for_each_line(Slowly { bytes, step, interrupted: false }, search, |line| {
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
    fn lines_of_an_owner_are_found_once_and_in_their_order() {
        let search = Search::new(b"alice", b"1007");
        let is_wanted = |line: &Vec<u8>| line.starts_with(b"a") || line.starts_with(b"1");
        let wanted = ["alice:1:1", "1007:2:1", "1007:alice:4", "alice:1007:5"];
        let others =
            ["", "bob:1007:1", "malice:1:1", "7:1:1", "b", "\0:1:1", " alice:1:1"].repeat(3000).join("\n");
        let too_long = format!("alice:{}", "1".repeat(LONGEST_LINE));
        let text = wanted.map(|line| format!("{line}\n{others}\n{too_long}\n{line}\n")).concat();
        let twice: Vec<&str> = wanted.iter().flat_map(|line| [*line, *line]).collect();
        let cases =
            [(text.as_str(), twice.as_slice()), ("alice:1:1", &["alice:1:1"]), ("b\n1007:", &["1007:"])];
        for (text, expected) in cases {
            for step in [3, 1000, BUFFER_BYTES] {
                let mut lines = lines_found(Some(search), text.as_bytes(), step);
                lines.retain(is_wanted);
                assert!(
                    lines.iter().eq(expected.iter().map(|line| line.as_bytes())),
                    "{step} bytes at a time"
                );
            }
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
        for_each_line(endless, None, |_| {
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
        let error = for_each_line(Broken, None, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5));
    }
}
