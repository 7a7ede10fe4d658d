//! Pipes through which bulk data goes from socket to socket without being copied.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many empty pipes a worker keeps.
const KEPT: usize = 64;

/// Pipes that there are, and those of them that nobody uses.
static PIPES: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// How many pipes of this process are in use, and how many are kept for use.
#[must_use]
pub fn pipes() -> (usize, usize) {
    let [all, free] = PIPES.each_ref().map(|n| n.load(Ordering::Relaxed));
    (all.saturating_sub(free), free)
}

thread_local! {
    static FREE: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
    static SIZE: Cell<usize> = const { Cell::new(0) };
}

/// Sets the capacity of this worker's pipes in bytes, 0 for the system's (`tune.pipesize`).
pub fn set_pipe_size(size: usize) {
    SIZE.set(size);
}

/// A pipe and how much is in it.
#[derive(Debug)]
pub struct Pipe {
    /// The end to read from.
    pub output: OwnedFd,
    /// The end to write to.
    pub input: OwnedFd,
    /// Bytes in it.
    pub held: usize,
}

impl Pipe {
    /// An empty pipe, from the worker's pool if there is one.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn take() -> io::Result<Self> {
        if let Some(pipe) = FREE.with_borrow_mut(Vec::pop) {
            PIPES[1].fetch_sub(1, Ordering::Relaxed);
            return Ok(pipe);
        }
        let flags = rustix::pipe::PipeFlags::NONBLOCK | rustix::pipe::PipeFlags::CLOEXEC;
        let (output, input) = rustix::pipe::pipe_with(flags)?;
        let size = SIZE.get();
        if size > 0 {
            // Beyond the system's limit the pipe keeps its size.
            let _ = rustix::pipe::fcntl_setpipe_size(&input, size);
        }
        PIPES[0].fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            output,
            input,
            held: 0,
        })
    }

    /// Gives an empty pipe back; one that still holds bytes is closed.
    pub fn give(self) {
        if self.held > 0 {
            return;
        }
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                PIPES[1].fetch_add(1, Ordering::Relaxed);
                free.push(self);
            }
        });
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        PIPES[0].fetch_sub(1, Ordering::Relaxed);
    }
}
