//! Batches for open descriptors: standard output and error, pipes, files.

use super::registry::count_dropped;
use rustix::fs::FileType;
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;

/// Bytes of a full batch.
const FULL: usize = 32 * 1024;
/// Bytes that a pipe takes at once or not at all (`PIPE_BUF`), so that lines of several processes do not mix.
const ATOMIC: usize = 4096;

/// One worker's lines for one descriptor.
#[derive(Debug)]
pub struct Descriptor {
    number: i32,
    fd: OwnedFd,
    regular: bool,
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// The rest of a line of which the reader has seen the beginning.
    torn: Vec<u8>,
}

impl Descriptor {
    /// Makes an inherited descriptor non-blocking and takes a copy of it.
    ///
    /// # Errors
    /// When it is not open.
    pub fn new(number: i32) -> io::Result<Self> {
        let fd = sys::duplicate(number)?;
        let regular =
            FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) == FileType::RegularFile;
        if !regular {
            rustix::io::ioctl_fionbio(&fd, true)?;
        }
        Ok(Self {
            number,
            fd,
            regular,
            bytes: Vec::new(),
            ends: Vec::new(),
            torn: Vec::new(),
        })
    }

    /// The number it was known by.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Adds a line that `write` writes.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
        if self.bytes.len() >= FULL {
            self.flush();
        }
    }

    /// Writes all lines; those that would have to wait are dropped.
    pub fn flush(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        let sent = if self.finish_torn() {
            self.write_lines()
        } else {
            0
        };
        count_dropped(self.ends.len().saturating_sub(sent));
        self.bytes.clear();
        self.ends.clear();
    }

    fn finish_torn(&mut self) -> bool {
        if self.torn.is_empty() {
            return true;
        }
        match write(&self.fd, &self.torn) {
            Ok(n) => drop(self.torn.drain(..n.min(self.torn.len()))),
            Err(Errno::AGAIN) => {}
            Err(_) => self.torn.clear(),
        }
        self.torn.is_empty()
    }

    /// Writes whole lines in as few calls as can be, and says how many went out.
    fn write_lines(&mut self) -> usize {
        let (mut sent, mut start) = (0, 0);
        while let Some(end) = self.chunk_end(sent, start) {
            let chunk = self.bytes.get(start..end).unwrap_or_default();
            let Ok(n) = write(&self.fd, chunk) else {
                break;
            };
            let reached = start + n;
            sent = self.ends.partition_point(|end| *end <= reached);
            if reached == end {
                start = end;
                continue;
            }
            // Of a line that was begun the rest follows as soon as there is room for it, so that lines stay whole.
            let line_start = sent
                .checked_sub(1)
                .and_then(|last| self.ends.get(last))
                .copied()
                .unwrap_or(0);
            if reached > line_start {
                let line_end = self.ends.get(sent).copied().unwrap_or(end);
                self.torn
                    .extend_from_slice(self.bytes.get(reached..line_end).unwrap_or_default());
                sent += 1;
            }
            break;
        }
        sent
    }

    /// Where the next write ends: with the last line that fits an atomic write, at least with the first.
    fn chunk_end(&self, sent: usize, start: usize) -> Option<usize> {
        let first = *self.ends.get(sent)?;
        if self.regular {
            return self.ends.last().copied();
        }
        let fitting = self.ends.partition_point(|end| *end <= start + ATOMIC);
        let last = fitting
            .checked_sub(1)
            .and_then(|at| self.ends.get(at))
            .copied();
        Some(last.filter(|last| *last > start).unwrap_or(first))
    }
}

fn write(fd: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    loop {
        match rustix::io::write(fd, bytes) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
