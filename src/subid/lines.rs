//! The lines of a file of any size, in constant memory and without a copy of each.

use std::io::{self, ErrorKind, Read};
use std::iter::from_fn;
use std::ops::ControlFlow;

use memchr::memmem::Finder;

/// The longest line that counts, in bytes without its end: longer ones are passed over, as shadow does.
pub const LONGEST_LINE: usize = 1023;

/// As many bytes as are kept of a longer one, to know it by.
const TOO_LONG: usize = LONGEST_LINE + 1;

/// How much is read at a time: at first a page, since most files are small and memory that is not touched costs nothing, then
/// more.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Calls `visit` with the lines that are not too long, the last one also without an end, until it breaks: with all, or with
/// those in which a needle occurs. Needles are looked for in many lines at once, which takes less time than to tell these
/// apart.
///
/// # Errors
///
/// Those of read(2), but for an interruption.
pub fn for_each_line(
    mut reader: impl Read,
    needles: Option<&[Finder]>,
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
        let flow = match needles {
            Some(needles) => having(needles, lines).try_for_each(&mut visit_short),
            None => all(lines).try_for_each(&mut visit_short),
        };
        if flow.is_break() || read == 0 {
            return Ok(());
        }
        begun = rest.len().min(TOO_LONG);
        buffer.copy_within(end..end.saturating_add(begun), 0);
        if filled == FIRST_BUFFER_BYTES {
            buffer.resize(BUFFER_BYTES, 0);
        }
    }
}

fn all(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    from_fn(move || {
        let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
        let (line, rest) = lines.split_at_checked(end).filter(|_| !lines.is_empty())?;
        lines = rest.get(1..).unwrap_or_default();
        Some(line)
    })
}

/// In their order, and each once.
fn having<'l>(needles: &[Finder], lines: &'l [u8]) -> impl Iterator<Item = &'l [u8]> {
    let mut found: Vec<_> = needles.iter().map(|needle| needle.find_iter(lines).peekable()).collect();
    let mut end = 0;
    from_fn(move || {
        let next = found.iter_mut().filter_map(|found| {
            while found.next_if(|place| *place < end).is_some() {}
            found.peek().copied()
        });
        let (before, after) = lines.split_at_checked(next.min()?)?;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1));
        end = before.len().saturating_add(memchr::memchr(b'\n', after).unwrap_or(after.len()));
        lines.get(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, FIRST_BUFFER_BYTES, LONGEST_LINE, for_each_line};
    use memchr::memmem::Finder;
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
        lines_having(None, bytes, step)
    }

    fn lines_having(needles: Option<&[Finder]>, bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for_each_line(Slowly { bytes, step, interrupted: false }, needles, |line| {
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
    fn lines_with_a_needle_are_given_once_and_in_their_order() {
        let needles = [Finder::new("a:"), Finder::new("07:")];
        let wanted = ["a:1", "7:a:07:", "007:", "xa:a:a:", "ba:07:", "a:"];
        let others = ["", "a", "7:", "b:1", "0 7:", "a\0:"].repeat(3000).join("\n");
        let too_long = format!("a:{}", "x".repeat(LONGEST_LINE));
        let text = wanted.map(|line| format!("{line}\n{others}\n{too_long}\n{line}\n")).concat();
        let twice: Vec<&str> = wanted.iter().flat_map(|line| [*line, *line]).collect();
        for (text, expected) in [(text.as_str(), twice.as_slice()), ("a:", &["a:"]), ("b\na:\n", &["a:"])] {
            for step in [3, 1000, BUFFER_BYTES] {
                let lines = lines_having(Some(&needles), text.as_bytes(), step);
                assert!(
                    lines.iter().eq(expected.iter().map(|line| line.as_bytes())),
                    "{step} bytes at a time"
                );
            }
            assert_eq!(lines_having(Some(&[]), text.as_bytes(), 1000), [b""; 0]);
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
