//! What our own program reads where shadow's versions read otherwise, said so that nobody can: the counterpart of `readings.rs`.

use super::case::{Case, Descriptor};
use super::readings::{is_beyond_last_id, is_fourth_field, replace_binary, three_fields};

fn without_lines(case: &Case, is_nothing: impl Fn(&str) -> bool) -> Option<Case> {
    case.with_lines(|line| if is_nothing(line) { String::new() } else { line.into() })
}

pub fn nul_in_line(case: &Case) -> Option<Case> {
    without_lines(case, |line| line.contains('\0'))
}

/// No digit of any base.
pub fn binary(case: &Case) -> Option<Case> {
    replace_binary(case, |word| word.replacen(['b', 'B'], "q", 1))
}

pub fn fourth_field(case: &Case) -> Option<Case> {
    without_lines(case, is_fourth_field)
}

pub fn zero_led_owner(case: &Case) -> Option<Case> {
    case.with_lines(|line| match line.split_once(':') {
        Some((owner, range)) if owner.len() > 1 && owner.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = owner.trim_start_matches('0');
            format!("{}:{range}", if number.is_empty() { "0" } else { number })
        }
        _ => line.into(),
    })
}

pub fn line_of_zeros(case: &Case) -> Option<Case> {
    without_lines(case, |line| matches!(three_fields(line), Some((_, 0, 0))))
}

pub fn line_beyond_last_id(case: &Case) -> Option<Case> {
    without_lines(case, is_beyond_last_id)
}

/// By the user's name, or as somebody else's.
pub fn getsubids_by_gid(case: &Case) -> Option<Case> {
    let user = case.words.last()?;
    let uid = case.uid_of(user);
    case.with_lines(|line| match line.split_once(':') {
        Some((owner, range)) if uid == Some(owner) => format!("{user}:{range}"),
        Some((owner, _))
            if owner != user
                && owner.bytes().all(|byte| byte.is_ascii_digit())
                && !owner.starts_with('0') =>
        {
            format!("?{line}")
        }
        _ => line.into(),
    })
}

pub fn pidfd(case: &Case) -> Option<Case> {
    Some(Case { descriptor: Descriptor::Directory, ..case.clone() })
}

/// No directory either, and on another file system.
pub fn descriptor_of_file(case: &Case) -> Option<Case> {
    Some(Case { descriptor: Descriptor::Passwd, ..case.clone() })
}

pub fn nsswitch_without_end(case: &Case) -> Option<Case> {
    let nsswitch = case.nsswitch.as_ref().map(|text| format!("{text}\n"));
    Some(Case { nsswitch, ..case.clone() })
}

/// The generator's long line is a comment.
pub fn long_login_def(case: &Case) -> Option<Case> {
    let lines = case.login_defs.as_deref()?.split('\n').filter(|line| !line.starts_with('#'));
    Some(Case { login_defs: Some(lines.collect::<Vec<_>>().join("\n")), ..case.clone() })
}

pub fn plugin_without_free(case: &Case) -> Option<Case> {
    let nsswitch = case.nsswitch.as_ref().map(|text| text.replace("aged", "fresh"));
    Some(Case { nsswitch, ..case.clone() })
}
