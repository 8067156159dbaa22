//! A cause: the sentence that names it and the one that says what to do.
//!
//! Sentences are for whoever sees them in a container's log: they name what was found, and the option where it was set.
//! They hold neither double quotes nor backslashes of their own, since podman repeats them within a quoted line. For each
//! [`Key`] there is a section in docs/troubleshooting.md.

use crate::kind::Kind;

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which cause it is.
    pub key: Key,
    /// What was found.
    pub sentence: String,
    /// What to do; where the evidence does not decide, nothing.
    pub fix: Option<String>,
}

/// The causes that are told apart, each the anchor of a section in docs/troubleshooting.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The program's file gives nobody privilege.
    Unprivileged,
    /// `PR_SET_NO_NEW_PRIVS`
    NoNewPrivs,
    /// The program is on a file system without setuid.
    Nosuid,
    /// The capability is not in the bounding set.
    BoundingSet,
    /// File capabilities of another user namespace.
    ForeignCapabilities,
    /// A debugger.
    Traced,
    /// Ids that our user namespace does not have.
    NotMappedHere,
    /// The map was written before.
    AlreadyMapped,
    /// The target is in our own user namespace.
    SameNamespace,
    /// The target's user namespace was not made in ours.
    NotAChild,
    /// Ranges of the request overlap.
    Overlap,
    /// Too many ranges, or too long ones, for one write.
    TooMuch,
    /// Nothing is delegated, or not enough.
    NotDelegated,
    /// A line of the subid file is malformed.
    DefectiveLine,
    /// No such process.
    NoProcess,
    /// `/proc` is not what it should be.
    Proc,
    /// The target is somebody else's.
    ForeignTarget,
    /// A map of uid 0.
    Setfcap,
    /// A security module or a seccomp filter.
    Refused,
    /// The subid file cannot be read.
    SubidFile,
    /// The NSS plugin.
    Plugin,
    /// The caller's uid has no passwd entry.
    NoPasswdEntry,
    /// A malformed argument.
    Argument,
    /// There is no program to start.
    NotInstalled,
    /// No user namespace can be made.
    NoNamespace,
}

impl Cause {
    pub(super) fn new(key: Key, sentence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: Some(fix.into()) }
    }

    pub(super) fn without_fix(key: Key, sentence: impl Into<String>) -> Self {
        Self { key, sentence: sentence.into(), fix: None }
    }

    /// The lines that follow shadow's.
    #[must_use]
    pub fn lines(&self, kind: Kind) -> String {
        let program = kind.program();
        let fix = self.fix.as_ref().map(|fix| format!("{program}: fix: {fix}\n"));
        format!("{program}: cause: {}\n{}", self.sentence, fix.unwrap_or_default())
    }
}
