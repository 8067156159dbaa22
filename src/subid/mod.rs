//! What the administrator delegates: the sources of ranges.
//!
//! A source hands the caller's ranges to the [`Claim`], until the claim has all it wants. There are two: the files, and the
//! plugin that nsswitch.conf(5) may name, whose answer is final. A plugin that cannot be used delegates nothing.

pub mod file;
pub mod line;
pub mod lines;
pub mod nss;
pub mod nsswitch;
pub mod search;

pub use file::SubidFile;

use libc::uid_t;
use thiserror::Error;
use users::Users;

use crate::caller::Caller;
use crate::error::Error;
use crate::kind::Kind;
use crate::policy::Claim;
use nss::{Plugin, PluginError, Unusable};

/// Where delegated ranges come from.
#[derive(Debug)]
pub enum Source {
    /// `/etc/subuid` or `/etc/subgid`.
    File(SubidFile),
    /// A plugin.
    Plugin(Plugin),
    /// A plugin that is configured and cannot be used. Files must not decide in its place.
    Unusable(Unusable),
}

/// Ids delegated to a user, as a source lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The first id.
    pub start: u64,
    /// How many ids.
    pub count: u64,
}

/// Why there is no list.
#[derive(Debug, Error)]
pub enum ListError {
    /// The file cannot be opened or read.
    #[error(transparent)]
    File(#[from] Error),
    /// The plugin cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The plugin gave no answer.
    #[error("{library}: {error}")]
    Plugin {
        /// Its library.
        library: String,
        /// What it said instead.
        error: PluginError,
    },
}

impl Source {
    /// The plugin, if one is configured, or else the file.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::open`].
    pub fn open(kind: Kind) -> Result<Self, Error> {
        match Plugin::configured() {
            Ok(Some(plugin)) => Ok(Self::Plugin(plugin)),
            Ok(None) => SubidFile::open(kind).map(Self::File),
            Err(unusable) => Ok(Self::Unusable(unusable)),
        }
    }

    /// Hands the claim what is delegated to the caller, as far as the claim wants it.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::grant`]; [`Error::Plugin`] where the plugin cannot be used and the claim needs a delegation.
    pub fn grant(
        self,
        kind: Kind,
        claim: &mut Claim,
        caller: &Caller,
        users: &impl Users,
    ) -> Result<(), Error> {
        match self {
            Self::File(file) => file.grant(claim, caller, users),
            Self::Plugin(plugin) => {
                plugin.grant(claim, kind, caller);
                Ok(())
            }
            Self::Unusable(unusable) if claim.needs_delegation() => Err(Error::Plugin(unusable)),
            Self::Unusable(_) => Ok(()),
        }
    }

    /// Lists what is delegated to a user with this name, and this uid if it is known, in the source's order.
    ///
    /// # Errors
    ///
    /// [`ListError`]
    pub fn list(
        self,
        kind: Kind,
        name: &[u8],
        uid: Option<uid_t>,
        users: &impl Users,
    ) -> Result<Vec<Delegated>, ListError> {
        match self {
            Self::File(file) => Ok(file.list(name, uid, users)?),
            Self::Plugin(plugin) => plugin
                .list(kind, name)
                .map_err(|error| ListError::Plugin { library: plugin.name().to_owned(), error }),
            Self::Unusable(unusable) => Err(unusable.into()),
        }
    }
}
