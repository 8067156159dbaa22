//! A cause: the sentence that names it and the one that says what to do.
//!
//! Sentences are for whoever sees them in a container's log: they name what was found, and the option where it was set.
//! They hold neither double quotes nor backslashes of their own, since podman repeats them within a quoted line. For each
//! [`Key`] there is a section in docs/troubleshooting.md.

use crate::id_type::IdType;

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Which cause it is.
    pub(crate) key: Key,
    /// What was found.
    pub(crate) sentence: String,
    /// What to do; where the evidence does not decide, nothing.
    pub(crate) fix: Option<String>,
}

/// Makes the enum, and a list of all of it with names.
macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $name:literal,)*) => {
        /// The causes that are told apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key {
            $($(#[$doc])* $key,)*
        }

        impl Key {
            /// All keys, for the test of the document.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$key),*];

            /// The anchor of the section in docs/troubleshooting.md.
            #[cfg(test)]
                    pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)*
                }
            }
        }
    };
}

keys! {
    /// The program's file gives nobody privilege.
    Unprivileged = "unprivileged",
    /// `PR_SET_NO_NEW_PRIVS`
    NoNewPrivs = "no-new-privs",
    /// The program is on a file system without setuid.
    Nosuid = "nosuid",
    /// The capability is not in the bounding set.
    BoundingSet = "bounding-set",
    /// File capabilities of another user namespace.
    ForeignCapabilities = "foreign-capabilities",
    /// A debugger.
    Traced = "traced",
    /// Ids that our user namespace does not have.
    NotMappedHere = "not-mapped-here",
    /// The map was written before.
    AlreadyMapped = "already-mapped",
    /// The target is in our own user namespace.
    SameNamespace = "same-namespace",
    /// The target's user namespace was not made in ours.
    NotAChild = "not-a-child",
    /// Ranges of the request overlap.
    Overlap = "overlap",
    /// Too many ranges, or too long ones, for one write.
    TooMuch = "too-much",
    /// Nothing is delegated, or not enough.
    NotDelegated = "not-delegated",
    /// A line of the subid file is malformed.
    DefectiveLine = "defective-line",
    /// No such process.
    NoProcess = "no-process",
    /// `/proc` is not what it should be.
    Proc = "proc",
    /// The target is somebody else's.
    ForeignTarget = "foreign-target",
    /// The target's files in `/proc` are root's.
    NotDumpable = "not-dumpable",
    /// A map of uid 0.
    Setfcap = "setfcap",
    /// A security module or a seccomp filter.
    Refused = "refused",
    /// The subid file cannot be read.
    SubidFile = "subid-file",
    /// The NSS plugin.
    Plugin = "plugin",
    /// The caller's uid has no passwd entry.
    NoPasswdEntry = "no-passwd-entry",
    /// A malformed argument.
    Argument = "argument",
    /// There is no program to start.
    NotInstalled = "not-installed",
    /// No user namespace can be made.
    NoNamespace = "no-namespace",
}

impl Cause {
    pub(super) fn new(key: Key, sentence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: Some(fix.into()) }
    }

    pub(super) fn without_fix(key: Key, sentence: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: None }
    }

    /// The lines that follow shadow's.
    pub(crate) fn lines(&self, id_type: IdType) -> String {
        let program = id_type.program();
        let fix = self.fix.as_ref().map(|fix| format!("{program}: fix: {fix}\n"));
        format!("{program}: cause: {}\n{}", self.sentence, fix.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Key;
    use std::collections::BTreeSet;

    const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");

    fn keys() -> BTreeSet<&'static str> {
        Key::ALL.iter().map(|key| key.name()).collect()
    }

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
        assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), keys());
        assert_eq!(names.len(), keys().len(), "a section is there twice");
    }

    #[test]
    fn the_list_of_messages_leads_to_every_section() {
        let links: BTreeSet<_> =
            DOCUMENT.split("](#").skip(1).map(|link| link.split_once(')').unwrap().0).collect();
        assert_eq!(links, keys());
    }
}
