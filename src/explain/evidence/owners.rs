//! Owners of subid lines that are probably the caller, misspelt.

use crate::caller::Caller;
use crate::number::{self, Base};
use crate::passwd::Passwd;

/// An editor of Windows may put these bytes before the first line of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether an owner is probably a misspelling of the caller: blanks, another case, a comment sign, a byte order mark, a domain on
/// either side, one wrong letter, another notation of the uid, or the gid.
pub(super) fn is_similar(owner: &[u8], caller: &Caller) -> bool {
    let trimmed = trim(owner);
    let is_own_id = |base| number::id(trimmed, base).is_some_and(|id| id == caller.uid || id == caller.gid);
    let (name, own) = (without_domain(trimmed), without_domain(&caller.name));
    (!name.is_empty() && name.eq_ignore_ascii_case(own))
        || is_own_id(Base::Prefixed)
        || is_own_id(Base::Decimal)
        || (own.len() >= 4 && differs_by_one_typo(name, own))
}

/// Whether a similar owner is an account with another uid, and thus no misspelling.
pub(super) fn is_other_user(owner: &[u8], caller: &Caller, passwd: &impl Passwd) -> bool {
    let owner = trim(owner);
    let account = match number::id(owner, Base::Decimal) {
        Some(uid) => passwd.by_uid(uid),
        None => passwd.by_name(owner),
    };
    account.is_some_and(|account| account.uid != caller.uid)
}

fn trim(owner: &[u8]) -> &[u8] {
    let owner = owner.strip_prefix(BYTE_ORDER_MARK).unwrap_or(owner).trim_ascii();
    owner.strip_prefix(b"#").unwrap_or(owner).trim_ascii()
}

/// Directory services use name@domain, DOMAIN\name and DOMAIN+name.
fn without_domain(name: &[u8]) -> &[u8] {
    let name = name.split(|byte| *byte == b'@').next().unwrap_or_default();
    name.rsplit(|byte| *byte == b'\\' || *byte == b'+').next().unwrap_or_default()
}

/// Whether one name becomes the other if one letter is inserted, removed or replaced, or two adjacent letters are swapped.
fn differs_by_one_typo(one: &[u8], other: &[u8]) -> bool {
    let same_start = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let rests = (one.get(same_start..), other.get(same_start..));
    let (Some(one), Some(other)) = rests else { return false };
    let equal = |skip_one, skip_other| match (one.get(skip_one..), other.get(skip_other..)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    let is_swap = matches!((one, other), ([a, b, ..], [c, d, ..]) if a == d && b == c) && equal(2, 2);
    equal(1, 1) || equal(1, 0) || equal(0, 1) || is_swap
}

#[cfg(test)]
mod tests {
    use super::{is_other_user, is_similar};
    use crate::caller::Caller;
    use crate::passwd::TestPasswd;

    fn caller(name: &str) -> Caller {
        Caller { uid: 1000, gid: 1001, login_gid: 1001, name: name.into() }
    }

    #[test]
    fn a_misspelt_owner_is_similar_to_the_caller_and_another_user_is_not() {
        for (owner, expected) in [
            ("Alice", true),
            (" alice", true),
            ("alice ", true),
            ("#alice", true),
            ("# alice", true),
            ("\u{feff}alice", true),
            ("alice@example.org", true),
            ("EXAMPLE\\alice", true),
            ("EXAMPLE+Alice", true),
            ("alic", true),
            ("aliice", true),
            ("alike", true),
            ("ailce", true),
            ("0x3e8", true),
            ("+1000", true),
            ("001000", true),
            ("0001001", true),
            ("1001", true),
            ("bob", false),
            ("bob@example.org", false),
            ("1002", false),
            ("ali", false),
            ("malices", false),
            ("alicia", false),
            ("@", false),
            ("", false),
        ] {
            assert_eq!(is_similar(owner.as_bytes(), &caller("alice")), expected, "{owner:?}");
        }
    }

    #[test]
    fn an_account_with_another_uid_is_another_user() {
        let passwd = TestPasswd(&[("alice", 1000, 1001), ("alicia", 1000, 1001), ("alic", 1001, 100)]);
        for (owner, expected) in [
            ("alic", true),
            (" alic", true),
            ("#alic", true),
            ("1001", true),
            ("001001", true),
            ("alice", false),
            ("alicia", false),
            ("Alice", false),
            ("1000", false),
            ("1002", false),
        ] {
            assert_eq!(is_other_user(owner.as_bytes(), &caller("alice"), &passwd), expected, "{owner:?}");
        }
    }

    #[test]
    fn the_callers_own_domain_makes_no_difference() {
        for (name, owner, expected) in [
            ("alice@example.org", "alice", true),
            ("alice@example.org", "alice@EXAMPLE.ORG", true),
            ("alice@example.org", "EXAMPLE\\alice", true),
            ("EXAMPLE\\alice", "alice", true),
            ("EXAMPLE\\Alice", "example\\alice", true),
            ("alice@example.org", "bob@example.org", false),
            ("EXAMPLE\\alice", "EXAMPLE\\bob", false),
        ] {
            assert_eq!(is_similar(owner.as_bytes(), &caller(name)), expected, "{name} {owner}");
        }
    }
}
