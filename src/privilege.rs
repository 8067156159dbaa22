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

/// The real ids of the process, the only ones that it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealIds {
    /// The real uid.
    pub uid: uid_t,
    /// The real gid.
    pub gid: gid_t,
}

impl Reserve {
    /// Gives up everything but what writing a map of this kind may need, and has none of that effective. To hold nothing is
    /// no error: the kernel lets everybody map their own single id.
    ///
    /// # Errors
    ///
    /// [`Error::Privilege`] if the kernel does not let go of something.
    pub fn keep(kind: Kind) -> Result<(Self, RealIds), Error> {
        let ids = keep_real_ids().map_err(|source| Error::Privilege { step: "drop user ids", source })?;
        let held = keep_capabilities(kind).map_err(|source| Error::Privilege { step: "set caps", source })?;
        Ok((Self { kind, held }, ids))
    }

    /// Runs `write` with the capability effective, and `CAP_SETFCAP` as well if the map includes the parent namespace's
    /// id 0 (`maps_root`) and the kernel asks for it then. Afterwards no capability is left, whatever came of it.
    ///
    /// # Errors
    ///
    /// [`Error::Privilege`] if capabilities cannot be raised, when nothing was written, or not be given up again; and
    /// those of `write`.
    pub fn spend(
        self,
        maps_root: bool,
        write: impl FnOnce(&Raised) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed =
            |source: caps::errors::CapsError| Error::Privilege { step: "set caps", source: source.into() };
        let needed = self.held.into_iter().filter(|capability| {
            *capability == self.kind.capability()
                || (maps_root && self.kind.root_needs_setfcap() && *capability == Capability::CAP_SETFCAP)
        });
        let needed: CapsHashSet = needed.collect();
        if !needed.is_empty() {
            caps::set(None, CapSet::Effective, &needed).map_err(failed)?;
        }
        let written = write(&Raised(()));
        // Takes them from the effective set, too: the kernel has nothing effective that is not permitted.
        let lowered = caps::clear(None, CapSet::Permitted).map_err(failed);
        written.and(lowered)
    }
}

/// Makes the real ids the effective and the saved ones. Permitted capabilities survive that, effective ones do not
/// (`PR_SET_KEEPCAPS`, see capabilities(7)).
fn keep_real_ids() -> Result<RealIds, PrivilegeError> {
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
    Ok(RealIds { uid: uids.real.as_raw(), gid: gids.real.as_raw() })
}

/// Empties the effective, the inheritable and with it the ambient set, and leaves permitted what may be needed.
fn keep_capabilities(kind: Kind) -> Result<CapsHashSet, PrivilegeError> {
    let useful = |capability: &Capability| {
        *capability == kind.capability()
            || (kind.root_needs_setfcap() && *capability == Capability::CAP_SETFCAP)
    };
    let permitted = caps::read(None, CapSet::Permitted)?;
    let held: CapsHashSet = permitted.into_iter().filter(useful).collect();
    caps::clear(None, CapSet::Effective)?;
    caps::set(None, CapSet::Permitted, &held)?;
    caps::clear(None, CapSet::Inheritable)?;
    Ok(held)
}
