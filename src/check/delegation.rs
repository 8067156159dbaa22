//! The delegated ids, as getsubids(1) lists them: from the subid files or the subid plugin.

use super::few_ids;
use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::delegation::Lines;
use crate::explain::evidence::id_map::{self, MapLine};
use crate::explain::evidence::path::Denial;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::passwd::Passwd;
use crate::subid::list::{Delegated, ListError, list};
use crate::subid::plugin::PluginError;
use crate::subid::{Source, SubidError};

#[derive(Debug)]
pub(super) struct Delegation {
    id_type: IdType,
    /// The ranges, without empty ones and those beyond the last id; or why there is no list.
    ranges: Result<Vec<IdRange>, ListError>,
    /// The lines of the file; `None` with a plugin.
    lines: Option<Lines>,
}

impl Delegation {
    pub(super) fn list(id_type: IdType, caller: &Caller, passwd: &impl Passwd) -> Self {
        let source = Source::open(id_type);
        let all = [IdRange::new(0, u32::MAX)].into_iter().collect();
        let lines = matches!(source, Ok(Source::File(_)))
            .then(|| Lines::examine(id_type, caller, &all, passwd))
            .flatten();
        let listed = source
            .map_err(ListError::from)
            .and_then(|source| list(source, id_type, &caller.name, Some(caller.uid), passwd));
        let range =
            |start: u64, count: u64| IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?);
        let usable = |listed: Vec<Delegated>| {
            let ranges = listed.into_iter().filter_map(|delegated| range(delegated.start, delegated.count));
            ranges.filter(|range| range.count() > 0).collect()
        };
        Self { id_type, ranges: listed.map(usable), lines }
    }

    /// `None` without a list.
    pub(super) fn listed(&self) -> Option<&[IdRange]> {
        self.ranges.as_deref().ok()
    }

    /// Whether the source answered with an empty list.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The ids, and beside them the ids of this user namespace: only ids that are in both can be mapped. After a trial, the program has
    /// named the cause of an empty list.
    pub(super) fn finding(&self, caller: &Caller, is_tried: bool) -> Finding {
        let (word, user) = (self.id_type.word(), escape(&caller.name));
        let subject = match self.id_type {
            IdType::Uid => "delegated uids",
            IdType::Gid => "delegated gids",
        };
        let ranges = match &self.ranges {
            Ok(ranges) => ranges,
            Err(error) => {
                let detail = format!("cannot be listed: {error}");
                return Finding::bad(subject, detail, plugin_failure(error, &user));
            }
        };
        let mapped = id_map::read("self", self.id_type);
        let detail = |ids: &str| format!("{ids}{}", mapped.as_deref().map(shown).unwrap_or_default());
        let count = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.count()));
        if count == 0 {
            let nothing =
                || Remedy::without_fix(Key::NotDelegated, format!("no {word}s are delegated to {user}"));
            let remedy = match caller.uid {
                0 => Some(for_root(word)),
                _ => (!is_tried).then(nothing),
            };
            return Finding::bad(subject, detail("no id"), remedy);
        }
        let detail = detail(&ranges.iter().map(IdRange::to_string).collect::<Vec<_>>().join(", "));
        let few_ids = few_ids::remedy(self.id_type, caller, ranges, self.lines.as_ref(), mapped.as_deref());
        let remedies: Vec<Remedy> = few_ids.into_iter().chain(self.unusual_line(caller)).collect();
        if remedies.is_empty() {
            Finding::good(subject, detail)
        } else {
            Finding::note(subject, detail, remedies)
        }
    }

    /// The first line that newuidmap reads otherwise than clients do. They look for the name and the uid, and read decimal numbers.
    fn unusual_line(&self, caller: &Caller) -> Option<Remedy> {
        let mut own = self.lines.as_ref()?.own.iter();
        let line = own.find(|line| line.is_alias || !line.is_canonical)?;
        let (file, user, number) = (self.id_type.subid_file(), escape(&caller.name), line.number);
        Some(Remedy::new(
            Key::DefectiveLine,
            format!(
                "some clients (unshare, some versions of podman) look in {file} for the owner {user} or {} and for decimal numbers, and \
                 line {number} has another form",
                caller.uid
            ),
            format!(
                "write line {number} of {file} as {}:{}:{}{}",
                causes::line_owner(&caller.name, caller.uid),
                line.range.start(),
                line.range.count(),
                causes::user_migrates(&user)
            ),
        ))
    }
}

/// The ids of this user namespace.
fn shown(mapped: &[MapLine]) -> String {
    let ranges: Vec<String> = mapped.iter().map(|line| line.inside().to_string()).collect();
    format!(" (this user namespace has {})", ranges.join(", "))
}

/// The cause of an unreadable file comes from the program, which reads the same file.
fn plugin_failure(error: &ListError, user: &str) -> Option<Remedy> {
    let fix = match error {
        ListError::Source(SubidError::File { .. }) => return None,
        ListError::Source(SubidError::Unusable(unusable)) => {
            let denial = Denial::of("/etc/nsswitch.conf");
            return Some(causes::unusable(unusable, denial.as_ref()).into());
        }
        ListError::Plugin { error: PluginError::UnknownUser, .. } => causes::delegate_or_reach(user),
        ListError::Plugin { .. } => format!(
            "check that the plugin is installed, and that its service runs and knows {user} (for sss: sssd), or as root, remove the \
             line subid: from /etc/nsswitch.conf"
        ),
    };
    let sentence = format!("the subid plugin in /etc/nsswitch.conf lists no ids for {user}: {error}");
    Some(Remedy::new(Key::Plugin, sentence, fix))
}

/// Root usually needs no delegation, and is checked by mistake.
fn for_root(word: &str) -> Remedy {
    Remedy::new(
        Key::NotDelegated,
        format!("no {word}s are delegated to root; an engine that root starts with CAP_SYS_ADMIN needs none"),
        "to check the user who starts containers, run uidmap-check --user NAME",
    )
}
