//! The sources of delegations: the files, or the plugin that nsswitch.conf(5) names, whose answer is final.
//!
//! A source grants the caller's ranges to a [`Claim`], until all is granted. A plugin that cannot be used delegates nothing.

pub(crate) mod blocks;
pub(crate) mod file;
pub(crate) mod line;
pub(crate) mod list;
pub(crate) mod nsswitch;
pub(crate) mod plugin;

use thiserror::Error;

use crate::caller::Caller;
use crate::id_type::IdType;
use crate::mapping::policy::Claim;
use crate::passwd::Passwd;
use crate::reason::Reason;
use file::SubidFile;
use plugin::{Plugin, Unusable};

/// The source of delegations on this machine.
#[derive(Debug)]
pub(crate) enum Source {
    /// `/etc/subuid` or `/etc/subgid`.
    File(SubidFile),
    Plugin(Plugin),
    /// A configured plugin that cannot be used.
    Unusable(Unusable),
}

/// Why a source gave no answer.
#[derive(Debug, Error)]
pub(crate) enum SubidError {
    /// The file cannot be opened or read.
    #[error("cannot open {path}: {reason}")]
    File { path: &'static str, reason: Reason },
    /// The plugin cannot be used, and the request needs a delegation.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl Source {
    /// Opens the file, unless a plugin is configured.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::open`].
    pub(crate) fn open(id_type: IdType) -> Result<Self, SubidError> {
        match Plugin::configured() {
            Ok(Some(plugin)) => Ok(Self::Plugin(plugin)),
            Ok(None) => SubidFile::open(id_type).map(Self::File),
            Err(unusable) => Ok(Self::Unusable(unusable)),
        }
    }

    /// Grants the claim the caller's ranges.
    ///
    /// # Errors
    ///
    /// [`SubidError`]
    pub(crate) fn grant(
        self,
        id_type: IdType,
        claim: &mut Claim,
        caller: &Caller,
        passwd: &impl Passwd,
    ) -> Result<(), SubidError> {
        match self {
            Self::File(file) => file.grant(claim, caller, passwd),
            Self::Plugin(plugin) => {
                plugin.grant(claim, id_type, caller);
                Ok(())
            }
            Self::Unusable(unusable) if claim.needs_delegation() => Err(unusable.into()),
            Self::Unusable(_) => Ok(()),
        }
    }
}
