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

#[cfg(test)]
mod tests {
    use super::shown;

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
