//! What shadow's versions read otherwise: the case retold in the words of the newest rules.

use super::bench::PLUGINS;
use super::case::{Case, Descriptor, GROUPS, Prior, Program, State};

const LAST_ID: u64 = u32::MAX as u64 - 1;

/// A number as strtoul(3) with base 0 has it, wrapped if negative; `None` with anything after it or out of range.
pub fn strtoul(text: &str) -> Option<u64> {
    let blank = |character: char| matches!(character, ' ' | '\t'..='\r');
    let text = text.trim_start_matches(blank);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (radix, digits) = match hexadecimal {
        Some(digits) => (16, digits),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    // Rust would take a sign here.
    let value = digits
        .chars()
        .all(|digit| digit.is_digit(radix))
        .then(|| u64::from_str_radix(digits, radix).ok())??;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// An owner and two numbers, if the line is that to shadow before the newest.
pub fn three_fields(line: &str) -> Option<(&str, u64, u64)> {
    let fields: Vec<&str> = line.split(':').collect();
    let [owner, start, count] = fields[..] else { return None };
    if owner.is_empty() || line.chars().count() > 1023 {
        return None;
    }
    Some((owner, strtoul(start)?, strtoul(count)?))
}

/// 0 + 0 - 1 wraps, so that every id is before it.
pub fn line_of_zeros(case: &Case) -> Option<Case> {
    case.with_lines(|line| match three_fields(line) {
        Some((owner, 0, 0)) => format!("{owner}:0:4294967295"),
        _ => line.into(),
    })
}

/// Whether it is a range that the newest rules do not have, and not an empty one.
pub fn is_beyond_last_id(line: &str) -> bool {
    three_fields(line).is_some_and(|(_, start, count)| {
        let is_id = |number: u64| number <= u32::MAX.into();
        let is_newest = !line.contains('-') && is_id(start) && is_id(count) && start + count <= 1 << 32;
        !is_newest && count > 0
    })
}

/// A line whose last id is no id delegates those that are; a negative number wraps to a large one.
pub fn line_beyond_last_id(case: &Case) -> Option<Case> {
    case.with_lines(|line| match three_fields(line) {
        Some((owner, start, count)) if is_beyond_last_id(line) => {
            let last = start.wrapping_add(count).wrapping_sub(1).min(LAST_ID);
            if start <= last { format!("{owner}:{start}:{}", last - start + 1) } else { String::new() }
        }
        _ => line.into(),
    })
}

pub fn is_fourth_field(line: &str) -> bool {
    line.split(':').count() > 3 && line.chars().count() <= 1023
}

/// Three fields count, whatever follows.
pub fn fourth_field(case: &Case) -> Option<Case> {
    case.with_lines(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        if is_fourth_field(line) { fields[..3].join(":") } else { line.into() }
    })
}

/// It is the name of nobody.
pub fn zero_led_owner(case: &Case) -> Option<Case> {
    case.with_lines(|line| {
        let owner = line.split(':').next().unwrap_or_default();
        let is_number = owner.len() > 1 && owner.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && owner.starts_with('0') { format!("?{line}") } else { line.into() }
    })
}

/// `fd:N` is no word for a target.
pub fn descriptor(case: &Case) -> Option<Case> {
    (case.is_map() && case.target_word.starts_with("fd:"))
        .then(|| Case { target_word: "x".into(), ..case.clone() })
}

/// A pidfd is not on procfs.
pub fn pidfd(case: &Case) -> Option<Case> {
    descriptor(case).filter(|_| case.descriptor == Descriptor::Pidfd)
}

/// The options are words like others.
pub fn help(case: &Case) -> Option<Case> {
    let is_option = |word: &str| ["--help", "--version", "--check"].contains(&word);
    match case.program {
        Program::Map(_) => {
            is_option(&case.target_word).then(|| Case { target_word: "x".into(), ..case.clone() })
        }
        Program::Getsubids => match &case.words[..] {
            [option] if is_option(option) && option != "--check" => case.with_words(vec!["?".into()]),
            _ => None,
        },
    }
}

/// Root reads it.
pub fn unreadable_file(case: &Case) -> Option<Case> {
    (!case.subid_is_readable).then(|| Case { subid_is_readable: true, ..case.clone() })
}

/// 4.13 reads all three numbers of a range before it looks at their limits, takes what is beyond 64 bits for no number,
/// lets a negative one wrap, and has limits of its own.
pub fn number_limits(case: &Case) -> Option<Case> {
    if !case.is_map() || case.words.is_empty() || case.words.len() % 3 != 0 {
        return None;
    }
    let mut words = case.words.clone();
    for range in words.chunks_exact_mut(3) {
        let Some(numbers) = range.iter().map(|word| strtoul(word)).collect::<Option<Vec<u64>>>() else {
            words[0] = "x".into();
            break;
        };
        let [upper, lower, count] = numbers[..] else { unreachable!() };
        let is_overflow = [upper, lower].iter().any(|start| {
            start.checked_add(count).is_none_or(|end| end > u32::MAX.into()) || *start > u32::MAX.into()
        });
        if is_overflow || count > u32::MAX.into() {
            words[0] = "-1".into();
            break;
        }
        // An upper or lower id that only a count of 0 makes possible.
        let shown = [upper, lower].map(|start| start.min(LAST_ID).to_string());
        let is_last = upper.max(lower) > LAST_ID;
        if is_last || range.iter().any(|word| word.contains('-')) {
            range[0].clone_from(&shown[0]);
            range[1].clone_from(&shown[1]);
            range[2] = count.to_string();
        }
    }
    case.with_words(words)
}

/// The C library reads `0b1` as 1, wherever shadow reads a number with a prefix.
pub fn binary(case: &Case) -> Option<Case> {
    replace_binary(case, |word| {
        let (sign, digits) = word.split_at(word.find('0').unwrap_or_default());
        u64::from_str_radix(&digits[2..], 2).map_or_else(|_| word.into(), |value| format!("{sign}{value}"))
    })
}

/// The same with other words for the numbers that are binary to who knows that.
pub fn replace_binary(case: &Case, other: impl Fn(&str) -> String) -> Option<Case> {
    let is_binary = |word: &str| {
        let word = word.trim_start_matches([' ', '+', '-', '\t', '\n']);
        let digits = word.strip_prefix("0b").or_else(|| word.strip_prefix("0B"));
        digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(2)))
    };
    let word = |word: &str| if is_binary(word) { other(word) } else { word.into() };
    let words = |text: &str, separator: char| {
        text.split(separator).map(word).collect::<Vec<_>>().join(&separator.to_string())
    };
    let mut retold = case.clone();
    if case.is_map() {
        retold.words = case.words.iter().map(|text| word(text)).collect();
    }
    retold = retold
        .with_lines(|line| match line.split_once(':') {
            Some((owner, numbers)) => format!("{owner}:{}", words(numbers, ':')),
            None => line.into(),
        })
        .unwrap_or(retold);
    let by_line =
        |text: &String| text.split('\n').map(|line| words(line, ' ')).collect::<Vec<_>>().join("\n");
    retold.login_defs = case.login_defs.as_ref().map(by_line);
    (retold != *case).then_some(retold)
}

