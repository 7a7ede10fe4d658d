//! Network namespaces in which sockets are made (`namespace`, `namespace_list`).

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Where `ip netns` keeps the names of namespaces.
const FOLDER: &str = "/var/run/netns";

/// A network namespace other than the process' own. It is opened while the configuration is read: later its name may be
/// out of reach (`chroot`).
#[derive(Debug)]
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    file: File,
    home: Arc<File>,
}

impl Namespace {
    /// The namespace itself.
    #[must_use]
    pub fn entrance(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The namespace that the process was started in.
    #[must_use]
    pub fn home(&self) -> BorrowedFd<'_> {
        self.home.as_fd()
    }
}

/// All namespaces that the configuration names.
#[derive(Debug, Clone, Default)]
pub struct Namespaces(Vec<Arc<Namespace>>);

impl Namespaces {
    /// The namespace of this name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<&Arc<Namespace>> {
        self.0.iter().find(|known| known.name.as_bytes() == name)
    }

    /// The namespace of this name, opened when it is named for the first time.
    ///
    /// # Errors
    /// When there is no such namespace, or it can't be opened.
    pub fn open(&mut self, name: &str) -> io::Result<Arc<Namespace>> {
        if let Some(known) = self.find(name.as_bytes()) {
            return Ok(known.clone());
        }
        let home = match self.0.first() {
            Some(known) => known.home.clone(),
            None => Arc::new(File::open("/proc/thread-self/ns/net")?),
        };
        let opened = Arc::new(Namespace {
            name: name.into(),
            file: File::open(format!("{FOLDER}/{name}"))?,
            home,
        });
        self.0.push(opened.clone());
        Ok(opened)
    }
}

/// `namespace` of a server: where connections to it are made.
#[derive(Debug, Clone)]
pub enum ServerNamespace {
    /// In this one.
    Fixed(Arc<Namespace>),
    /// `*`: in the client's.
    Client,
}
