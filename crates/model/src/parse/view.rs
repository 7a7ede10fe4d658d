//! What expressions can read while a configuration is being read.

use expr::view::{Date, NoView, ProcessView, ProxyView, View};
use expr::{Value, VarId};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The process before there is traffic: the time, the process itself and the variables set so far.
pub(super) struct EarlyView<'v> {
    variables: &'v [(VarId, Value<'static>)],
    hostname: OnceLock<String>,
}

impl<'v> EarlyView<'v> {
    /// A view of these variables, of which the last value counts.
    pub(super) fn new(variables: &'v [(VarId, Value<'static>)]) -> Self {
        Self {
            variables,
            hostname: OnceLock::new(),
        }
    }
}

impl View for EarlyView<'_> {
    fn now(&self) -> Date {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Date {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            micros: since.subsec_micros(),
        }
    }

    fn process(&self) -> &dyn ProcessView {
        self
    }
}

impl ProcessView for EarlyView<'_> {
    fn pid(&self) -> u32 {
        std::process::id()
    }
    fn connections(&self) -> u64 {
        0
    }
    fn node(&self) -> &str {
        self.hostname()
    }
    fn hostname(&self) -> &str {
        self.hostname.get_or_init(|| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            name.trim_end().to_owned()
        })
    }
    fn uptime_ms(&self) -> u64 {
        0
    }
    fn threads(&self) -> (u32, u32) {
        NoView.threads()
    }
    fn proxy(&self, _: base::ProxyIdx) -> Option<&dyn ProxyView> {
        None
    }
    fn random(&self) -> u32 {
        use std::hash::{BuildHasher, Hasher};
        let hasher = std::collections::hash_map::RandomState::new().build_hasher();
        (hasher.finish() >> 32) as u32
    }
    fn proc_var(&self, name: u32) -> Option<Value<'static>> {
        self.variables
            .iter()
            .rev()
            .find(|(variable, _)| variable.name == name)
            .map(|(_, value)| value.clone())
    }
    fn next_number(&self) -> u64 {
        0
    }
}
