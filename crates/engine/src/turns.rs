//! Long work on a worker in pieces, between which traffic has its turn.

/// How many items are gone through at once: a fraction of a millisecond's work, even when none is in a cache.
const AT_ONCE: usize = 256;

/// Calls `each` with every item.
pub(crate) async fn in_turns<T>(items: impl IntoIterator<Item = T>, mut each: impl FnMut(T)) {
    for (at, item) in items.into_iter().enumerate() {
        if at % AT_ONCE == AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        each(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(flavor = "current_thread")]
    async fn others_have_their_turn_and_every_item_comes_once() {
        let others = Cell::new(0_u32);
        let (mut seen, mut most, mut since) = (Vec::new(), 0, (0, 0));
        let work = in_turns(0..5000, |item| {
            if others.get() != since.0 {
                since = (others.get(), 0);
            }
            since.1 += 1;
            most = most.max(since.1);
            seen.push(item);
        });
        let traffic = async {
            loop {
                others.set(others.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = work => {}
            () = traffic => {}
        }
        assert_eq!(seen, (0..5000).collect::<Vec<_>>());
        assert!(most <= AT_ONCE, "{most} items in one go");
    }
}
