//! A case: a machine's files, a caller, a target and a command line.
//!
//! All text is Latin-1: a character of it is a byte of the file or the argument, so that a case can hold any byte and still be
//! printed.

use super::harness::{ALICE, IdType, Person};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// newuidmap or newgidmap.
    Map(IdType),
    Getsubids,
}

/// What the target's word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A process in a new user namespace.
    Namespace,
    /// A process in the namespace of the caller.
    Plain,
    Ended,
}

/// What was done to the namespace before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    Nothing,
    SetgroupsDenied,
    MapWritten,
}

/// What `FD` in the target's word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// The target's directory in /proc.
    Directory,
    /// The same, opened with O_PATH.
    DirectoryPath,
    Pidfd,
    /// A file in the target's directory.
    Status,
    /// A directory in the target's directory.
    TaskDirectory,
    Proc,
    Etc,
    Passwd,
    Null,
    Closed,
}

/// What the subid file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Public,
    /// A file that only root may read.
    RootsAlone,
    Directory,
    /// A symbolic link to itself.
    Loop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// How to have it again.
    pub label: String,
    pub program: Program,
    pub caller: Person,
    pub target: Person,
    pub state: State,
    pub prior: Prior,
    pub passwd: &'static str,
    /// `None`: there is no file. The same holds for the other files.
    pub subid: Option<String>,
    pub subid_is: FileKind,
    pub login_defs: Option<String>,
    pub nsswitch: Option<String>,
    pub descriptor: Descriptor,
    /// The word for the target; `PID` and `FD` stand for the numbers.
    pub target_word: String,
    /// The words after the target, or after `getsubids`.
    pub words: Vec<String>,
}

/// Users as a machine usually has them, and three names for one uid.
pub const PASSWD: &str = "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n\
    alicia:x:1000:1000::/:/bin/sh\nAlice.Smith:x:1000:100::/:/bin/sh\nlarge:x:4000000000:4000000000::/:/bin/sh\n";

/// The groups of the sandbox, see the harness, that are named as users are.
pub const GROUPS: [(&str, &str); 3] = [("root", "0"), ("alice", "1000"), ("bob", "1001")];

impl Case {
    /// Alice wants these ranges, and the file delegates these lines.
    pub fn plain(label: &str, id_type: IdType, subid: &str, ranges: &str) -> Self {
        Self {
            label: label.into(),
            program: Program::Map(id_type),
            caller: ALICE,
            target: ALICE,
            state: State::Namespace,
            prior: Prior::Nothing,
            passwd: PASSWD,
            subid: Some(subid.into()),
            subid_is: FileKind::Public,
            login_defs: Some(String::new()),
            nsswitch: Some("passwd: files\n".into()),
            descriptor: Descriptor::Directory,
            target_word: "PID".into(),
            words: ranges.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect(),
        }
    }

    /// Uid or gid.
    pub fn id_type(&self) -> IdType {
        match self.program {
            Program::Map(id_type) => id_type,
            Program::Getsubids
                if self.words.first().is_some_and(|word| word == "-g") && self.words.len() == 2 =>
            {
                IdType::Gid
            }
            Program::Getsubids => IdType::Uid,
        }
    }

    pub fn is_map(&self) -> bool {
        matches!(self.program, Program::Map(_))
    }

    /// The id of the caller that needs no delegation.
    pub fn own_id(&self) -> u32 {
        match self.id_type() {
            IdType::Uid => self.caller.uid,
            IdType::Gid => self.caller.gid,
        }
    }

    fn users(&self) -> impl Iterator<Item = Vec<&str>> {
        self.passwd.lines().map(|line| line.split(':').collect())
    }

    /// The name in the first entry of this uid.
    pub fn name_of(&self, uid: u32) -> Option<&str> {
        self.users().find(|user| user[2] == uid.to_string()).map(|user| user[0])
    }

    /// The uid in this user's entry.
    pub fn uid_of(&self, name: &str) -> Option<&str> {
        self.users().find(|user| user[0] == name).map(|user| user[2])
    }
}

/// A text's bytes.
pub fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}
