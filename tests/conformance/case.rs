//! A case: a machine's files, a caller, a target and a command line, made from a seed.

use fastrand::Rng;

use super::harness::{ALICE, BOB, Kind, NOBODY_KNOWN, Person, ROOT, World};

#[derive(Debug)]
pub struct Case {
    pub seed: u64,
    pub kind: Kind,
    pub caller: Person,
    pub target: Person,
    /// `None`: there is no file.
    pub subid: Option<String>,
    pub login_defs: String,
    /// The word for the target; `PID` stands for its PID.
    pub target_word: String,
    pub ranges: Vec<String>,
}

/// One of `usual`, or rarely one of `odd`.
fn pick<'a>(rng: &mut Rng, usual: &[&'a str], odd: &[&'a str]) -> &'a str {
    let list = if odd.is_empty() || rng.u8(..) < 245 { usual } else { odd };
    list[rng.usize(..list.len())]
}

impl Case {
    pub fn generate(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let kind = Kind::BOTH[rng.usize(..2)];
        let caller = match rng.u8(..64) {
            0..=46 => ALICE,
            47..=56 => BOB,
            57..=60 => ROOT,
            61 => NOBODY_KNOWN,
            _ => ALICE.with_gid(100),
        };
        let target = if rng.u8(..48) > 0 { caller } else { [ALICE, BOB, ROOT][rng.usize(..3)] };
        let login_defs = match rng.u8(..16) {
            0..=9 => "",
            10 => "GRANT_AUX_GROUP_SUBIDS no\n",
            11 => "GRANT_AUX_GROUP_SUBIDS yes # why\n",
            12 => "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n",
            13 => "# GRANT_AUX_GROUP_SUBIDS no\n\tGRANT_AUX_GROUP_SUBIDS\t \"YES\"  \n",
            _ => "GRANT_AUX_GROUP_SUBIDS yes\n",
        };
        let mut owned = Vec::new();
        let subid = (rng.u8(..64) > 0).then(|| subid_file(rng, caller, &mut owned));
        let target_word = match rng.u8(..64) {
            0 => {
                pick(rng, &["", "x", "0", "-1", "2147483647", "2147483648", "1x", "0x1", "99999999999"], &[])
            }
            1 => " PID",
            2 => "+PID",
            _ => "PID",
        };
        let ranges = ranges(rng, caller, kind, &owned);
        Self {
            seed,
            kind,
            caller,
            target,
            subid,
            login_defs: login_defs.into(),
            target_word: target_word.into(),
            ranges,
        }
    }

    pub fn set_up(&self, world: &World) {
        world.write("login.defs", &self.login_defs);
        world.write(self.kind.subid(), self.subid.as_deref().unwrap_or_default());
        if self.subid.is_none() {
            world.remove(self.kind.subid());
        }
    }

    pub fn arguments(&self, pid: &str) -> Vec<String> {
        let target = self.target_word.replace("PID", pid);
        std::iter::once(target).chain(self.ranges.iter().cloned()).collect()
    }

    /// The lines of the subid file.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.subid.as_deref().unwrap_or_default().split('\n')
    }
}

/// Lines around a few boundaries; `owned` are those that a caller may count on.
fn subid_file(rng: &mut Rng, caller: Person, owned: &mut Vec<(u64, u64)>) -> String {
    let own_names: &[&str] = match caller.uid {
        0 => &["root", "0"],
        1001 => &["bob", "1001"],
        4711 => &["4711"],
        _ => &["alice", "1000", "alicia", "Alice.Smith"],
    };
    let mut file = String::new();
    for _ in 0..rng.u8(..6) {
        let is_own = rng.u8(..4) > 0;
        let others = ["bob", "1001", "root", "ghost", "carol", "alice", "2000", "*", "alic"];
        let odd = ["", "01000", "0x3e8", "+1000", " alice", "alice ", "#alice", "ALICE"];
        let owner = if is_own { own_names[rng.usize(..own_names.len())] } else { pick(rng, &others, &odd) };
        let usual =
            ["100000", "100010", "100020", "165536", "200000", "1000", "1", "0x186a0", "0303240", "+100000"];
        let odd = [
            "0",
            "4294967295",
            "4294967294",
            "4294967296",
            "-1",
            "",
            "x",
            " 100000",
            "100000 ",
            "1e5",
            "18446744073709551615",
        ];
        let start = pick(rng, &usual, &odd);
        let usual = ["10", "20", "65536", "1", "5", "100", "0xa", "012", "+10", "1000"];
        let odd = ["0", "4294967295", "4294967296", "-1", "", "x", "10 ", "10\r", "18446744073709551615"];
        let count = pick(rng, &usual, &odd);
        let line = match rng.u8(..64) {
            0 => format!("{owner}:{start}"),
            1 => format!("{owner}:{start}:{count}:"),
            2 => format!("{owner}:{start}:{count}:x"),
            3 => String::new(),
            4 => format!("{}{owner}:{start}:{count}", "x".repeat(1010)),
            5 => owner.to_owned(),
            _ => {
                let small = |number: &u64| *number < 1 << 32;
                let range = (strtoul(start).filter(small), strtoul(count).filter(small));
                if let (true, (Some(start), Some(count))) = (is_own, range) {
                    owned.push((start, count));
                }
                format!("{owner}:{start}:{count}")
            }
        };
        file.push_str(&line);
        file.push('\n');
    }
    if rng.u8(..16) == 0 {
        file.pop();
    }
    file
}

/// The usual forms alone.
fn strtoul(text: &str) -> Option<u64> {
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return u64::from_str_radix(hexadecimal, 16).ok();
    }
    let radix = if text.len() > 1 && text.starts_with('0') { 8 } else { 10 };
    u64::from_str_radix(text.trim_start_matches('+'), radix).ok()
}

fn ranges(rng: &mut Rng, caller: Person, kind: Kind, owned: &[(u64, u64)]) -> Vec<String> {
    let own_id = if kind == Kind::Uid { caller.uid } else { caller.gid };
    let mut words = Vec::new();
    let mut upper = 0;
    for _ in 0..=rng.u8(..12) / 5 {
        let (lower, count) = match rng.u8(..32) {
            0..=8 => (u64::from(own_id), 1),
            9..=29 if !owned.is_empty() => {
                let (start, count) = owned[rng.usize(..owned.len())];
                let from = if rng.bool() { 0 } else { rng.u64(..count.clamp(1, 50)) };
                let beyond = u64::from(rng.u8(..32) == 0);
                (start + from, count.saturating_sub(from) + beyond)
            }
            _ => (rng.u64(99_990..100_040), rng.u64(..30)),
        };
        for (value, form) in [(upper, rng.u8(..24)), (lower, rng.u8(..24)), (count, rng.u8(..24))] {
            words.push(match form {
                0 => format!("{value:#x}"),
                1 => format!("0{value:o}"),
                2 => format!("+{value}"),
                3 => format!(" {value}"),
                _ => value.to_string(),
            });
        }
        upper += count;
    }
    if rng.u8(..24) == 0 {
        let odd = [
            "",
            "x",
            "-1",
            "-0",
            "1 ",
            "0x",
            "08",
            "4294967295",
            "4294967296",
            "18446744073709551616",
            "0",
            "0b1",
            "1k",
        ];
        let place = rng.usize(..words.len());
        pick(rng, &odd, &[]).clone_into(&mut words[place]);
    }
    if rng.u8(..32) == 0 {
        words.truncate(rng.usize(..words.len()));
    }
    words
}
