//! The deviations of docs/compatibility.md, by their numbers there, and how a difference is put down to them.
//!
//! A deviation does not say what may differ: it says what shadow does instead. It retells the case as shadow reads it, or gives
//! the result that shadow arrives at, or shadow's words for the line; all that is left open is answered by our own
//! program on the case retold. Only if shadow did just that, to the last bit of what is compared, is a difference put down to it.
//! Our own program is held in the same way: where the input is read otherwise, it has to do what it does with input that
//! says without doubt what is to be read.

use std::cell::RefCell;

use super::bench::Version::{Debian12, Debian13};
use super::bench::{Observation, Version};
use super::case::Case;
use super::{here, readings, results, wordings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Deviation {
    NoRange = 1,
    LineOfZeros = 2,
    LineBeyondLastId = 3,
    FourthField = 4,
    ZeroLedOwner = 5,
    CountZero = 7,
    Descriptor = 8,
    Help = 9,
    UnknownLoginDef = 11,
    UnreadableFile = 13,
    ShortNsswitchLine = 15,
    PidNotPositive = 16,
    MissingFile = 17,
    NumberLimits = 18,
    Binary = 19,
    GetsubidsLines = 20,
    UsageWords = 21,
    OwnershipWords = 22,
    NoProcessWords = 23,
    RangesWords = 24,
    Pidfd = 25,
    PluginWithoutFree = 26,
    NsswitchBlanks = 27,
    PluginLookedForLate = 28,
    GetsubidsByGid = 29,
    NsswitchWithoutEnd = 30,
    DescriptorOfFile = 31,
    SetgroupsWords = 32,
    SetgroupsOfPlain = 33,
    FailingPluginListed = 34,
    NulInLine = 35,
    LoginDefsBlanks = 36,
    LongLoginDef = 37,
    EscapedNames = 38,
    PluginNotThere = 41,
    SetgroupsNotFound = 42,
}

#[allow(clippy::enum_glob_use, reason = "all of them, more than once")]
use Deviation::*;

type Reading = fn(&Case) -> Option<Case>;
type Result = fn(&Case, &Observation, &Probe) -> Option<Observation>;
type Words = fn(&Case, Version, &str) -> Option<String>;

/// What shadow does where a deviation holds; each is `None` where it does not.
enum Effect {
    /// It reads the input otherwise: the case, retold so that the newest rules read it that way.
    Reading(Reading),
    /// It comes to another result, given what it would be otherwise.
    Result(Result),
    /// Both.
    ReadingWithResult(Reading, Result),
    /// It has other words for the same line.
    Words(Words),
}

impl Deviation {
    /// In the order in which they come into effect.
    pub const ALL: [Self; 36] = [
        NulInLine,
        Binary,
        FourthField,
        ZeroLedOwner,
        LineOfZeros,
        LineBeyondLastId,
        GetsubidsByGid,
        UnreadableFile,
        Help,
        NumberLimits,
        Descriptor,
        Pidfd,
        NsswitchBlanks,
        ShortNsswitchLine,
        LoginDefsBlanks,
        LongLoginDef,
        PluginNotThere,
        NoRange,
        CountZero,
        PidNotPositive,
        MissingFile,
        GetsubidsLines,
        FailingPluginListed,
        PluginWithoutFree,
        NsswitchWithoutEnd,
        DescriptorOfFile,
        SetgroupsOfPlain,
        PluginLookedForLate,
        UnknownLoginDef,
        EscapedNames,
        UsageWords,
        OwnershipWords,
        NoProcessWords,
        RangesWords,
        SetgroupsWords,
        SetgroupsNotFound,
    ];

    /// Its number in docs/compatibility.md.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The versions that it is seen on.
    pub fn seen_on(self) -> &'static [Version] {
        match self {
            CountZero | Descriptor | PidNotPositive | NumberLimits | OwnershipWords | RangesWords
            | NsswitchBlanks | LoginDefsBlanks => &[Debian12],
            Binary | Pidfd | PluginWithoutFree | NsswitchWithoutEnd | DescriptorOfFile
            | SetgroupsNotFound => &[Debian13],
            _ => &[Debian12, Debian13],
        }
    }

    pub fn is_words(self) -> bool {
        matches!(self.effect(), Effect::Words(_))
    }

    fn reading(self) -> Option<Reading> {
        match self.effect() {
            Effect::Reading(reading) | Effect::ReadingWithResult(reading, _) => Some(reading),
            Effect::Result(_) | Effect::Words(_) => None,
        }
    }

    /// The case, retold so that all read it as our program has to. `None` for what is compared with a later version, or is shown
    /// by tests of rules: options, and what only root may read.
    fn here(self) -> Option<Reading> {
        match self {
            NulInLine => Some(here::nul_in_line),
            Binary => Some(here::binary),
            FourthField => Some(here::fourth_field),
            ZeroLedOwner => Some(here::zero_led_owner),
            LineOfZeros => Some(here::line_of_zeros),
            LineBeyondLastId => Some(here::line_beyond_last_id),
            GetsubidsByGid => Some(here::getsubids_by_gid),
            Pidfd => Some(here::pidfd),
            ShortNsswitchLine | NsswitchWithoutEnd => Some(here::nsswitch_without_end),
            LongLoginDef => Some(here::long_login_def),
            PluginWithoutFree => Some(here::plugin_without_free),
            DescriptorOfFile => Some(here::descriptor_of_file),
            _ => None,
        }
    }

    fn has_result(self) -> bool {
        !matches!(self.effect(), Effect::Reading(_))
    }

    fn result(self, case: &Case, seen: &Observation, probe: &Probe) -> Option<Observation> {
        match self.effect() {
            Effect::Reading(_) => None,
            Effect::Result(result) | Effect::ReadingWithResult(_, result) => result(case, seen, probe),
            Effect::Words(words) => {
                words(case, probe.version, &seen.line).map(|line| Observation { line, ..seen.clone() })
            }
        }
    }

    fn effect(self) -> Effect {
        match self {
            LineOfZeros => Effect::Reading(readings::line_of_zeros),
            LineBeyondLastId => Effect::Reading(readings::line_beyond_last_id),
            FourthField => Effect::Reading(readings::fourth_field),
            ZeroLedOwner => Effect::Reading(readings::zero_led_owner),
            Descriptor => Effect::Reading(readings::descriptor),
            Pidfd => Effect::Reading(readings::pidfd),
            Help => Effect::Reading(readings::help),
            UnreadableFile => Effect::Reading(readings::unreadable_file),
            NumberLimits => Effect::Reading(readings::number_limits),
            Binary => Effect::Reading(readings::binary),
            NoRange => Effect::Result(results::no_range),
            CountZero => Effect::Result(results::count_zero),
            PidNotPositive => Effect::Result(results::pid_not_positive),
            UnknownLoginDef => Effect::Result(results::unknown_login_def),
            EscapedNames => Effect::Result(results::escaped_names),
            MissingFile => Effect::Result(results::missing_file),
            GetsubidsLines => Effect::Result(results::getsubids_lines),
            PluginWithoutFree => {
                Effect::ReadingWithResult(readings::plugin_without_free, results::plugin_without_free)
            }
            NsswitchBlanks => Effect::Reading(readings::nsswitch_blanks),
            GetsubidsByGid => Effect::Reading(readings::getsubids_by_gid),
            PluginLookedForLate => Effect::Result(results::plugin_looked_for_late),
            NsswitchWithoutEnd => {
                Effect::ReadingWithResult(readings::nsswitch_without_end, results::nsswitch_without_end)
            }
            PluginNotThere => {
                Effect::ReadingWithResult(readings::plugin_not_there, results::plugin_not_there)
            }
            DescriptorOfFile => {
                Effect::ReadingWithResult(readings::descriptor_of_file, results::descriptor_of_file)
            }
            NulInLine => Effect::ReadingWithResult(readings::nul_in_line, results::nul_in_line),
            ShortNsswitchLine => Effect::Reading(readings::short_nsswitch_line),
            LoginDefsBlanks => Effect::Reading(readings::login_defs_blanks),
            LongLoginDef => Effect::Reading(readings::long_login_def),
            FailingPluginListed => Effect::Result(results::failing_plugin_listed),
            SetgroupsOfPlain => Effect::Result(results::setgroups_of_plain),
            SetgroupsWords => Effect::Words(wordings::setgroups),
            SetgroupsNotFound => Effect::Words(wordings::setgroups_not_found),
            UsageWords => Effect::Words(wordings::usage),
            OwnershipWords => Effect::Words(wordings::ownership),
            NoProcessWords => Effect::Words(wordings::no_process),
            RangesWords => Effect::Words(wordings::ranges),
        }
    }
}

