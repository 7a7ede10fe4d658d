//! Letting go of much without holding up traffic.

use crate::runtime::Runtime;
use std::sync::Arc;
use std::time::Duration;

/// From how many proxies on a runtime is worth a thread.
const LARGE: usize = 256;

/// Drops a value on a thread of its own: freeing the configuration of thousands of proxies takes tens of milliseconds,
/// during which a worker would serve nobody.
pub fn dispose(value: impl Send + 'static) {
    // Without a thread it is dropped here, where the closure is.
    let _ = std::thread::Builder::new()
        .name("disposal".into())
        .spawn(move || drop(value));
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.proxies.len() < LARGE {
            return;
        }
        let proxies = std::mem::take(&mut self.proxies);
        let snapshot = self.snapshot.clone();
        dispose(Last {
            _proxies: proxies,
            snapshot,
        });
    }
}

/// What a runtime leaves. The snapshot is let go of last, after whoever else still has it.
struct Last {
    _proxies: Vec<Arc<crate::proxy::ProxyRuntime>>,
    snapshot: Arc<model::Snapshot>,
}

impl Drop for Last {
    fn drop(&mut self) {
        for _ in 0..1000 {
            if Arc::strong_count(&self.snapshot) == 1 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
