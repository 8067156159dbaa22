//! A case: the files in /etc, a caller, a target and a command line.
//!
//! All text is Latin-1: each character stands for one byte of a file or an argument. A case can thus contain any byte and be
//! printed.

use super::harness::{ALICE, IdType, Person};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// newuidmap or newgidmap.
    Map(IdType),
    Getsubids,
}

/// The state of the target process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A process in a new user namespace.
    Namespace,
    /// A process in the namespace of the caller.
    Plain,
    Ended,
}

/// The changes to the namespace before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    Nothing,
    SetgroupsDenied,
    MapWritten,
}

/// The descriptor for `FD` in the target argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// The target's directory in /proc.
    Directory,
    /// The target's directory in /proc, opened with O_PATH.
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

/// The type of the subid file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Public,
    /// A file that only root may read.
    RootOnly,
    Directory,
    /// A symbolic link to itself.
    Loop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The seed or the line that reproduces the case.
    pub label: String,
    pub program: Program,
    pub caller: Person,
    pub target: Person,
    pub state: State,
    pub prior: Prior,
    pub passwd: &'static str,
    /// `None` for a missing file, also in the fields below.
    pub subid: Option<String>,
    pub subid_is: FileKind,
    pub login_defs: Option<String>,
    pub nsswitch: Option<String>,
    pub descriptor: Descriptor,
    /// The target argument; `PID` and `FD` stand for the numbers.
    pub target_word: String,
    /// The arguments after the target, or after `getsubids`.
    pub words: Vec<String>,
}

/// Ordinary users, among them three names for one uid.
pub const PASSWD: &str = "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n\
    alicia:x:1000:1000::/:/bin/sh\nAlice.Smith:x:1000:100::/:/bin/sh\nlarge:x:4000000000:4000000000::/:/bin/sh\n";

/// The groups of the sandbox (see the harness) whose names are also names of users.
pub const GROUPS: [(&str, &str); 3] = [("root", "0"), ("alice", "1000"), ("bob", "1001")];

impl Case {
    /// A case in which alice requests these ranges and the subid file has these lines.
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

    /// The caller's own id, which needs no delegation.
    pub fn own_id(&self) -> u32 {
        match self.id_type() {
            IdType::Uid => self.caller.uid,
            IdType::Gid => self.caller.gid,
        }
    }

    fn users(&self) -> impl Iterator<Item = Vec<&str>> {
        self.passwd.lines().map(|line| line.split(':').collect())
    }

    /// The login name in the first passwd entry of this uid.
    pub fn name_of(&self, uid: u32) -> Option<&str> {
        self.users().find(|user| user[2] == uid.to_string()).map(|user| user[0])
    }

    /// The uid in the passwd entry of this user.
    pub fn uid_of(&self, name: &str) -> Option<&str> {
        self.users().find(|user| user[0] == name).map(|user| user[2])
    }
}

/// The bytes of a Latin-1 text.
pub fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}
