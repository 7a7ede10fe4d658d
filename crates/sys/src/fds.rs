//! Descriptors that come by number rather than by ownership.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use tokio::io::unix::AsyncFd;

/// Takes ownership of an inherited descriptor named by the configuration or the environment.
///
/// # Errors
/// When no such descriptor is open.
pub fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl on any number is defined; it fails on one that is not open.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, and nothing in this process owns descriptors it did not open itself.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A second descriptor, closed on exec, for an open one known by its number.
///
/// # Errors
/// When it is not open or the limit is reached.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the number is only used for the call, which fails on one that is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let copy = rustix::io::fcntl_dupfd_cloexec(borrowed, 3)?;
    debug_assert_ne!(copy.as_raw_fd(), fd);
    Ok(copy)
}

/// Registers a non-blocking descriptor with the event loop of this thread.
///
/// # Errors
/// When the event loop refuses it, for want of descriptors or memory.
pub fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the owned descriptor stays open and the same as long as the registration lasts: `OwnedFd` offers no way to
    // replace or close it from outside.
    Ok(unsafe { AsyncFd::register(fd) }?)
}

/// As [`watch`], for a descriptor that others may hold too.
///
/// # Errors
/// When the event loop refuses it, for want of descriptors or memory.
pub fn watch_shared(fd: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: as in `watch`; nobody can close a descriptor behind an `Arc` while the registration holds a part of it.
    Ok(unsafe { AsyncFd::register(fd) }?)
}

/// Says whether programs that this process turns into have an open descriptor too.
///
/// # Errors
/// When it is not open.
pub fn set_inherited(fd: RawFd, inherited: bool) -> io::Result<()> {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: fcntl on any number is defined; it fails on one that is not open.
    match unsafe { libc::fcntl(fd, libc::F_SETFD, flags) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
