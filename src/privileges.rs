//! The privilege protocol. Uids and capabilities are changed in this file alone.
//!
//! 1. [`drop_privileges`] runs before anything else. The program may be setuid root, have file capabilities, be called by root, or
//!    hold ambient capabilities. Afterwards all three uids are the caller's, no capability is effective, and only those that
//!    the write may need are permitted.
//! 2. All input is read in this state, with the caller's rights, and the request is decided.
//! 3. [`PermittedCaps::with_caps_raised`] makes capabilities effective, runs the write, and gives up all capabilities. It consumes
//!    the [`PermittedCaps`], so capabilities are raised at most once. The write receives a [`RaisedCaps`], which only this function
//!    makes.
//!
//! The kernel requires two things for the write: the capability over the parent namespace at open(2) and at write(2) (`map_write` and
//! `new_idmap_permitted` in kernel/user_namespace.c), and `CAP_SYS_ADMIN` over the target namespace. The owner of the target
//! namespace has the latter if the effective uid is the owner's (`cap_capable` in security/commoncap.c). A program that
//! keeps uid 0, as Debian's does, is not the owner: it needs `CAP_SYS_ADMIN` itself, which a container does not have.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use libc::{gid_t, uid_t};
use nix::errno::Errno;
use nix::unistd::{getresgid, getresuid, setresgid, setresuid};
use thiserror::Error;

use crate::id_type::IdType;

/// Capabilities that are permitted and not effective.
#[derive(Debug)]
pub(crate) struct PermittedCaps {
    held: CapsHashSet,
}

/// Proof that the permitted capabilities that the write needs are effective. Without permitted capabilities there are none to raise.
#[derive(Debug)]
pub(crate) struct RaisedCaps(());

/// The real ids, and the capabilities that were permitted when the program started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InitialCredentials {
    pub(crate) uid: uid_t,
    pub(crate) gid: gid_t,
    /// The capability for a map of this id type was permitted.
    pub(crate) had_capability: bool,
    /// `CAP_SETFCAP` was permitted.
    pub(crate) had_setfcap: bool,
}

/// A change of privilege that failed, in shadow's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PrivilegeError {
    #[error("Could not drop user ids")]
    Ids,
    #[error("Could not set caps")]
    Capabilities,
    /// The securebit keep_caps is locked, or a seccomp filter denies prctl(2). All capabilities are given up.
    #[error("Could not prctl(PR_SET_KEEPCAPS)")]
    KeepCaps,
    /// Capabilities cannot be given up after use. The process must end.
    #[error("Could not give up caps")]
    Kept,
}

impl From<Errno> for PrivilegeError {
    fn from(_: Errno) -> Self {
        Self::Ids
    }
}

impl From<CapsError> for PrivilegeError {
    fn from(_: CapsError) -> Self {
        Self::Capabilities
    }
}

/// Drops all privilege but the capabilities that writing a map of this id type may need, and makes none of them effective.
/// Starting without a capability is not an error: the kernel lets every user map one id, the user's own.
///
/// # Errors
///
/// [`PrivilegeError::Ids`], [`PrivilegeError::Capabilities`], [`PrivilegeError::KeepCaps`]
pub(crate) fn drop_privileges(
    id_type: IdType,
) -> Result<(PermittedCaps, InitialCredentials), PrivilegeError> {
    let (uid, gid) = become_caller()?;
    caps::clear(None, CapSet::Effective)?;
    let permitted = caps::read(None, CapSet::Permitted)?;
    let credentials = InitialCredentials {
        uid,
        gid,
        had_capability: permitted.contains(&id_type.capability()),
        had_setfcap: permitted.contains(&Capability::CAP_SETFCAP),
    };
    let mut held = CapsHashSet::new();
    if credentials.had_capability {
        held.insert(id_type.capability());
    }
    if credentials.had_setfcap && id_type.root_needs_setfcap() {
        held.insert(Capability::CAP_SETFCAP);
    }
    caps::set(None, CapSet::Permitted, &held)?;
    // The kernel removes from the ambient set each capability that is not inheritable.
    caps::clear(None, CapSet::Inheritable)?;
    Ok((PermittedCaps { held }, credentials))
}

