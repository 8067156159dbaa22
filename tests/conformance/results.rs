//! Results that shadow's versions come to otherwise.

use super::bench::{Observation, Version, is_about_plugins};
use super::case::{Case, Prior, Program, State};
use super::deviation::Probe;
use super::harness::usage;
use super::readings::{is_beyond_last_id, strtoul, three_fields};

fn program(case: &Case) -> &'static str {
    case.kind().program()
}

/// What becomes of the same with other ranges and other lines: of the own id, which is always allowed, with `ranges` after it.
fn decision(case: &Case, ranges: &[String], probe: &Probe) -> Observation {
    let own = ["0".into(), case.own_id().to_string(), "1".into()];
    probe.ours(&Case { words: own.iter().chain(ranges).cloned().collect(), ..case.clone() })
}

/// Whether the ranges were allowed, whatever the kernel said to the map then.
fn is_allowed(case: &Case, seen: &Observation) -> bool {
    let reached =
        ["write to ", "open of ", "couldn't open process setgroups", "failed to ", "kernel doesn't support "];
    let is_reached = |words: &str| seen.line.starts_with(&format!("{}: {words}", program(case)));
    seen.status == Some(0) || reached.iter().any(|words| is_reached(words))
}

/// A refusal with this line, which leaves all as it was.
fn refusal(case: &Case, notices: Vec<String>, line: String, probe: &Probe) -> Observation {
    let malformed = ["x", "x", "x"].map(Into::into).into();
    let Observation { map, setgroups, .. } = probe.ours(&Case { words: malformed, ..case.clone() });
    Observation { status: Some(1), stdout: String::new(), notices, line, map, setgroups }
}

/// No plugin is asked. 4.17 does nothing successfully, 4.13 writes nothing, which the kernel refuses; newgidmap denies setgroups before.
pub fn no_range(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    if !case.is_map() || !case.words.is_empty() {
        return None;
    }
    if *ours != refusal(case, ours.notices.clone(), usage(case.kind()), probe) {
        return None;
    }
    // With no line the own group is not delegated, so setgroups is denied for it as well.
    let mut own = decision(&Case { subid: Some(String::new()), ..case.clone() }, &[], probe);
    own.notices.retain(|notice| !is_about_plugins(notice));
    if !is_allowed(case, &own) {
        return None;
    }
    let file = format!("{}_map", case.kind().word());
    let is_write = own.line.starts_with(&format!("{}: write to ", program(case)));
    Some(match probe.version {
        _ if own.status != Some(0) && !is_write => own,
        Version::Debian13 => {
            Observation { status: Some(0), line: String::new(), map: ours.map.clone(), ..own }
        }
        Version::Debian12 if own.status == Some(0) => Observation {
            status: Some(1),
            line: format!("{}: write to {file} failed: Invalid argument", program(case)),
            map: ours.map.clone(),
            ..own
        },
        Version::Debian12 => own,
    })
}

/// 4.13 has such a range refused, in its turn.
pub fn count_zero(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    let overflow = format!("{}: subuid overflow detected.", program(case));
    if !case.is_map() || *ours != refusal(case, ours.notices.clone(), overflow, probe) {
        return None;
    }
    let numbers: Vec<u64> = case.words.iter().map(|word| strtoul(word)).collect::<Option<_>>()?;
    let index = numbers.chunks_exact(3).position(|range| range[2] == 0)?;
    let mut before = decision(case, &case.words[..3 * index], probe);
    if index == 0 {
        // No plugin is asked then.
        before.notices.retain(|notice| !is_about_plugins(notice));
    }
    if !is_allowed(case, &before) {
        return Some(before);
    }
    let (upper, lower) = (numbers[3 * index], numbers[3 * index + 1]);
    let line = format!(
        "{}: {} range [{upper}-{upper}) -> [{lower}-{lower}) not allowed",
        program(case),
        case.kind().word()
    );
    Some(refusal(case, before.notices, line, probe))
}

