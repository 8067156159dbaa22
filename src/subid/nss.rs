//! Plugins that delegate instead of the files: `libsubid_WORD.so`, as sssd has one for FreeIPA and LDAP.
//!
//! The functions are C's, declared in shadow's lib/prototypes.h and nss.h, so this is the one module with unsafe code. The
//! library is root's and runs in our process: it is trusted as NSS modules for passwd(5) are, and with no more
//! privilege than they have. What it answers is not trusted further than it goes: anything but a clear yes is a no.
//!
//! So is what else is asked of the C library that no crate wraps.
#![allow(unsafe_code, reason = "the plugin is a C library")]

use std::ffi::{CString, c_char, c_int, c_ulong, c_void};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::ptr;

use libloading::Library;
use libloading::os::unix::{Library as UnixLibrary, RTLD_LOCAL, RTLD_NOW};
use thiserror::Error;

use super::Delegated;
use super::nsswitch::Service;
use crate::caller::Caller;
use crate::error::{Error, Reason};
use crate::extent::Extent;
use crate::kind::Kind;
use crate::policy::Claim;
use crate::shown::shown;

/// Leaves what is the caller's, for good, before anything of the C library's is asked: the environment and the working directory.
/// NSS modules and plugins stand on libraries that look for servers, files and options there (libpq's `PGPORT`, libldap's
/// `LDAPURI` and `ldaprc`), and do so all the more where, as here, the effective uid is the real one. A plugin whose word in
/// nsswitch.conf has a slash would be looked for in the working directory.
///
/// # Errors
///
/// [`Error::WorkingDirectory`].
pub fn leave_surroundings() -> Result<(), Error> {
    // SAFETY: the program has one thread, and nobody keeps a pointer to a variable: the standard library copies what it reads.
    let _ = unsafe { libc::clearenv() };
    nix::unistd::chdir("/").map_err(|errno| Error::WorkingDirectory(errno.into()))
}

unsafe extern "C" {
    /// From the C library's nss.h.
    fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
}

/// Has the C library keep nsswitch.conf(5) as it has read it. Otherwise it looks with stat(2) whether the file has changed, each
/// time that it is asked for anybody. Configuring any database by hand switches that off; ethers is one that nobody asks for here.
///
/// To be called when NSS has answered: a configuration that was not read would stay so, and the next question would end in a
/// signal. If it was nscd(8) that answered, the file is read by this call, which a limit of the caller's can still prevent.
pub fn keep_configuration() {
    // SAFETY: both strings end with NUL, and nothing keeps them. There is one thread.
    let _ = unsafe { __nss_configure_lookup(c"ethers".as_ptr(), c"files".as_ptr()) };
}

/// The longest word in nsswitch.conf that shadow takes, in bytes.
const LONGEST_WORD: usize = 50;

/// `bool` is a byte in C, and what a plugin puts there need not be one of Rust's two values.
const TRUE: u8 = 1;

type HasRange = unsafe extern "C" fn(*const c_char, c_ulong, c_ulong, c_int, *mut u8) -> c_int;
type ListOwnerRanges = unsafe extern "C" fn(*const c_char, c_int, *mut *mut c_void, *mut c_int) -> c_int;
type FindSubidOwners = unsafe extern "C" fn(c_ulong, c_int, *mut *mut libc::uid_t, *mut c_int) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void);

/// Why a plugin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PluginError {
    /// The plugin has no such user.
    #[error("unknown user")]
    UnknownUser,
    /// The service behind the plugin cannot be reached.
    #[error("connection error")]
    Connection,
    /// Another error.
    #[error("error")]
    Other,
    /// A status that is not defined.
    #[error("undefined status {0}")]
    Undefined(c_int),
    /// A list that is not in memory, or has a negative count.
    #[error("a list that cannot be read")]
    List,
}

/// `enum subid_status`.
fn succeeded(status: c_int) -> Result<(), PluginError> {
    match status {
        0 => Ok(()),
        1 => Err(PluginError::UnknownUser),
        2 => Err(PluginError::Connection),
        3 => Err(PluginError::Other),
        other => Err(PluginError::Undefined(other)),
    }
}

/// A plugin that has all functions that it must have.
#[derive(Debug)]
pub struct Plugin {
    name: String,
    has_range: HasRange,
    list_owner_ranges: ListOwnerRanges,
    free: Free,
    /// Never unloaded: it may have started threads, or have its functions called at exit.
    _library: ManuallyDrop<Library>,
}

/// Why a plugin that is configured cannot be used.
///
/// The files do not decide in its place, as they do in shadow: with a limit on memory or descriptors (setrlimit(2), prlimit(2)) a
/// caller can keep the loader from a library, and could so choose the source that decides.
#[derive(Debug, Error)]
pub enum Unusable {
    /// Whether one is configured cannot be read.
    #[error("cannot open /etc/nsswitch.conf: {0}")]
    Configuration(Reason),
    /// The word is too long.
    #[error("Subid NSS module name too long (longer than {LONGEST_WORD} characters): {}", .0.escape_debug())]
    NameTooLong(String),
    /// The library cannot be loaded.
    #[error("Error opening {library}: {reason}")]
    Load {
        /// Its name.
        library: String,
        /// From dlopen(3).
        reason: String,
    },
    /// A function is missing.
    #[error("{library} did not provide @{function}@")]
    Function {
        /// The library's name.
        library: String,
        /// The function's, without what all begin with.
        function: &'static str,
    },
}

