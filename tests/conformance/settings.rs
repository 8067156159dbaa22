//! passwd, login.defs and nsswitch.conf of generated cases.

use fastrand::Rng;

use super::generate::{one, rarely};

/// Users of other machines: names in another order, names that are numbers, others for the same uid.
pub const PASSWDS: [&str; 7] = [
    "alicia:x:1000:1000::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    // Her name is Bob's uid.
    "root:x:0:0::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "toor:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nalice:x:1000:100::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nghost:x:1000:1000::/:/bin/sh\n*:x:1000:1000::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\n01000:x:1000:1000::/:/bin/sh\nalice:x:1002:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "",
];

/// `None`: no file.
pub fn login_defs(rng: &mut Rng, is_odd: bool) -> Option<String> {
    if !is_odd {
        return Some(one(rng, &["", "", "UMASK 022\n", "GRANT_AUX_GROUP_SUBIDS yes\n", "# none\n"]).into());
    }
    if rarely(rng, 12) {
        return None;
    }
    let lines = [
        "GRANT_AUX_GROUP_SUBIDS yes",
        "GRANT_AUX_GROUP_SUBIDS YES",
        "GRANT_AUX_GROUP_SUBIDS no",
        "GRANT_AUX_GROUP_SUBIDS",
        "GRANT_AUX_GROUP_SUBIDS true",
        "GRANT_AUX_GROUP_SUBIDS 1",
        "GRANT_AUX_GROUP_SUBIDS yes # why",
        "GRANT_AUX_GROUP_SUBIDS yes no",
        "  GRANT_AUX_GROUP_SUBIDS\t \"YES\"  ",
        "GRANT_AUX_GROUP_SUBIDS \"yes\" no",
        "GRANT_AUX_GROUP_SUBIDS yes\"",
        "GRANT_AUX_GROUP_SUBIDS \"",
        "GRANT_AUX_GROUP_SUBIDS yes\r",
        "GRANT_AUX_GROUP_SUBIDS yes\u{b}",
        "\u{c}GRANT_AUX_GROUP_SUBIDS yes",
        "GRANT_AUX_GROUP_SUBIDS \u{b}yes",
        "SUB_UID_COUNT 0\r",
        "# GRANT_AUX_GROUP_SUBIDS yes",
        "#GRANT_AUX_GROUP_SUBIDS no",
        "UMASK 022",
        "UID_MIN",
        "",
        "\t",
        "SUB_UID_COUNT 0",
        "SUB_GID_COUNT 0",
        "SUB_UID_COUNT 0x0",
        "SUB_GID_COUNT 00",
        "SUB_UID_COUNT \"0\"",
        "SUB_GID_COUNT -0",
        "SUB_UID_COUNT 65536",
        "SUB_GID_COUNT x",
        "SUB_UID_COUNT 0 # none",
        "SUB_GID_COUNT +0",
        "SUB_UID_COUNT",
        "SUB_UID_COUNT 18446744073709551616",
        "SUB_GID_COUNT -18446744073709551616",
        "grant_aux_group_subids yes",
        "GRANT_AUX_GROUP_SUBIDS=yes",
        "GRANT_AUX_GROUP_SUBIDS = yes",
        "MADE_UP yes",
        "SUB_UID 0",
        "XGRANT_AUX_GROUP_SUBIDS yes",
    ];
    let mut text = lines_of(rng, |rng| one(rng, &lines).into(), 4);
    if rarely(rng, 24) {
        text = format!("#{}GRANT_AUX_GROUP_SUBIDS yes\n{text}", "x".repeat(1022));
    }
    Some(text)
}

/// `None`: no file.
pub fn nsswitch(rng: &mut Rng, is_odd: bool) -> Option<String> {
    let usual = "passwd: files\n";
    if !is_odd {
        return Some(usual.into());
    }
    if rarely(rng, 16) {
        return None;
    }
    let services = [
        "fresh",
        "fresh",
        "fresh",
        "aged",
        "aged",
        "partial",
        "failing",
        "gone",
        "files",
        "FILES",
        "Fresh",
        "x",
        "../fresh",
        "sub/fresh",
        "",
        "[NOTFOUND=return]",
        "fresh.so",
        "\"fresh\"",
    ];
    let line = |rng: &mut Rng| {
        let database = match rng.u8(..16) {
            0 => one(rng, &["Subid:", "SUBID:"]),
            1 => one(rng, &[" subid:", "#subid:", "subid", "subid :", "subids:", "subuid:", "\tsubid:"]),
            _ => "subid:",
        };
        let service = match rng.u8(..24) {
            0 => "x".repeat(one(rng, &[49, 50, 51, 52])),
            1 => format!("{} {}", one(rng, &services), one(rng, &services)),
            _ => one(rng, &services).into(),
        };
        let blank = one(rng, &[" ", " ", " ", "", "\t", "  \t"]);
        // Too long a word is shown, so it has no byte that we would escape.
        let ends = ["", "", "", "", " ", "\t", " # files", "#", "\r"];
        let end = one(rng, if service.len() > 40 { &ends[..8] } else { &ends });
        format!("{database}{blank}{service}{end}")
    };
    let lines = if rarely(rng, 4) { 2 } else { 1 };
    Some(format!("{usual}{}", lines_of(rng, line, lines)))
}

/// Up to `most` lines, and the last one without an end, rarely.
fn lines_of(rng: &mut Rng, mut line: impl FnMut(&mut Rng) -> String, most: usize) -> String {
    let lines: Vec<String> = (0..rng.usize(1..=most)).map(|_| line(rng)).collect();
    let mut text = lines.join("\n");
    if !rarely(rng, 8) {
        text.push('\n');
    }
    text
}
