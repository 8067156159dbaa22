//! The list of a user's delegated ranges, for getsubids and uidmap-check. newuidmap and newgidmap make no list.

use std::ffi::CString;
use std::ops::ControlFlow;

use libc::uid_t;
use thiserror::Error;

use super::blocks::{for_each_block, lines};
use super::file::SubidFile;
use super::line::{Line, Owner};
use super::plugin::{Plugin, PluginError, c_id_type, succeeded};
use super::{Source, SubidError};
use crate::id_type::IdType;
use crate::passwd::Passwd;

/// A listed range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delegated {
    pub(crate) start: u64,
    pub(crate) count: u64,
}

/// Why there is no list.
#[derive(Debug, Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Source(#[from] SubidError),
    /// The plugin gave no list.
    #[error("{library}: {error}")]
    Plugin { library: String, error: PluginError },
}

/// Lists the ranges of a user with this name, and this uid if it is known, in the order of the source.
///
/// # Errors
///
/// [`ListError`]
pub(crate) fn list(
    source: Source,
    id_type: IdType,
    name: &[u8],
    uid: Option<uid_t>,
    passwd: &impl Passwd,
) -> Result<Vec<Delegated>, ListError> {
    match source {
        Source::File(file) => Ok(of_file(file, name, uid, passwd)?),
        Source::Plugin(plugin) => of_plugin(&plugin, id_type, name)
            .map_err(|error| ListError::Plugin { library: plugin.library, error }),
        Source::Unusable(unusable) => Err(SubidError::from(unusable).into()),
    }
}

/// The ranges of this name, of this uid, and of other names of this uid. A range of count 0 delegates nothing and is listed, as in
/// shadow.
fn of_file(
    file: SubidFile,
    name: &[u8],
    uid: Option<uid_t>,
    passwd: &impl Passwd,
) -> Result<Vec<Delegated>, SubidError> {
    let SubidFile { path, file } = file;
    let mut ranges = Vec::new();
    let Some(file) = file else { return Ok(ranges) };
    let owner = Owner::new(name, uid);
    let has_uid = |name: &[u8]| uid.is_some() && passwd.by_name(name).map(|other| other.uid) == uid;
    for_each_block(file, |block| {
        let parsed = lines(block).filter_map(Line::parse);
        let own = parsed.filter(|line| owner.owns(*line) || has_uid(line.owner()));
        let own = own.filter_map(Line::range);
        ranges.extend(own.map(|range| Delegated { start: range.start(), count: range.count() }));
        ControlFlow::Continue(())
    })
    .map_err(|error| SubidError::File { path, reason: error.into() })?;
    Ok(ranges)
}

fn of_plugin(plugin: &Plugin, id_type: IdType, owner: &[u8]) -> Result<Vec<Delegated>, PluginError> {
    let owner = CString::new(owner).map_err(|_| PluginError::UnknownUser)?;
    let (status, list) = plugin.functions.list_owner_ranges(&owner, c_id_type(id_type));
    succeeded(status)?;
    let ranges = list.ok_or(PluginError::List)?;
    Ok(ranges.into_iter().map(|(start, count)| Delegated { start, count }).collect())
}