/// Our own program, to be asked what it makes of a case; each case is run once.
pub struct Probe<'a> {
    run: &'a dyn Fn(&Case) -> Observation,
    known: RefCell<Vec<(Case, Observation)>>,
    pub version: Version,
}

impl<'a> Probe<'a> {
    pub fn new(run: &'a dyn Fn(&Case) -> Observation, version: Version) -> Self {
        Self { run, known: RefCell::default(), version }
    }

    pub fn ours(&self, case: &Case) -> Observation {
        if let Some((_, seen)) = self.known.borrow().iter().find(|(known, _)| known == case) {
            return seen.clone();
        }
        let seen = (self.run)(case);
        self.known.borrow_mut().push((case.clone(), seen.clone()));
        seen
    }
}

/// At most as many deviations come together in one case.
const MOST: usize = 4;

/// The fewest deviations that together make shadow do what it did.
pub fn explanation(case: &Case, theirs: &Observation, probe: &Probe) -> Option<Vec<Deviation>> {
    let seen: Vec<Deviation> =
        Deviation::ALL.into_iter().filter(|one| one.seen_on().contains(&probe.version)).collect();
    let ends: Vec<Deviation> = seen.iter().copied().filter(|one| one.has_result()).collect();
    let retellings = retellings(case, &seen);
    (1..=MOST).find_map(|size| {
        retellings.iter().find_map(|(retold, read)| {
            let search = Search { case: retold, read, theirs, probe };
            let left = size.checked_sub(read.len()).filter(|_| is_right(case, read, probe))?;
            let mut found = search.find(&probe.ours(retold), &ends, left)?;
            found.extend(read.iter().filter(|one| !one.has_result()));
            found.sort_unstable();
            Some(found)
        })
    })
}

