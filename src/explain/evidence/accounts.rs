//! Evidence about the accounts of this machine, and about the ids that useradd(8) would delegate to a new one.
//!
//! The files are read, and not the user database: a directory service may be slow or down, and its list is long.

use std::io::ErrorKind;

use nix::unistd::{AccessFlags, access};

use super::lines::for_each_line;
use crate::escape::escape;
use crate::files;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::login_defs::LoginDefs;
use crate::number::{self, Base};
use crate::reason::Reason;

/// The sources in nsswitch.conf(5) that are no directory service.
const LOCAL: [&str; 5] = ["files", "compat", "db", "systemd", "mymachines"];

/// No name of a source is longer.
const LONGEST_SOURCE: usize = 32;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// The ids of the local accounts and groups.
    pub(crate) ids: IdSet,
    /// A file that is not read to its end, so that `ids` or `unlisted` may lack some.
    pub(crate) unread: Option<&'static str>,
    /// The directory services that nsswitch.conf(5) names for passwd.
    pub(crate) directories: Vec<String>,
    /// The directory services whose accounts or groups may have ids that `ids` lacks.
    pub(crate) unlisted: Vec<String>,
    /// nsswitch.conf(5) names systemd for passwd: nss-systemd(8) knows the users of systemd-homed.
    pub(crate) has_systemd: bool,
    /// Why /etc/passwd cannot be opened. The C library reports that as a missing entry.
    pub(crate) passwd_error: Option<Reason>,
    /// The caller may write to /etc/passwd.
    pub(crate) may_write_passwd: bool,
    pub(crate) limits: Limits,
}

/// The ids that may be delegated, and how many of them: `SUB_UID_MIN` and others of login.defs(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) count: u64,
}

/// The defaults of useradd(8).
impl Default for Limits {
    fn default() -> Self {
        Self { min: 100_000, max: 600_100_000, count: 65_536 }
    }
}

impl Accounts {
    pub(crate) fn examine(id_type: IdType) -> Self {
        let (ids, mut unread) = local_ids(id_type);
        let nsswitch = files::read("/etc/nsswitch.conf").unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                unread = Some("/etc/nsswitch.conf");
            }
            Vec::new()
        });
        let nsswitch = String::from_utf8_lossy(&nsswitch);
        let users: Vec<&str> = sources(&nsswitch, "passwd:").collect();
        let with_ids = match id_type {
            IdType::Uid => users.clone(),
            IdType::Gid => sources(&nsswitch, "group:").chain(users.iter().copied()).collect(),
        };
        Self {
            ids,
            unread,
            directories: directories(&users),
            unlisted: directories(&with_ids),
            has_systemd: users.contains(&"systemd"),
            passwd_error: files::open("/etc/passwd", 0).err().map(Reason::from),
            may_write_passwd: access("/etc/passwd", AccessFlags::W_OK).is_ok(),
            limits: Limits::of(&LoginDefs::read(), id_type),
        }
    }
}

impl Limits {
    /// The defaults, if `MIN` to `MAX` has no room for one account. At least the ids of a usual image are delegated, as many as the default.
    fn of(defs: &LoginDefs, id_type: IdType) -> Self {
        let usual = Self::default();
        let item = |name: &str, default| {
            let item = format!("SUB_{}_{name}", id_type.word().to_ascii_uppercase());
            defs.number(&item).unwrap_or(default)
        };
        let (min, max) = (item("MIN", usual.min), item("MAX", usual.max).min(u32::MAX.into()));
        let count = item("COUNT", usual.count).max(usual.count);
        let has_room = min.checked_add(count).is_some_and(|end| end <= max);
        if has_room { Self { min, max, count } } else { usual }
    }
}

