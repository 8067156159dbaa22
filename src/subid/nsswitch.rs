//! The `subid:` line of nsswitch.conf(5): whether a plugin delegates instead of the files.

use nix::errno::Errno;

use crate::files;
use crate::reason::Reason;

const PATH: &str = "/etc/nsswitch.conf";

/// The file is missing, or [`files::open`] refuses its type.
const NO_FILE: [Errno; 3] = [Errno::ENOENT, Errno::EISDIR, Errno::EINVAL];

const DATABASE: &[u8] = b"subid:";

/// The source of delegations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// `/etc/subuid` and `/etc/subgid`: the default.
    Files,
    /// A plugin; the word is a part of the name of its library.
    Plugin(Vec<u8>),
}

/// Reads nsswitch.conf(5). Files are used where it is missing or no regular file, as in shadow.
///
/// # Errors
///
/// Those of open(2) and read(2). A caller can cause them by a limit on descriptors or memory (setrlimit(2)), so files are not used
/// then: the caller would circumvent a configured plugin.
pub(super) fn service() -> Result<Service, Reason> {
    match files::read(PATH).map_err(Reason::from) {
        Ok(text) => Ok(parse(&text)),
        Err(reason) if NO_FILE.contains(&reason.errno()) => Ok(Service::Files),
        Err(reason) => Err(reason),
    }
}

/// The service is the first word of the first line for the database that has a word. A carriage return is a part of the word, as in
/// shadow.
pub(crate) fn parse(text: &[u8]) -> Service {
    let word = text.split(|byte| *byte == b'\n').find_map(|line| {
        let (database, services) = line.split_at_checked(DATABASE.len())?;
        let mut words = services.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
        if database.eq_ignore_ascii_case(DATABASE) { words.next() } else { None }
    });
    match word {
        None | Some(b"files") => Service::Files,
        Some(word) => Service::Plugin(word.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Service, parse};

    #[test]
    fn the_first_word_of_the_first_line_that_has_one_is_the_service() {
        for (text, plugin) in [
            ("", None),
            ("passwd: sss\n", None),
            ("subid: files\n", None),
            ("subid: files sss\n", None),
            ("subid: sss\n", Some("sss")),
            ("subid:sss files", Some("sss")),
            ("SubID:\t sss\n", Some("sss")),
            ("subid: sss\r\n", Some("sss\r")),
            ("subid: \r\nsubid: sss\n", Some("\r")),
            ("subid:\nsubid: sss\nsubid: other\n", Some("sss")),
            (" subid: sss\n", None),
            ("#subid: sss\n", None),
            ("subid : sss\n", None),
            ("subid: FILES\n", Some("FILES")),
        ] {
            let expected = plugin.map_or(Service::Files, |word| Service::Plugin(word.into()));
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }
}
