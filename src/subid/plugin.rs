//! Plugins that delegate instead of the files: `libsubid_WORD.so`, as sssd has one for FreeIPA and LDAP.
//!
//! A plugin runs in this process, with the privilege that NSS modules for passwd(5) have. Only the status 0 with the answer 1 grants a
//! range.

use std::ffi::{CString, c_int};

use thiserror::Error;

use super::nsswitch::{self, Service};
use crate::caller::Caller;
use crate::escape::escape;
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::mapping::policy::Claim;
use crate::reason::Reason;
use crate::sys::plugin::{Functions, LoadError};

/// The length of the longest word in nsswitch.conf(5) that shadow accepts, in bytes.
const LONGEST_WORD: usize = 50;

/// The value of a C `bool` that is true.
const TRUE: u8 = 1;

/// A plugin with all functions.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(super) library: String,
    pub(super) functions: Functions,
}

/// Why a configured plugin cannot be used.
///
/// Shadow uses the files then. Here no id is delegated: by a limit on memory or descriptors (setrlimit(2)) a caller can prevent
/// the loading of a library, and would so choose the source.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    /// nsswitch.conf(5), which may name a plugin, cannot be read.
    #[error("cannot open /etc/nsswitch.conf: {0}")]
    Configuration(Reason),
    #[error("Subid NSS module name too long (longer than {LONGEST_WORD} characters): {0}")]
    NameTooLong(String),
    /// The library cannot be loaded; the reason is dlopen(3)'s.
    #[error("Error opening {library}: {reason}")]
    Load { library: String, reason: String },
    /// A function is missing; its name without `shadow_subid_`.
    #[error("{library} did not provide @{function}@")]
    Function { library: String, function: &'static str },
}

/// Why a plugin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PluginError {
    /// sssd's plugin also reports each user without a range as unknown.
    #[error("unknown user, or no range")]
    UnknownUser,
    #[error("connection error")]
    Connection,
    #[error("error")]
    Other,
    #[error("undefined status {0}")]
    Undefined(c_int),
    /// The list is not in memory, or its count is negative.
    #[error("a list that cannot be read")]
    List,
}

impl Plugin {
    /// Loads the plugin that nsswitch.conf(5) names; `None` if it names none.
    ///
    /// # Errors
    ///
    /// [`Unusable`]
    pub(crate) fn configured() -> Result<Option<Self>, Unusable> {
        match nsswitch::service().map_err(Unusable::Configuration)? {
            Service::Files => Ok(None),
            Service::Plugin(word) => Self::load(&String::from_utf8_lossy(&word)).map(Some),
        }
    }

    fn load(word: &str) -> Result<Self, Unusable> {
        if word.len() > LONGEST_WORD {
            return Err(Unusable::NameTooLong(escape(word.as_bytes())));
        }
        let name = format!("libsubid_{word}.so");
        let library = escape(name.as_bytes());
        match Functions::load(&name) {
            Ok(functions) => Ok(Self { library, functions }),
            Err(LoadError::Open(reason)) => {
                Err(Unusable::Load { library, reason: escape(reason.as_bytes()) })
            }
            Err(LoadError::Missing(function)) => Err(Unusable::Function { library, function }),
        }
    }

    /// The name of the library, escaped.
    pub(crate) fn library(&self) -> &str {
        &self.library
    }

    /// Asks for each range with missing ids, as a whole, and grants it if the plugin affirms it.
    pub(crate) fn grant(&self, claim: &mut Claim, id_type: IdType, caller: &Caller) {
        for range in claim.missing_ranges() {
            if self.has_range(id_type, &caller.name, range) == Ok(true) {
                claim.grant(range.lower_range());
            }
        }
    }

    /// Asks whether the lower ids of a range are delegated to a user.
    ///
    /// # Errors
    ///
    /// [`PluginError`]
    pub(crate) fn has_range(
        &self,
        id_type: IdType,
        owner: &[u8],
        range: MapRange,
    ) -> Result<bool, PluginError> {
        let owner = CString::new(owner).map_err(|_| PluginError::UnknownUser)?;
        let (status, answer) =
            self.functions.has_range(&owner, range.lower(), range.count(), c_id_type(id_type));
        succeeded(status)?;
        Ok(answer == TRUE)
    }
}

/// `enum subid_status` of shadow's lib/subid.h.
pub(super) fn succeeded(status: c_int) -> Result<(), PluginError> {
    match status {
        0 => Ok(()),
        1 => Err(PluginError::UnknownUser),
        2 => Err(PluginError::Connection),
        3 => Err(PluginError::Other),
        other => Err(PluginError::Undefined(other)),
    }
}

/// `enum subid_type` of shadow's lib/subid.h.
pub(super) fn c_id_type(id_type: IdType) -> c_int {
    match id_type {
        IdType::Uid => 1,
        IdType::Gid => 2,
    }
}
