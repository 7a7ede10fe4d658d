//! Servers that lose and regain their addresses: maintenance until there is one again.

use super::{Member, Why, change_admin, news};
use crate::runtime::Runtime;
use model::live::Admin;
use std::sync::Arc;

/// Puts a server into maintenance for want of an address; says whether it was not there before.
pub fn lose(runtime: &Arc<Runtime>, (proxy, server): &Member, cause: &str) -> bool {
    let admin = server.state.admin();
    if admin.has(Admin::RESOLUTION) {
        return false;
    }
    let admin = Admin(admin.0 | Admin::RESOLUTION.0);
    change_admin(runtime, proxy, server, admin, Why::Unresolved(cause), "");
    true
}

/// Takes a server that has an address again out of maintenance, unless something else keeps it there.
pub fn regain(runtime: &Arc<Runtime>, (proxy, server): &Member) {
    let admin = server.state.admin();
    if !admin.has(Admin::RESOLUTION) {
        return;
    }
    let host = server.whereabouts.now().host.clone();
    let why = Why::Resolved(host.as_deref().unwrap_or("(null)"));
    let admin = Admin(admin.0 & !Admin::RESOLUTION.0);
    change_admin(runtime, proxy, server, admin, why, "");
    let text = format!(
        "Server {}/{} administratively READY thanks to valid DNS answer.",
        proxy.config.name, server.config.name
    );
    news::notice(runtime, proxy, &text);
}