/// `getsubids -g` takes a number for the gid of the group that is named as the user is.
pub fn getsubids_by_gid(case: &Case) -> Option<Case> {
    let (Program::Getsubids, [option, user]) = (case.program, &case.words[..]) else { return None };
    let gid = GROUPS.iter().find(|(name, _)| name == user).map(|(_, gid)| *gid);
    let uid = case.uid_of(user);
    case.with_lines(|line| match line.split_once(':') {
        Some((owner, range)) if option == "-g" && Some(owner) == gid => format!("{user}:{range}"),
        Some((owner, _)) if option == "-g" && owner != user && Some(owner.trim_start_matches('0')) == uid => {
            format!("?{line}")
        }
        _ => line.into(),
    })
}

/// 4.13 passes over all kinds of blanks.
pub fn nsswitch_blanks(case: &Case) -> Option<Case> {
    let text = case.nsswitch.as_deref()?;
    let change = |line: &str| match line.split_at_checked("subid:".len()) {
        Some((database, services)) if database.eq_ignore_ascii_case("subid:") => {
            format!(
                "{database}{}",
                services.trim_start_matches(|byte: char| byte.is_ascii_whitespace() || byte == '\u{b}')
            )
        }
        _ => line.to_owned(),
    };
    let nsswitch = Some(text.split('\n').map(change).collect::<Vec<_>>().join("\n"));
    (nsswitch != case.nsswitch).then(|| Case { nsswitch, ..case.clone() })
}

