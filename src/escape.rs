//! Text from outside in a message: escaped for a terminal and a log, and tested before it stands in a command.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Replaces control characters by escape sequences, and invalid UTF-8 by U+FFFD. Quotes and backslashes stay: podman quotes the
/// message, and escapes them a second time.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let escaped = text.chars().map(|c| match c {
        '\'' | '"' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    });
    escaped.collect()
}

pub(crate) fn escape_path(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}

/// The text, if a shell reads it as one literal word. A command that root is advised to run contains no other text from outside.
pub(crate) fn plain_word(text: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    (!text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain)).then_some(text)
}

/// The text as one word of a shell command, in single quotes unless it is plain. `None` if the text cannot stand in a command: an
/// empty text, an option, and characters that a message shows escaped or that end a command in a message.
pub(crate) fn shell_word(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "/._+-:,@%".contains(c);
    if text.is_empty() || text.starts_with('-') || text.contains('`') || escape(text.as_bytes()) != text {
        return None;
    }
    Some(if text.chars().all(is_bare) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    })
}

#[cfg(test)]
mod tests {
    use super::{escape, plain_word};

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
    fn control_characters_are_escaped() {
        for (bytes, text) in [
            (&b"/usr/bin/newuidmap"[..], "/usr/bin/newuidmap"),
            ("na\u{ef}ve".as_bytes(), "na\u{ef}ve"),
            (b"a\x1b[2Jb\nc\r\t\0", "a\\u{1b}[2Jb\\nc\\r\\t\\0"),
            ("\u{202e}x\u{9b}".as_bytes(), "\\u{202e}x\\u{9b}"),
            (b"\xff'\"\\", "\u{fffd}'\"\\"),
        ] {
            assert_eq!(escape(bytes), text);
        }
    }
}
