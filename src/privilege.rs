//! The privilege protocol: all that changes uids or capabilities is in this file.
//!
//! 1. [`Reserve::keep`] runs before anything else. Whether the program is setuid root, has file capabilities,
//!    is called by root or was handed ambient capabilities: afterwards all three uids are the caller's, nothing is
//!    effective, and nothing is permitted but what the write may need.
//! 2. Everything is read and decided in that state, with the caller's own rights.
//! 3. [`Reserve::spend`] raises what the write needs, lets it happen, and gives up all capabilities for good. It takes
//!    the reserve, so it happens once; what runs under it is handed a [`Raised`], which nothing else can make.
//!
//! The write needs two things of the kernel: the capability over the parent namespace, at the time of the open and of
//! the write (`map_write` and `new_idmap_permitted` in kernel/user_namespace.c), and `CAP_SYS_ADMIN` over the target
//! namespace, which the owner of that namespace has there (`cap_capable` in security/commoncap.c) if the effective
//! uid is the owner's. So a program that keeps uid 0, as Debian's does, needs `CAP_SYS_ADMIN` instead, which a container
//! has not; with the caller's uid the one capability is enough.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use libc::{gid_t, uid_t};
use nix::unistd::{getresgid, getresuid, setresgid, setresuid};

use crate::error::{Error, PrivilegeError};
use crate::kind::Kind;

/// The capabilities that are permitted but not effective: privilege that has no effect until it is spent.
#[derive(Debug)]
pub struct Reserve {
    kind: Kind,
    held: CapsHashSet,
}

/// Witness that the capabilities for the write are effective.
#[derive(Debug)]
pub struct Raised(());

/// Whose process this is, the only ids that it has left, and what it could have done when it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The real uid.
    pub uid: uid_t,
    /// The real gid.
    pub gid: gid_t,
    /// Whether the capability for a map of this kind was permitted.
    pub had_capability: bool,
    /// Whether `CAP_SETFCAP` was.
    pub had_setfcap: bool,
}

impl Reserve {
    /// Gives up everything but what writing a map of this kind may need, and has none of that effective. To hold nothing is
    /// no error: the kernel lets everybody map their own single id.
    ///
    /// # Errors
    ///
    /// [`Error::Privilege`] if the kernel does not let go of something.
    pub fn keep(kind: Kind) -> Result<(Self, Start), Error> {
        let (uid, gid) =
            keep_real_ids().map_err(|source| Error::Privilege { step: "drop user ids", source })?;
        caps::clear(None, CapSet::Effective).map_err(failed)?;
        let is_permitted = |capability| caps::has_cap(None, CapSet::Permitted, capability).map_err(failed);
        let start = Start {
            uid,
            gid,
            had_capability: is_permitted(kind.capability())?,
            had_setfcap: is_permitted(Capability::CAP_SETFCAP)?,
        };
        let useful = [
            start.had_capability.then_some(kind.capability()),
            (start.had_setfcap && kind.root_needs_setfcap()).then_some(Capability::CAP_SETFCAP),
        ];
        let reserve = Self { kind, held: useful.into_iter().flatten().collect() };
        caps::set(None, CapSet::Permitted, &reserve.held).map_err(failed)?;
        // And with it the ambient set.
        caps::clear(None, CapSet::Inheritable).map_err(failed)?;
        Ok((reserve, start))
    }

    /// Runs `write` with the capability effective, and `CAP_SETFCAP` as well if the map includes the parent namespace's
    /// id 0 (`maps_root`) and the kernel asks for it then. Afterwards no capability is left, whatever came of it.
    ///
    /// # Errors
    ///
    /// [`Error::Privilege`] if capabilities cannot be raised, when nothing was written; those of `write`; before these,
    /// [`Error::PrivilegeKept`] if capabilities cannot be given up again.
    pub fn spend(
        self,
        maps_root: bool,
        write: impl FnOnce(&Raised) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let needed = self.held.iter().copied().filter(|capability| {
            *capability == self.kind.capability()
                || (maps_root && self.kind.root_needs_setfcap() && *capability == Capability::CAP_SETFCAP)
        });
        let needed: CapsHashSet = needed.collect();
        if !needed.is_empty() {
            if let Err(error) = caps::set(None, CapSet::Effective, &needed) {
                return self.give_up().and(Err(failed(error)));
            }
        }
        let written = write(&Raised(()));
        self.give_up().and(written)
    }

    /// Gives up all capabilities for good: the effective ones as well, since the kernel has nothing effective that is not
    /// permitted.
    ///
    /// # Errors
    ///
    /// [`Error::PrivilegeKept`].
    pub fn give_up(mut self) -> Result<(), Error> {
        self.held.clear();
        caps::clear(None, CapSet::Permitted).map_err(|source| Error::PrivilegeKept(source.into()))
    }
}

/// A reserve that nobody wants any more: what follows is the end.
impl Drop for Reserve {
    fn drop(&mut self) {
        if !self.held.is_empty() {
            let _ = caps::clear(None, CapSet::Permitted);
        }
    }
}

fn failed(source: CapsError) -> Error {
    Error::Privilege { step: "set caps", source: source.into() }
}

/// Makes the real ids the effective and the saved ones. Permitted capabilities survive that, effective ones do not
/// (`PR_SET_KEEPCAPS`, see capabilities(7)).
fn keep_real_ids() -> Result<(uid_t, gid_t), PrivilegeError> {
    let (uids, gids) = (getresuid()?, getresgid()?);
    if (uids.effective, uids.saved) != (uids.real, uids.real) {
        caps::securebits::set_keepcaps(true)?;
    }
    if (gids.effective, gids.saved) != (gids.real, gids.real) {
        setresgid(gids.real, gids.real, gids.real)?;
    }
    if (uids.effective, uids.saved) != (uids.real, uids.real) {
        setresuid(uids.real, uids.real, uids.real)?;
    }
    Ok((uids.real.as_raw(), gids.real.as_raw()))
}
