//! The failures of newuidmap and newgidmap, composed of those of the modules.
//!
//! The text of an error is shadow's line without the program's name; people and programs search for it. Details that shadow does not
//! print are the source of the error, and are printed after it by the explanation.

use thiserror::Error;

use crate::caller::NoPasswdEntry;
use crate::map_range::RangeError;
use crate::mapping::policy::PolicyError;
use crate::mapping::target::TargetError;
use crate::mapping::write::WriteError;
use crate::privileges::PrivilegeError;
use crate::reason::Reason;
use crate::subid::SubidError;

/// Why no map was written.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// A descriptor from 0 to 2 is closed and cannot be opened.
    #[error("cannot open /dev/null: {0}")]
    StandardDescriptors(Reason),
    /// There are no arguments.
    #[error("")]
    Usage,
    #[error("cannot leave the working directory: {0}")]
    WorkingDirectory(Reason),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Caller(#[from] NoPasswdEntry),
    #[error(transparent)]
    Subid(#[from] SubidError),
    #[error(transparent)]
    Range(#[from] RangeError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Write(WriteError),
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Privilege(error) => Self::Privilege(error),
            other => Self::Write(other),
        }
    }
}

impl Error {
    /// Whether the usage line follows the message.
    pub(crate) const fn shows_usage(&self) -> bool {
        matches!(
            self,
            Self::Usage | Self::Target(TargetError::Bad(_) | TargetError::NotFound { .. }) | Self::Range(_)
        )
    }
}
