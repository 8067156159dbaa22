//! A cause: a sentence with the finding, and a sentence with the fix.
//!
//! The sentences are read in a container's log. They contain neither double quotes nor backslashes of their own, because podman
//! prints them inside a quoted line. Each [`Key`] has a section in docs/troubleshooting.md.

use crate::id_type::IdType;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) key: Key,
    /// The finding.
    pub(crate) sentence: String,
    /// `None` if the evidence leaves more than one possible reason.
    pub(crate) fix: Option<String>,
}

/// Declares [`Key`], the names of the keys, and a list of all names for the tests of the document, which thus is complete.
macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// A kind of cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key {
            $($key,)*
        }

        impl Key {
            /// The name, which never changes: programs act on it, and people search for it.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)*
                }
            }

            /// The key with a name.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$key),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    };
}

keys! {
    Unprivileged = "unprivileged",
    NoNewPrivs = "no-new-privs",
    Nosuid = "nosuid",
    BoundingSet = "bounding-set",
    ForeignCapabilities = "foreign-capabilities",
    Traced = "traced",
    NotMappedHere = "not-mapped-here",
    CrossesBoundary = "crosses-boundary",
    AlreadyMapped = "already-mapped",
    SameNamespace = "same-namespace",
    NotAChild = "not-a-child",
    Overlap = "overlap",
    TooMuch = "too-much",
    NotDelegated = "not-delegated",
    DefectiveLine = "defective-line",
    NoProcess = "no-process",
    Proc = "proc",
    ForeignTarget = "foreign-target",
    NotDumpable = "not-dumpable",
    Setfcap = "setfcap",
    Refused = "refused",
    SubidFile = "subid-file",
    Plugin = "plugin",
    NoPasswdEntry = "no-passwd-entry",
    Argument = "argument",
    NotInstalled = "not-installed",
    NoNamespace = "no-namespace",
    NotExecutable = "not-executable",
    EarlierCopy = "earlier-copy",
    FewIds = "few-ids",
    UserVariable = "user-variable",
    OldNamespace = "old-namespace",
    MountRefused = "mount-refused",
    AppArmorUserns = "apparmor-userns",
}

impl Cause {
    pub(super) fn new(key: Key, sentence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: Some(fix.into()) }
    }

    pub(super) fn without_fix(key: Key, sentence: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: None }
    }

    /// The lines that follow shadow's message.
    pub(crate) fn lines(&self, id_type: IdType) -> String {
        let program = id_type.program();
        let fix = self.fix.as_ref().map(|fix| format!("{program}: fix: {fix}\n"));
        format!("{program}: cause: {} [{}]\n{}", self.sentence, self.key.name(), fix.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::NAMES;
    use std::collections::BTreeSet;

    const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");

    #[test]
    fn every_cause_has_a_section_with_examples_and_every_section_a_cause() {
        let mut names = Vec::new();
        for section in DOCUMENT.split("\n## ").skip(1) {
            let (_, anchored) = section.split_once("\n<a id=\"").expect(section);
            let name = anchored.split_once('"').unwrap().0;
            let examples: Vec<_> = section.split("\n```text ").skip(1).collect();
            assert!(!examples.is_empty(), "{name}");
            for example in examples {
                assert_eq!(example.split_whitespace().next(), Some(name));
            }
            names.push(name);
        }
        names.sort_unstable();
        let mut keys = NAMES.to_vec();
        keys.sort_unstable();
        assert_eq!(names, keys);
    }

    #[test]
    fn the_list_of_messages_links_to_every_section() {
        let links: BTreeSet<_> =
            DOCUMENT.split("](#").skip(1).map(|link| link.split_once(')').unwrap().0).collect();
        assert_eq!(links, NAMES.iter().copied().collect());
    }
}
