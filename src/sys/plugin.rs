//! A subid plugin: a C library with the functions that shadow's lib/prototypes.h and nss.h declare.
//!
//! The library is root's and runs in this process, as NSS modules for passwd(5) do. Its answers are read here as bytes and numbers;
//! `subid::plugin` judges them.

use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::mem::ManuallyDrop;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

type HasRange = unsafe extern "C" fn(*const c_char, c_ulong, c_ulong, c_int, *mut u8) -> c_int;
pub(super) type ListOwnerRanges =
    unsafe extern "C" fn(*const c_char, c_int, *mut *mut c_void, *mut c_int) -> c_int;
type FindSubidOwners = unsafe extern "C" fn(c_ulong, c_int, *mut *mut libc::uid_t, *mut c_int) -> c_int;
pub(super) type Free = unsafe extern "C" fn(*mut c_void);

/// Why a library cannot be used as a plugin.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// dlopen(3) failed, with this message.
    Open(String),
    /// The library lacks this function; its name without `shadow_subid_`.
    Missing(&'static str),
}

/// A loaded plugin.
#[derive(Debug)]
pub(crate) struct Functions {
    has_range: HasRange,
    pub(super) list_owner_ranges: ListOwnerRanges,
    pub(super) free: Free,
    /// Never unloaded: the library may have started threads, or have functions called at exit.
    _library: ManuallyDrop<Library>,
}

impl Functions {
    /// Loads a library from the system's library path.
    ///
    /// # Errors
    ///
    /// [`LoadError`]
    pub(crate) fn load(name: &str) -> Result<Self, LoadError> {
        // A name with a slash would be a path: shadow hands it to dlopen(3) too, and root alone writes nsswitch.conf(5).
        // SAFETY: loading runs the library's initialisers. Root names the library, and root owns the library path: the loader
        // ignores LD_LIBRARY_PATH in a program that gained privilege by its exec (AT_SECURE, see ld.so(8)).
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| LoadError::Open(error.to_string()))?;
        // SAFETY: these are the types that shadow's nss.h gives the functions of these names. The pointers are used while the
        // library is loaded, which is until the process ends.
        unsafe {
            let has_range: HasRange = function(&library, c"shadow_subid_has_range", "has_range")?;
            let list_owner_ranges: ListOwnerRanges =
                function(&library, c"shadow_subid_list_owner_ranges", "list_owner_ranges")?;
            // Never called here, but shadow refuses a plugin that lacks it.
            let _: FindSubidOwners =
                function(&library, c"shadow_subid_find_subid_owners", "find_subid_owners")?;
            // Newer plugins only; the memory of older ones is malloc(3)'s.
            let free: Free = function(&library, c"shadow_subid_free", "free").unwrap_or(libc::free);
            Ok(Self { has_range, list_owner_ranges, free, _library: ManuallyDrop::new(library) })
        }
    }

    /// Asks whether `count` ids from `start` on are delegated: the status, and the byte that the plugin wrote as its answer.
    /// A C `bool` is a byte, and a plugin may write a value into it that Rust's `bool` cannot have.
    #[allow(clippy::useless_conversion, reason = "unsigned long has 32 bits on 32-bit machines")]
    pub(crate) fn has_range(&self, owner: &CStr, start: u32, count: u32, id_type: c_int) -> (c_int, u8) {
        let mut answer = 0_u8;
        // SAFETY: the string ends with NUL and outlives the call, and so does the byte that the plugin may write.
        let status =
            unsafe { (self.has_range)(owner.as_ptr(), start.into(), count.into(), id_type, &raw mut answer) };
        (status, answer)
    }
}

/// Looks a function up.
///
/// # Safety
///
/// `F` must be the type of the function of this name.
unsafe fn function<F: Copy>(library: &Library, symbol: &CStr, name: &'static str) -> Result<F, LoadError> {
    // SAFETY: the caller vouches for the type.
    let found = unsafe { library.get::<F>(symbol.to_bytes_with_nul()) };
    found.map(|function| *function).map_err(|_| LoadError::Missing(name))
}