/// It is not used.
pub fn plugin_without_free(case: &Case) -> Option<Case> {
    let nsswitch = case.nsswitch.as_ref().filter(|text| service(text).as_deref() == Some("aged"));
    nsswitch.map(|_| files_instead_of("aged", case))
}

/// Files are used then.
pub fn plugin_not_there(case: &Case) -> Option<Case> {
    let name = service(case.nsswitch.as_deref()?)?;
    let is_usable = name == "files" || PLUGINS.iter().any(|(there, _)| *there == name && name != "partial");
    (!is_usable && name.len() <= 50).then(|| files_instead_of(&name, case))
}

/// The plugin that is configured, if any.
fn service(nsswitch: &str) -> Option<String> {
    nsswitch.split('\n').find_map(|line| {
        let (database, services) = line.split_at_checked("subid:".len())?;
        let is_database = database.eq_ignore_ascii_case("subid:");
        services.split([' ', '\t']).find(|word| is_database && !word.is_empty()).map(str::to_owned)
    })
}

/// The plugin's name is kept in the first line, since it is told.
fn files_instead_of(plugin: &str, case: &Case) -> Case {
    Case { nsswitch: Some(format!("#{plugin}\npasswd: files\n")), ..case.clone() }
}

/// The file is given up at such a line.
pub fn nsswitch_without_end(case: &Case) -> Option<Case> {
    let text = case.nsswitch.as_deref().filter(|text| !text.is_empty() && !text.ends_with('\n'))?;
    let nsswitch = text.rsplit_once('\n').map(|(lines, _)| format!("{lines}\n"));
    Some(Case { nsswitch, ..case.clone() })
}

/// Every file on procfs passes for a directory until something is opened in it. Unlike a directory it still has its owner when
/// the process has ended.
pub fn descriptor_of_file(case: &Case) -> Option<Case> {
    let directory = Case { descriptor: Descriptor::Directory, ..case.clone() };
    (case.descriptor == Descriptor::Status).then_some(match case.state {
        State::Ended => Case { state: State::Namespace, prior: Prior::Nothing, ..directory },
        State::Namespace | State::Plain => directory,
    })
}

/// A line ends for it at the NUL byte, and where its end is looked for the next line is added; if there is none, the whole
/// file is refused.
pub fn nul_in_line(case: &Case) -> Option<Case> {
    let mut text = case.subid.clone().filter(|text| text.contains('\0'))?;
    while let Some(nul) = text.find('\0') {
        match text[nul..].find('\n') {
            None => text.truncate(nul),
            Some(length) if nul + length + 1 == text.len() => {
                return Some(Case { subid: None, ..case.clone() });
            }
            Some(length) => text.replace_range(nul..=nul + length, ""),
        }
    }
    Some(Case { subid: Some(text), ..case.clone() })
}

/// A line of fewer than 8 bytes, its end among them, is passed over.
pub fn short_nsswitch_line(case: &Case) -> Option<Case> {
    let text = case.nsswitch.as_deref()?;
    let is_database = |line: &str| line.to_ascii_lowercase().starts_with("subid:");
    let lines = text.split_inclusive('\n').filter(|line| line.len() >= 8 || !is_database(line));
    let nsswitch = Some(lines.collect::<String>());
    (nsswitch != case.nsswitch).then(|| Case { nsswitch, ..case.clone() })
}

/// 4.13 has white space of all kinds ignored at the end.
pub fn login_defs_blanks(case: &Case) -> Option<Case> {
    let blanks = |byte: char| byte.is_ascii_whitespace() || byte == '\u{b}';
    let lines = case.login_defs.as_deref()?.split('\n').map(|line| line.trim_end_matches(blanks));
    let login_defs = Some(lines.collect::<Vec<_>>().join("\n"));
    (login_defs != case.login_defs).then(|| Case { login_defs, ..case.clone() })
}

/// What is beyond 1023 bytes is another line.
pub fn long_login_def(case: &Case) -> Option<Case> {
    let lines = case.login_defs.as_deref()?.split('\n').map(|line| {
        let characters: Vec<char> = line.chars().collect();
        characters.chunks(1023).map(String::from_iter).collect::<Vec<_>>().join("\n")
    });
    let login_defs = Some(lines.collect::<Vec<_>>().join("\n"));
    (login_defs != case.login_defs).then(|| Case { login_defs, ..case.clone() })
}
