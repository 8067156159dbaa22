//! The delegated ids, as getsubids(1) lists them: from the subid files or the subid plugin.

use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::id_map;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::passwd::Passwd;
use crate::subid::list::{Delegated, ListError, list};
use crate::subid::{Source, SubidError};

/// The id of the user nobody: the highest id in usual images.
const NOBODY: u64 = 65_534;

/// The ids that useradd(8) delegates.
const USUAL_COUNT: u64 = 65_536;

#[derive(Debug)]
pub(super) struct Delegation {
    id_type: IdType,
    /// The ranges, without empty ones and those beyond the last id; or why there is no list.
    ranges: Result<Vec<IdRange>, ListError>,
}

impl Delegation {
    pub(super) fn list(id_type: IdType, caller: &Caller, passwd: &impl Passwd) -> Self {
        let listed = Source::open(id_type)
            .map_err(ListError::from)
            .and_then(|source| list(source, id_type, &caller.name, Some(caller.uid), passwd));
        let range =
            |start: u64, count: u64| IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?);
        let usable = |listed: Vec<Delegated>| {
            let ranges = listed.into_iter().filter_map(|delegated| range(delegated.start, delegated.count));
            ranges.filter(|range| range.count() > 0).collect()
        };
        Self { id_type, ranges: listed.map(usable) }
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
        let shown: Vec<String> = ranges.iter().map(IdRange::to_string).collect();
        let count = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.count()));
        if count == 0 {
            let nothing =
                || Remedy::without_fix(Key::NotDelegated, format!("no {word}s are delegated to {user}"));
            let remedy = match caller.uid {
                0 => Some(for_root(word)),
                _ => (!is_tried).then(nothing),
            };
            return Finding::bad(subject, format!("no id{}", self.mapped_here()), remedy);
        }
        let detail = format!("{}{}", shown.join(", "), self.mapped_here());
        // The own id becomes 0.
        if count < NOBODY {
            let remedy = Remedy::new(
                Key::FewIds,
                format!(
                    "{count} {word}s are delegated to {user}, and usual images have {word}s up to {NOBODY} (nobody)"
                ),
                format!(
                    "have {USUAL_COUNT} {word}s delegated: by root, with the option --add-sub{word}s of usermod(8), or by the \
                     administrator of the directory service"
                ),
            );
            return Finding::note(subject, detail, [remedy]);
        }
        Finding::good(subject, detail)
    }

    fn mapped_here(&self) -> String {
        let Some(lines) = id_map::read("self", self.id_type) else { return String::new() };
        let ranges: Vec<String> = lines.iter().map(|line| line.inside().to_string()).collect();
        format!(" (this user namespace has {})", ranges.join(", "))
    }
}

/// The cause of an unreadable file comes from the program, which reads the same file.
fn plugin_failure(error: &ListError, user: &str) -> Option<Remedy> {
    match error {
        ListError::Source(SubidError::File { .. }) => return None,
        ListError::Source(SubidError::Unusable(unusable)) => return Some(causes::unusable(unusable).into()),
        ListError::Plugin { .. } => {}
    }
    Some(Remedy::new(
        Key::Plugin,
        format!("the subid plugin in /etc/nsswitch.conf lists no ids for {user}: {error}"),
        format!(
            "check that the plugin is installed, and that its service runs and knows {user} (for sss: sssd), or as root, remove the \
             line subid: from /etc/nsswitch.conf"
        ),
    ))
}

/// Root usually needs no delegation, and is checked by mistake.
fn for_root(word: &str) -> Remedy {
    Remedy::new(
        Key::NotDelegated,
        format!("no {word}s are delegated to root; an engine that root starts with CAP_SYS_ADMIN needs none"),
        "to check the user who starts containers, run uidmap-check --user NAME",
    )
}
