//! What the administrator delegates: the sources of ranges.
//!
//! A source hands what is the caller's to the [`Claim`], until the claim has all it wants. There are two: the files, and
//! the plugin that nsswitch.conf(5) may name, whose answer is final.

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
use nss::Plugin;

/// Where delegated ranges come from.
#[derive(Debug)]
pub enum Source {
    /// `/etc/subuid` or `/etc/subgid`.
    File(SubidFile),
    /// A plugin.
    Plugin(Plugin),
}

/// Ids delegated to a user, as a source lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The first id.
    pub start: u64,
    /// How many ids.
    pub count: u64,
}

/// A plugin could not say what is delegated to a user.
#[derive(Debug, Error)]
#[error("the subid plugin failed")]
pub struct PluginFailed;

impl Source {
    /// The plugin, if there is one, or else the file.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::open`].
    pub fn open(kind: Kind, plugin: Option<Plugin>) -> Result<Self, Error> {
        match plugin {
            Some(plugin) => Ok(Self::Plugin(plugin)),
            None => SubidFile::open(kind).map(Self::File),
        }
    }

    /// Hands the claim what is delegated to the caller, as far as the claim wants it.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::grant`]. A plugin that fails delegates nothing.
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
        }
    }

    /// Lists what is delegated to a user by this name, or by this uid, in the source's order.
    ///
    /// # Errors
    ///
    /// Those of [`SubidFile::list`], or [`PluginFailed`].
    pub fn list(
        self,
        kind: Kind,
        name: &[u8],
        uid: Option<uid_t>,
    ) -> Result<Vec<Delegated>, Box<dyn std::error::Error>> {
        match self {
            Self::File(file) => Ok(file.list(name, uid)?),
            Self::Plugin(plugin) => Ok(plugin.list(kind, name).ok_or(PluginFailed)?),
        }
    }
}