/// Whether our program reads as it has to what these readings are about.
fn is_right(case: &Case, read: &[Deviation], probe: &Probe) -> bool {
    let plain =
        read.iter().filter_map(|one| one.here()).fold(case.clone(), |case, here| here(&case).unwrap_or(case));
    probe.ours(&plain) == probe.ours(case)
}

/// The case as it is for every set of these readings, the smallest sets first.
fn retellings(case: &Case, readings: &[Deviation]) -> Vec<(Case, Vec<Deviation>)> {
    let mut retellings = vec![(case.clone(), Vec::new())];
    for deviation in readings {
        let Some(reading) = deviation.reading() else { continue };
        let further: Vec<_> = retellings
            .iter()
            .filter_map(|(case, read)| Some((reading(case)?, [read.as_slice(), &[*deviation]].concat())))
            .collect();
        retellings.extend(further);
    }
    retellings.sort_by_key(|(_, read)| read.len());
    retellings
}

/// What is sought for one retelling.
struct Search<'a> {
    case: &'a Case,
    read: &'a [Deviation],
    theirs: &'a Observation,
    probe: &'a Probe<'a>,
}

impl Search<'_> {
    /// The results that lead from `seen` to what shadow did: those that belong to a reading, and `left` others.
    fn find(&self, seen: &Observation, ends: &[Deviation], left: usize) -> Option<Vec<Deviation>> {
        let Some((first, others)) = ends.split_first() else {
            return (left == 0 && seen == self.theirs).then(Vec::new);
        };
        let is_read = self.read.contains(first);
        let left_with_it = if is_read { Some(left) } else { left.checked_sub(1) };
        let with_it = || {
            let left = left_with_it.filter(|_| is_read || first.reading().is_none())?;
            let mut found = self.find(&first.result(self.case, seen, self.probe)?, others, left)?;
            found.push(*first);
            Some(found)
        };
        if is_read { with_it() } else { self.find(seen, others, left).or_else(with_it) }
    }
}
