//! What master and worker said since the last start or reload (`show startup-logs`).

use rustix::fs::{MemfdFlags, OFlags};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How much of it is shown.
const SHOWN: usize = 64 * 1024;

/// A file without a name that master and worker append to.
#[derive(Debug, Clone)]
pub struct StartupLog(Arc<File>);

impl StartupLog {
    /// An empty log.
    ///
    /// # Errors
    /// When there is no descriptor or memory for it.
    pub fn create() -> io::Result<Self> {
        let fd = rustix::fs::memfd_create("startup-logs", MemfdFlags::CLOEXEC)?;
        rustix::fs::fcntl_setfl(&fd, OFlags::APPEND)?;
        Ok(Self::from(fd))
    }

    /// Begins anew.
    pub fn clear(&self) {
        // A log that can't be emptied only shows too much.
        let _ = self.0.set_len(0);
    }

    /// Appends text.
    pub fn append(&self, text: &[u8]) {
        let _ = (&*self.0).write_all(text);
    }

    /// What was said.
    #[must_use]
    pub fn read(&self) -> String {
        let mut text = vec![0; SHOWN];
        let mut have = 0;
        while let Some(room) = text.get_mut(have..).filter(|room| !room.is_empty()) {
            match self.0.read_at(room, have as u64) {
                Ok(n) if n > 0 => have += n,
                _ => break,
            }
        }
        String::from_utf8_lossy(text.get(..have).unwrap_or_default()).into_owned()
    }
}

impl From<OwnedFd> for StartupLog {
    fn from(fd: OwnedFd) -> Self {
        Self(Arc::new(fd.into()))
    }
}

impl AsFd for StartupLog {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_append() {
        let Ok(log) = StartupLog::create() else {
            panic!("no memory file");
        };
        let Ok(copy) = log.as_fd().try_clone_to_owned() else {
            panic!("no descriptor");
        };
        let other = StartupLog::from(copy);
        log.append(b"a\n");
        other.append(b"b\n");
        log.append(b"c\n");
        assert_eq!(other.read(), "a\nb\nc\n");
        log.clear();
        other.append(b"d\n");
        assert_eq!(log.read(), "d\n");
    }
}