impl Plugin {
    /// Loads the plugin that nsswitch.conf names, from the system's library path; `None` where it names none.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with the reason why not.
    pub fn configured() -> Result<Option<Self>, Unusable> {
        match super::nsswitch::service().map_err(Unusable::Configuration)? {
            Service::Files => Ok(None),
            Service::Plugin(word) => Self::load(&String::from_utf8_lossy(&word)).map(Some),
        }
    }

    fn load(word: &str) -> Result<Self, Unusable> {
        if word.len() > LONGEST_WORD {
            return Err(Unusable::NameTooLong(word.to_owned()));
        }
        let name = format!("libsubid_{word}.so");
        let library = shown(name.as_bytes());
        let load = |error: libloading::Error| Unusable::Load {
            library: library.clone(),
            reason: shown(error.to_string().as_bytes()),
        };
        // A word with a slash would be a path: shadow hands it to dlopen(3) all the same, and so root may name one.
        // SAFETY: loading runs the library's initialisers. The file that names it is root's, and so is the library path: in
        // a program that gained privilege by its exec the loader ignores LD_LIBRARY_PATH (AT_SECURE, see ld.so(8)).
        let loaded = unsafe { UnixLibrary::open(Some(&name), RTLD_NOW | RTLD_LOCAL) }.map_err(load)?;
        let loaded = Library::from(loaded);
        let missing = |function| Unusable::Function { library: library.clone(), function };
        // SAFETY: these are the types that shadow's nss.h gives the functions of these names. The pointers are used while
        // the library is loaded, which is until the process ends.
        unsafe {
            let has_range: HasRange =
                *loaded.get(b"shadow_subid_has_range\0").map_err(|_| missing("has_range"))?;
            let list_owner_ranges: ListOwnerRanges =
                *loaded.get(b"shadow_subid_list_owner_ranges\0").map_err(|_| missing("list_owner_ranges"))?;
            // Not needed here, but a plugin without it is none to shadow.
            let _: FindSubidOwners =
                *loaded.get(b"shadow_subid_find_subid_owners\0").map_err(|_| missing("find_subid_owners"))?;
            // Newer plugins only; the memory of older ones is malloc(3)'s.
            let free: Free = loaded.get(b"shadow_subid_free\0").map_or(libc::free, |free| *free);
            Ok(Self {
                name: library,
                has_range,
                list_owner_ranges,
                free,
                _library: ManuallyDrop::new(loaded),
            })
        }
    }

    /// The library's name, fit to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for each range that the claim wants, as a whole, and grants what the plugin affirms.
    pub fn grant(&self, claim: &mut Claim, kind: Kind, caller: &Caller) {
        for extent in claim.wanted() {
            if self.ask(kind, &caller.name, extent) == Ok(true) {
                claim.grant(extent.lower_range());
            }
        }
    }

    /// Asks whether the ids outside of an extent are delegated to a user. Only a clear yes is a yes.
    ///
    /// # Errors
    ///
    /// The plugin's.
    pub fn ask(&self, kind: Kind, owner: &[u8], extent: Extent) -> Result<bool, PluginError> {
        let owner = CString::new(owner).map_err(|_| PluginError::UnknownUser)?;
        let (start, count) = (extent.lower().into(), extent.count().into());
        let mut found = 0_u8;
        // SAFETY: the string ends with NUL and outlives the call; `found` is a byte that the plugin may write.
        let status = unsafe { (self.has_range)(owner.as_ptr(), start, count, id_type(kind), &raw mut found) };
        succeeded(status)?;
        Ok(found == TRUE)
    }

    /// The ranges of a user, for getsubids.
    ///
    /// # Errors
    ///
    /// The plugin's.
    pub fn list(&self, kind: Kind, owner: &[u8]) -> Result<Vec<Delegated>, PluginError> {
        let owner = CString::new(owner).map_err(|_| PluginError::UnknownUser)?;
        let mut list = ptr::null_mut();
        let mut count: c_int = 0;
        // SAFETY: the string ends with NUL and outlives the call; both others are ours for the plugin to write.
        let status =
            unsafe { (self.list_owner_ranges)(owner.as_ptr(), id_type(kind), &raw mut list, &raw mut count) };
        succeeded(status)?;
        let ranges = ranges_at(list, count).ok_or(PluginError::List)?;
        if !list.is_null() {
            // SAFETY: the list is the plugin's, to be freed by its own function, or by free(3) where it has none.
            unsafe { (self.free)(list) };
        }
        Ok(ranges)
    }
}

/// Copies a list of `struct subid_range`. Whether a plugin's pointer and count are right cannot be asked, so the kernel copies:
/// where nothing is mapped it gives an error, and the list is none.
fn ranges_at(list: *mut c_void, count: c_int) -> Option<Vec<Delegated>> {
    const WORD: usize = size_of::<c_ulong>();
    let memory = File::open("/proc/self/mem").ok()?;
    let mut address = u64::try_from(list.addr()).ok()?;
    let mut word = || {
        let mut bytes = [0; WORD];
        memory.read_exact_at(&mut bytes, address).ok()?;
        address = address.checked_add(u64::try_from(WORD).ok()?)?;
        Some(c_ulong::from_ne_bytes(bytes))
    };
    (0..u32::try_from(count).ok()?).map(|_| Some(Delegated { start: word()?, count: word()? })).collect()
}

/// `enum subid_type`.
fn id_type(kind: Kind) -> c_int {
    match kind {
        Kind::Uid => 1,
        Kind::Gid => 2,
    }
}