/// The ids of the local accounts or groups, and a file of them that is not read to its end.
fn local_ids(id_type: IdType) -> (IdSet, Option<&'static str>) {
    let files = match id_type {
        IdType::Uid => &[("/etc/passwd", 2)][..],
        // Also login groups that /etc/group does not have.
        IdType::Gid => &[("/etc/group", 2), ("/etc/passwd", 3)],
    };
    let (mut ids, mut unread) = (Vec::new(), None);
    for (path, index) in files {
        let is_whole = match files::open(path, 0) {
            Ok(file) => for_each_line(file, |_, line| ids.extend(field(line, *index))),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if !is_whole {
            unread = Some(*path);
        }
    }
    (ids.into_iter().collect(), unread)
}

/// The number in a field of a line.
fn field(line: &[u8], index: usize) -> Option<IdRange> {
    let field = line.split(|byte| *byte == b':').nth(index)?;
    Some(IdRange::new(number::id(field, Base::Decimal)?, 1))
}

/// The sources in the lines of a database, such as `passwd:`, in nsswitch.conf(5).
fn sources<'a>(nsswitch: &'a str, database: &str) -> impl Iterator<Item = &'a str> {
    let lines = nsswitch.lines().filter_map(move |line| line.trim().strip_prefix(database));
    let before_comment = |line: &'a str| line.split('#').next().unwrap_or_default();
    // An action in brackets may follow without a blank: sss[NOTFOUND=return].
    let after_action = |part: &'a str| part.split_once(']').map_or(part, |(_, rest)| rest);
    lines
        .flat_map(move |line| before_comment(line).split('[').map(after_action))
        .flat_map(str::split_whitespace)
}

/// The directory services among the sources, escaped: any name but those of [`LOCAL`], since new services appear.
fn directories(sources: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for source in sources.iter().filter(|source| !LOCAL.contains(source)) {
        let name = escape(source.chars().take(LONGEST_SOURCE).collect::<String>().as_bytes());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Limits, directories, field, sources};
    use crate::id_range::IdSet;
    use crate::id_type::IdType;
    use crate::login_defs::LoginDefs;

    #[test]
    fn the_ids_of_accounts_are_the_third_field() {
        let lines = ["root:x:0:0::/:", "alice:x:1000:100", "", "+::::", "bob:x:x:1"];
        let ids: IdSet = lines.into_iter().filter_map(|line| field(line.as_bytes(), 2)).collect();
        assert_eq!(ids.to_string(), "0, 1000");
    }

    #[test]
    fn directories_are_the_sources_of_passwd_that_are_a_networks() {
        for (text, expected) in [
            ("passwd: files systemd\ngroup: files sss\n", &[][..]),
            ("passwd:\tfiles [NOTFOUND=continue] sss\n", &["sss"]),
            ("passwd: compat [!UNAVAIL=return]himmelblau # ldap\n", &["himmelblau"]),
            ("passwd: files kanidm kanidm\n", &["kanidm"]),
            ("passwd: a\u{1b}\n", &["a\\u{1b}"]),
            ("passwd: files sss[NOTFOUND=return]\n", &["sss"]),
            ("# passwd: ldap\n passwd: ldap files winbind\n", &["ldap", "winbind"]),
            ("", &[]),
        ] {
            let sources: Vec<&str> = sources(text, "passwd:").collect();
            assert_eq!(directories(&sources), expected, "{text:?}");
        }
    }

    #[test]
    fn the_limits_are_those_of_login_defs_if_an_account_fits() {
        let usual = Limits::default();
        for (text, expected) in [
            ("", usual),
            ("SUB_UID_MIN 200000\n", Limits { min: 200_000, ..usual }),
            ("SUB_GID_MIN 200000\n", usual),
            ("SUB_UID_MAX 300000\nSUB_UID_COUNT 100000\n", Limits { max: 300_000, count: 100_000, ..usual }),
            ("SUB_UID_COUNT 1000\n", usual),
            ("SUB_UID_COUNT 0\n", usual),
            ("SUB_UID_MIN 500000\nSUB_UID_MAX 400000\n", usual),
            ("SUB_UID_MAX 18446744073709551615\n", Limits { max: 4_294_967_295, ..usual }),
        ] {
            assert_eq!(
                Limits::of(&LoginDefs::from(text.as_bytes().to_vec()), IdType::Uid),
                expected,
                "{text}"
            );
        }
    }
}
