//! Sockets in other network namespaces.

use model::namespace::Namespace;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::io;

/// Makes something, a socket, in a namespace; where it was made it belongs for ever. The thread is in another namespace
/// only in between.
///
/// # Errors
/// Those of `setns(2)`, which takes a privilege, and of `make`.
pub fn within<T>(
    namespace: Option<&Namespace>,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let Some(namespace) = namespace else {
        return make();
    };
    let network = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(namespace.entrance(), network)?;
    let made = make();
    move_into_link_name_space(namespace.home(), network)?;
    made
}
