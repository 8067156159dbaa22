//! The row of the user: notes for root, and for a variable USER that names another user.

use std::os::unix::ffi::OsStrExt;

use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::{escape, shell_word};
use crate::explain::cause::Key;
use crate::passwd::Passwd;

pub(super) fn findings(caller: &Caller, passwd: &impl Passwd) -> Vec<Finding> {
    let root = (caller.uid == 0).then(|| {
        let detail = "root is checked; to check another user, run uidmap-check --user NAME";
        Finding::note("user", detail, [])
    });
    let variable = std::env::var_os("USER").filter(|name| !name.is_empty());
    let account = variable.as_ref().and_then(|name| passwd.by_name(name.as_bytes()));
    let other = variable.filter(|_| account.is_none_or(|account| account.uid != caller.uid));
    let wrong_name = other.map(|other| {
        let (other, user) = (escape(other.as_bytes()), escape(&caller.name));
        let login =
            shell_word(&caller.name).map_or(String::new(), |name| format!(", or log in with su - {name}"));
        let remedy = Remedy::new(
            Key::UserVariable,
            format!(
                "the variable USER is '{other}', and podman requests the ids that are delegated to that name"
            ),
            format!("run `unset USER`{login}"),
        );
        Finding::note("user", format!("USER is '{other}' and the user is {user}"), [remedy])
    });
    root.into_iter().chain(wrong_name).collect()
}
