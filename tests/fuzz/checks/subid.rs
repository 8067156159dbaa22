//! Checks subuid(5) and subgid(5) against a simple parser of the format in the manual page: the lines for any size of read(2), the
//! owner and the range of each line, and the ranges that a user may map. The first byte of an input chooses the caller and the
//! number of bytes that each read returns.

use std::ffi::OsString;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use libc::uid_t;

use crate::caller::Caller;
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::mapping::policy::Claim;
use crate::number::Base;
use crate::passwd::{Account, Passwd};
use crate::subid::blocks::{for_each_block, lines};
use crate::subid::file::grant;
use crate::subid::line::{LONGEST_LINE, Line, Owner};

/// The callers. An owner cannot contain a colon, but the code must not rely on login names without colon.
const CALLERS: [(&[u8], u32); 4] = [(b"alice", 1000), (b"root", 0), (b"0", 1000), (b"a:1", u32::MAX)];

/// The largest number of requested ranges: the span of all delegated ranges, and ranges of the file.
const MOST_WANTED: usize = 4;

struct Slowly<'a>(Cursor<&'a [u8]>, usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.1.min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

impl Seek for Slowly<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// A passwd database with another name for each caller.
struct Database;

fn uid_of(name: &[u8]) -> Option<u32> {
    match name {
        b"alicia" => Some(1000),
        b"toor" => Some(0),
        b"bob" => Some(1001),
        _ => None,
    }
}

impl Passwd for Database {
    fn by_name(&self, name: &[u8]) -> Option<Account> {
        uid_of(name).map(|uid| Account { name: name.to_vec(), uid, gid: 100 })
    }

    fn by_uid(&self, _: uid_t) -> Option<Account> {
        None
    }
}

fn owner(line: &[u8]) -> Option<&[u8]> {
    let (owner, _) = line.split_at(line.iter().position(|byte| *byte == b':')?);
    (!owner.is_empty()).then_some(owner)
}

fn range(line: &[u8]) -> Option<(u64, u64)> {
    let [owner, start, count] = *line.split(|byte| *byte == b':').collect::<Vec<_>>() else { return None };
    let id = |text| super::oracle::number(text, Base::Prefixed, 0..=u64::from(u32::MAX)).ok();
    let (start, count) = (id(start)?, id(count)?);
    (!owner.is_empty() && start + count <= 1 << 32).then_some((start, count))
}

/// The uid of an owner that is a decimal number without leading zero, blank or sign.
fn uid(owner: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(owner).ok()?;
    text.parse().ok().filter(|uid: &u32| uid.to_string() == text)
}

fn check_line(text: &[u8]) {
    let line = Line::parse(text);
    assert_eq!(line.map(Line::owner), owner(text));
    assert_eq!(line.and_then(Line::range).map(|range| (range.start(), range.count())), range(text));
    let (owner, uid) = (owner(text).unwrap_or(b""), uid(owner(text).unwrap_or(b"")));
    for (name, probe) in [(owner, None), (owner.get(1..).unwrap_or(b""), uid)] {
        let is_owner = owner == name || (probe.is_some() && uid == probe);
        if let Some(line) = line {
            assert_eq!(Owner::new(name, probe).owns(line), is_owner);
        }
        // A line may match both the name and the uid.
        let block = [b"\n", text].concat();
        let mut found = Owner::new(name, probe).lines(&block);
        found.dedup();
        assert_eq!(found, line.filter(|_| is_owner).into_iter().collect::<Vec<_>>());
    }
}

fn is_covered(range: &MapRange, delegated: &[(u64, u64)]) -> bool {
    let mut next = u64::from(range.lower());
    let end = next + u64::from(range.count());
    while next < end {
        match delegated.iter().find(|(start, count)| (*start..start + count).contains(&next)) {
            Some((start, count)) => next = start + count,
            None => return false,
        }
    }
    true
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((first, file)) = input.split_first() else { return };
    let step = usize::from(first / 4) + 1;
    let (name, own_uid) = CALLERS[usize::from(first % 4)];

    let mut expected = file.split(|byte| *byte == b'\n').filter(|line| line.len() <= LONGEST_LINE);
    for_each_block(Slowly(Cursor::new(file), step), |block| {
        for text in lines(block).filter(|line| line.len() <= LONGEST_LINE) {
            assert_eq!(Some(text), expected.next());
            check_line(text);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(expected.next(), None);
    let lines: Vec<&[u8]> =
        file.split(|byte| *byte == b'\n').filter(|line| line.len() <= LONGEST_LINE).collect();

    let is_own = |line: &&[u8]| {
        owner(line).is_some_and(|owner| {
            owner == name || uid(owner) == Some(own_uid) || uid_of(owner) == Some(own_uid)
        })
    };
    let delegated: Vec<_> =
        lines.iter().copied().filter(is_own).filter_map(range).filter(|(_, count)| *count > 0).collect();
    let (starts, ends) =
        (delegated.iter().map(|range| range.0), delegated.iter().map(|range| range.0 + range.1));
    let all_of_them = starts.min().zip(ends.max()).map(|(start, end)| (start, end - start));
    let ranges = lines.iter().copied().filter_map(range);
    let wanted = all_of_them.into_iter().chain(ranges).take(MOST_WANTED);
    let words =
        wanted.map(|(start, count)| [0, start, count].map(|number| OsString::from(number.to_string())));
    let ranges: Vec<_> = words.filter_map(|words| map_range::parse(&words).ok()).flatten().collect();

    // A gid that cannot be requested, since the caller's own gid needs no line.
    let caller = Caller { uid: own_uid, gid: u32::MAX, login_gid: u32::MAX, name: name.to_vec() };
    let mut claim = Claim::new(IdType::Gid, &caller, ranges.clone());
    grant(Slowly(Cursor::new(file), step), &mut claim, &caller, &Database).unwrap();
    let missing: Vec<_> = ranges.iter().copied().filter(|range| !is_covered(range, &delegated)).collect();
    assert_eq!(claim.missing_ranges(), missing, "{name:?} {own_uid} of {delegated:?}");
}
