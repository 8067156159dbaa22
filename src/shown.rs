//! What came from outside, made fit for a terminal and for one line of a log.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Escapes control characters and bytes that are no text. Quotes and backslashes stay: clients such as podman escape them
/// once more.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let escaped = text.chars().map(|c| match c {
        '\'' | '"' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    });
    escaped.collect()
}

/// The same for a path.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    shown(path.as_os_str().as_bytes())
}

/// The text, if a shell reads it as one word and nothing else. Any other text has no place in a command that root is told to run.
#[must_use]
pub fn plain_word(text: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    (!text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{plain_word, shown};

    #[test]
    fn a_word_that_a_shell_would_take_apart_is_not_plain() {
        for text in ["/usr/bin/newuidmap", "/mnt/a_b-c+d.e"] {
            assert_eq!(plain_word(text), Some(text));
        }
        for text in
            ["", "-rf", "/a; touch b", "/a'b", "/a\"b", "/$(b)", "/a\nb", "/*", "/~b", "/na\u{ef}ve", "a\\b"]
        {
            assert_eq!(plain_word(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        for (bytes, text) in [
            (&b"/usr/bin/newuidmap"[..], "/usr/bin/newuidmap"),
            ("na\u{ef}ve".as_bytes(), "na\u{ef}ve"),
            (b"a\x1b[2Jb\nc\r\t\0", "a\\u{1b}[2Jb\\nc\\r\\t\\0"),
            ("\u{202e}x\u{9b}".as_bytes(), "\\u{202e}x\\u{9b}"),
            (b"\xff'\"\\", "\u{fffd}'\"\\"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }
}