impl PermittedCaps {
    /// Gives up `CAP_SETFCAP`, which a map without id 0 of the parent namespace does not need.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError::Capabilities`], or [`PrivilegeError::Kept`] if no capability can be given up
    pub(crate) fn without_setfcap(mut self) -> Result<Self, PrivilegeError> {
        if self.held.remove(&Capability::CAP_SETFCAP) { self.set(CapSet::Permitted) } else { Ok(self) }
    }

    /// Sets the permitted or the effective set to the held capabilities. A failure gives up all of them.
    fn set(self, set: CapSet) -> Result<Self, PrivilegeError> {
        match caps::set(None, set, &self.held) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.give_up()?;
                Err(error.into())
            }
        }
    }

    /// Runs `write` with all permitted capabilities effective. Afterwards no capability is permitted, even if `write` failed.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError::Capabilities`] if capabilities cannot be raised, and nothing was written; the error of `write`;
    /// [`PrivilegeError::Kept`] in place of both if capabilities cannot be given up.
    pub(crate) fn with_caps_raised<E: From<PrivilegeError>>(
        self,
        write: impl FnOnce(&RaisedCaps) -> Result<(), E>,
    ) -> Result<(), E> {
        let raised = if self.held.is_empty() { self } else { self.set(CapSet::Effective)? };
        let written = write(&RaisedCaps(()));
        raised.give_up()?;
        written
    }

    /// Gives up all capabilities for good. `caps::clear` empties the effective set in the same capset(2): the kernel refuses a
    /// permitted set without the effective capabilities.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError::Kept`]
    pub(crate) fn give_up(mut self) -> Result<(), PrivilegeError> {
        self.held.clear();
        caps::clear(None, CapSet::Permitted).map_err(|_| PrivilegeError::Kept)
    }
}

/// Dropped without [`PermittedCaps::give_up`]: the capabilities go before the process exits.
impl Drop for PermittedCaps {
    fn drop(&mut self) {
        if !self.held.is_empty() {
            let _ = caps::clear(None, CapSet::Permitted);
        }
    }
}

/// Sets the effective and saved ids to the real ones, which needs no privilege. `PR_SET_KEEPCAPS` keeps the permitted capabilities
/// when uid 0 is left; see capabilities(7).
fn become_caller() -> Result<(uid_t, gid_t), PrivilegeError> {
    let (uids, gids) = (getresuid()?, getresgid()?);
    let has_other_uids = (uids.effective, uids.saved) != (uids.real, uids.real);
    let keeps_caps = !has_other_uids || caps::securebits::set_keepcaps(true).is_ok();
    if (gids.effective, gids.saved) != (gids.real, gids.real) {
        setresgid(gids.real, gids.real, gids.real)?;
    }
    if has_other_uids {
        setresuid(uids.real, uids.real, uids.real)?;
    }
    if !keeps_caps {
        // With the securebit no_setuid_fixup, the change of uids has cleared no capability.
        caps::clear(None, CapSet::Permitted)?;
        return Err(PrivilegeError::KeepCaps);
    }
    Ok((uids.real.as_raw(), gids.real.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::{CapSet, Capability, PermittedCaps};

    /// Each thread has capability sets of its own. tests/run skips the test for an ordinary user, who has no capability to lose.
    #[test]
    fn capabilities_that_are_dropped_without_use_are_given_up_as_root() {
        let kept = std::thread::spawn(|| {
            drop(PermittedCaps { held: [Capability::CAP_SETUID].into() });
            caps::read(None, CapSet::Permitted).unwrap()
        });
        assert!(kept.join().unwrap().is_empty());
    }
}
