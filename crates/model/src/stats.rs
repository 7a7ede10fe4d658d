//! The statistics page as configured (configuration manual, `stats enable` and its like).

use crate::rules::Rule;
use expr::Condition;
use std::sync::Arc;

/// The page of one proxy.
#[derive(Debug, Clone)]
pub struct StatsPage {
    /// `stats uri`: what targets begin with.
    pub uri: Arc<str>,
    /// `stats realm`.
    pub realm: Arc<str>,
    /// `stats refresh`, in seconds.
    pub refresh: Option<u64>,
    /// `stats scope`: names of proxies, `.` being this one; all without any.
    pub scope: Vec<Arc<str>>,
    /// Whether the version is shown (`stats show-version`).
    pub show_version: bool,
    /// `stats show-legends`.
    pub legends: bool,
    /// `stats show-modules`.
    pub modules: bool,
    /// `stats show-node`: a name, or the node's with an empty one.
    pub node: Option<Arc<str>>,
    /// `stats show-desc`: a text, or the process' with an empty one.
    pub description: Option<Arc<str>>,
    /// `stats auth`: users with their passwords.
    pub users: Vec<(Arc<str>, Arc<str>)>,
    /// `stats admin`: any of them makes an administrator.
    pub admin: Vec<Arc<Condition>>,
    /// `stats http-request`.
    pub rules: Vec<Arc<Rule>>,
}

impl Default for StatsPage {
    fn default() -> Self {
        Self {
            uri: "/haproxy?stats".into(),
            realm: "HAProxy Statistics".into(),
            refresh: None,
            scope: Vec::new(),
            show_version: false,
            legends: false,
            modules: false,
            node: None,
            description: None,
            users: Vec::new(),
            admin: Vec::new(),
            rules: Vec::new(),
        }
    }
}
