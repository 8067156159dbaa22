//! Text from outside in a message: escaped for a terminal and a log, and quoted in a command.

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
    use super::{escape, shell_word};

    #[test]
    fn a_word_of_a_command_is_quoted_unless_it_is_plain() {
        for (text, word) in [
            ("alice", Some("alice")),
            ("alice@domain.example", Some("alice@domain.example")),
            ("/usr/bin/newuidmap", Some("/usr/bin/newuidmap")),
            ("DOMAIN\\alice", Some("'DOMAIN\\alice'")),
            ("a b", Some("'a b'")),
            ("$(id)", Some("'$(id)'")),
            ("o'brien", Some(r"'o'\''brien'")),
            ("na\u{ef}ve", Some("'na\u{ef}ve'")),
            ("~root", Some("'~root'")),
            ("", None),
            ("-rf", None),
            ("a`id`", None),
            ("a\nb", None),
            ("a\u{202e}b", None),
        ] {
            assert_eq!(shell_word(text.as_bytes()).as_deref(), word, "{text:?}");
        }
        assert_eq!(shell_word(b"\xff"), None);
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