/// 4.13 looks for such a process.
pub fn pid_not_positive(case: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    if !case.is_map() || ours.line != usage(case.kind()) {
        return None;
    }
    let shown = match case.target_word.trim_start() {
        "-PID" => "-PID".to_owned(),
        // It is shown as the unsigned int that it is not.
        number => (number.parse::<i32>().ok().filter(|pid| *pid <= 0)? as u32).to_string(),
    };
    let line = format!(
        "{}: Could not open proc directory for target {shown}: No such file or directory",
        program(case)
    );
    Some(Observation { line, ..ours.clone() })
}

/// A message for each name, as soon as login.defs is read, which is before the target's owner is looked at.
pub fn unknown_login_def(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    let mut notices: Vec<String> = unknown_names(case.login_defs.as_deref().unwrap_or_default())
        .map(|name| format!("configuration error - unknown item '{name}' (notify administrator)"))
        .collect();
    let too_early = ["Could not open proc directory", "Cannot determine your user name"];
    if notices.is_empty()
        || !case.is_map()
        || too_early.into_iter().any(|words| ours.line.contains(words))
        || decision(case, &[], probe).line == usage(case.kind())
    {
        return None;
    }
    notices.extend(ours.notices.iter().cloned());
    Some(Observation { notices, ..ours.clone() })
}

/// The generator's names that are no items; see `settings.rs`.
fn unknown_names(login_defs: &str) -> impl Iterator<Item = &str> {
    const KNOWN: [&str; 6] =
        ["GRANT_AUX_GROUP_SUBIDS", "SUB_UID_COUNT", "SUB_GID_COUNT", "UMASK", "UID_MIN", "MAIL_DIR"];
    login_defs.lines().filter_map(|line| {
        let line = line.trim_matches([' ', '\t']);
        let (name, value) = line.split_at(line.find([' ', '\t'])?);
        let has_value = !value.trim_start_matches([' ', '\t', '"']).is_empty();
        (has_value && !line.starts_with('#') && !KNOWN.contains(&name)).then_some(name)
    })
}

/// The same end, without a word; also where login.defs says that the file may be missing, or a plugin is used instead.
pub fn missing_file(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    if case.subid.is_some() || !case.is_map() {
        return None;
    }
    let login_defs =
        format!("{}\nSUB_UID_COUNT 1\nSUB_GID_COUNT 1\n", case.login_defs.as_deref().unwrap_or_default());
    let needed = Case { login_defs: Some(login_defs), nsswitch: None, ..case.clone() };
    let missing =
        format!("{}: cannot open /etc/{}: No such file or directory", program(case), case.kind().subid());
    let seen = probe.ours(&needed);
    let empty = Case { subid: Some(String::new()), ..case.clone() };
    let is_right = ours.line == missing || *ours == probe.ours(&empty);
    (seen.line == missing && is_right).then(|| Observation { line: String::new(), ..seen })
}

/// Each line that shadow's older reader makes out is listed, whatever it delegates.
pub fn getsubids_lines(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    let user = match (&case.program, &case.words[..]) {
        (Program::Getsubids, [option, user]) if option == "-g" => user,
        (Program::Getsubids, [user, ..]) => user,
        _ => return None,
    };
    let uid = case.uid_of(user);
    // From 4.17 on a negative number is none.
    let is_read = |line: &&str| probe.version == Version::Debian12 || !line.contains('-');
    let listing = |lines: &mut dyn Iterator<Item = &str>| {
        let ranges =
            lines.filter_map(three_fields).filter(|(owner, ..)| owner == user || Some(*owner) == uid);
        let shown =
            ranges.enumerate().map(|(index, (_, start, count))| format!("{index}: {user} {start} {count}\n"));
        shown.collect::<Vec<_>>().concat()
    };
    let lines = case.lines();
    let stdout = listing(&mut lines.iter().copied().filter(|line| is_read(line)));
    let is_nothing = |line: &str| is_beyond_last_id(line) || matches!(three_fields(line), Some((.., 0)));
    let here = listing(&mut lines.iter().copied().filter(|line| !is_nothing(line)));
    (!stdout.is_empty() && ours.stdout == here).then(|| Observation {
        status: Some(0),
        stdout,
        line: String::new(),
        ..ours.clone()
    })
}

/// 4.17 says so and asks the files.
pub fn plugin_without_free(_: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let mut seen = ours.clone();
    seen.notices.push("libsubid_aged.so did not provide @subid_free@".into());
    Some(seen)
}

/// It says so and asks the files.
pub fn plugin_not_there(case: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let name = case.nsswitch.as_ref()?.strip_prefix('#')?.split('\n').next()?;
    let library = format!("libsubid_{}.so", name.replace('\r', "\\r"));
    let mut seen = ours.clone();
    seen.notices.push(match name {
        "partial" => format!("{library} did not provide @has_range@"),
        _ => format!(
            "Error opening {library}: {library}: cannot open shared object file: No such file or directory"
        ),
    });
    Some(seen)
}

/// A plugin that fails is to getsubids as one that lists nothing.
pub fn failing_plugin_listed(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    let failed = "Error fetching ranges";
    // If files were asked they would delegate something.
    let subid = case.words.iter().map(|user| format!("{user}:1:1\n")).collect::<Vec<_>>().concat();
    let is_plugin = probe.ours(&Case { subid: Some(subid), ..case.clone() }).line == failed;
    (!case.is_map() && ours.line == failed && is_plugin).then(|| Observation {
        status: Some(0),
        line: String::new(),
        ..ours.clone()
    })
}

/// Older versions look for it when they ask it, so they say nothing of it where something else is wrong before.
pub fn plugin_looked_for_late(case: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let words = ["subuid overflow detected.", "ranges: "];
    let is_before = ours.line == usage(case.kind())
        || words.iter().any(|words| ours.line.starts_with(&format!("{}: {words}", program(case))));
    let mut seen = ours.clone();
    seen.notices.retain(|notice| !is_about_plugins(notice));
    (is_before && seen != *ours).then_some(seen)
}

/// Names are printed as they are.
pub fn escaped_names(_: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let mut seen = ours.clone();
    seen.notices.iter_mut().for_each(|notice| *notice = notice.replace("\\r", "\r"));
    (seen != *ours).then_some(seen)
}

/// 4.17 says so where no line before decided.
pub fn nsswitch_without_end(_: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let mut seen = ours.clone();
    seen.notices.push("No usable subid NSS module found, using files".into());
    Some(seen)
}

/// What 4.17 opens in such a file first cannot be opened.
pub fn descriptor_of_file(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    if !is_allowed(case, ours) {
        return Some(ours.clone());
    }
    let fresh = probe.ours(&Case { prior: Prior::Nothing, ..case.clone() });
    let denies =
        fresh.setgroups == "deny" || (case.prior != Prior::SetgroupsDenied && ours.setgroups == "deny");
    let failed = if denies {
        "couldn't open process setgroups".into()
    } else {
        format!("open of {}_map failed", case.kind().word())
    };
    Some(refusal(case, ours.notices.clone(), format!("{}: {failed}: Not a directory", program(case)), probe))
}

/// As root it may open a process's own file, and the kernel refuses what is written.
pub fn setgroups_of_plain(case: &Case, ours: &Observation, _: &Probe) -> Option<Observation> {
    let program = program(case);
    let is_refused = ours.line == format!("{program}: couldn't open process setgroups: Permission denied");
    let line = format!("{program}: failed to setgroups deny policy: Operation not permitted");
    (case.state == State::Plain && is_refused).then(|| Observation { line, ..ours.clone() })
}

/// A file that is refused is as one that is missing.
pub fn nul_in_line(case: &Case, ours: &Observation, probe: &Probe) -> Option<Observation> {
    if case.subid.is_none() && case.is_map() { missing_file(case, ours, probe) } else { Some(ours.clone()) }
}
