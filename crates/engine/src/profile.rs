//! What tasks cost: how often tasks of each kind ran, and for how long (`profiling.tasks`, `show profiling`).
//!
//! While nothing is measured, a task's turn costs one relaxed load more.

use model::Profiling;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

/// A kind of tasks.
pub trait Kind {
    /// Its place in [`NAMES`].
    const PLACE: usize;
}

macro_rules! kinds {
    ($($kind:ident $place:literal $name:literal $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy)]
            pub struct $kind;

            impl Kind for $kind {
                const PLACE: usize = $place;
            }
        )*

        /// The kinds of tasks.
        pub const NAMES: [&str; COUNT] = [$($name,)*];
    };
}

/// How many kinds there are.
const COUNT: usize = 8;

kinds! {
    Session 0 "session" "A client's connection, with its streams unless they share it.";
    SharedStream 1 "stream_of_shared_conn" "A stream that shares the client's connection with others.";
    SharedServer 2 "shared_server_conn" "A server's connection that streams share.";
    Accepting 3 "accept" "Accepting connections of a listener.";
    Check 4 "check" "A health check or an agent's.";
    Checks 5 "check_schedule" "Starting checks when they are due.";
    Resolver 6 "resolvers" "A section of name servers.";
    Command 7 "runtime_api" "A connection of the runtime API.";
}

/// A kind's figures.
struct Figure {
    calls: AtomicU64,
    nanos: AtomicU64,
}

static FIGURES: [Figure; COUNT] = [const {
    Figure {
        calls: AtomicU64::new(0),
        nanos: AtomicU64::new(0),
    }
}; COUNT];

const OFF: u8 = 0;
const ON: u8 = 1;
const AUTO: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(OFF);
/// Whether any thread has found that it must measure by itself.
static AUTO_ON: AtomicBool = AtomicBool::new(false);
/// When measuring began and when it ended, in milliseconds since the start; 0 where it has not.
static SPAN: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Microseconds that a turn of the event loop takes on average where measuring begins by itself, and where it ends.
const SLOW: u64 = 1000;
const FAST: u64 = 990;
/// Over how many turns the average is taken.
const TURNS: u64 = 1024;

thread_local! {
    static TURN_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The average turn, in nanoseconds times [`TURNS`].
    static AVERAGE: Cell<u64> = const { Cell::new(0) };
    static SLOW_THREAD: Cell<bool> = const { Cell::new(false) };
}

pin_project! {
    /// A task whose turns are counted and measured when that is wanted.
    #[derive(Debug)]
    pub struct Profiled<F, K> {
        #[pin]
        future: F,
        kind: PhantomData<K>,
    }
}

/// Makes a task one of a kind.
pub fn profiled<F: Future, K: Kind>(_: K, future: F) -> Profiled<F, K> {
    Profiled {
        future,
        kind: PhantomData,
    }
}

impl<F: Future, K: Kind> Future for Profiled<F, K> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.project().future;
        match MODE.load(Ordering::Relaxed) {
            OFF => future.poll(cx),
            mode => measured(mode, K::PLACE, || future.poll(cx)),
        }
    }
}

#[cold]
fn measured<T>(mode: u8, place: usize, turn: impl FnOnce() -> T) -> T {
    if mode == AUTO && !SLOW_THREAD.get() {
        return turn();
    }
    let began = Instant::now();
    let outcome = turn();
    if let Some(figure) = FIGURES.get(place) {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        figure.calls.fetch_add(1, Ordering::Relaxed);
        figure.nanos.fetch_add(nanos, Ordering::Relaxed);
    }
    outcome
}

/// The worker of this thread has events to look at.
pub fn wake() {
    if MODE.load(Ordering::Relaxed) == AUTO {
        TURN_BEGAN.set(Some(Instant::now()));
    }
}

/// The worker of this thread is about to wait for events.
pub fn park() {
    if MODE.load(Ordering::Relaxed) == AUTO
        && let Some(began) = TURN_BEGAN.take()
    {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let (average, slow) = after_turn(AVERAGE.get(), SLOW_THREAD.get(), nanos);
        AVERAGE.set(average);
        if SLOW_THREAD.replace(slow) != slow {
            AUTO_ON.store(slow, Ordering::Relaxed);
            note_span(slow);
        }
    }
}

/// The average and whether turns are slow, after another one.
fn after_turn(average: u64, slow: bool, nanos: u64) -> (u64, bool) {
    let average = average - average / TURNS + nanos.min(u64::MAX / (2 * TURNS));
    let micros = average / TURNS / 1000;
    (average, if slow { micros >= FAST } else { micros >= SLOW })
}

fn note_span(begins: bool) {
    let now = crate::clock::now_ms();
    match begins {
        true => {
            SPAN[0].store(now, Ordering::Relaxed);
            SPAN[1].store(0, Ordering::Relaxed);
        }
        false => SPAN[1].store(now, Ordering::Relaxed),
    }
}

/// Sets whether tasks are measured. Measuring anew forgets what was measured before.
pub fn set(profiling: Profiling) {
    let mode = match profiling {
        Profiling::Off => OFF,
        Profiling::On => ON,
        Profiling::Auto => AUTO,
    };
    if mode == ON {
        for figure in &FIGURES {
            figure.calls.store(0, Ordering::Relaxed);
            figure.nanos.store(0, Ordering::Relaxed);
        }
    }
    let before = MODE.swap(mode, Ordering::Relaxed);
    if mode == ON || before == ON {
        note_span(mode == ON);
    }
    AUTO_ON.store(false, Ordering::Relaxed);
}

/// What is measured at present.
#[must_use]
pub fn mode() -> (Profiling, bool) {
    match MODE.load(Ordering::Relaxed) {
        OFF => (Profiling::Off, false),
        ON => (Profiling::On, true),
        _ => (Profiling::Auto, AUTO_ON.load(Ordering::Relaxed)),
    }
}

/// A kind with how often its tasks ran and for how many nanoseconds.
pub type Cost = (&'static str, u64, u64);

/// What has been measured.
#[must_use]
pub fn costs() -> Vec<Cost> {
    let figures = NAMES.iter().zip(&FIGURES);
    let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let costs = figures.map(|(name, figure)| (*name, read(&figure.calls), read(&figure.nanos)));
    costs.filter(|(_, calls, _)| *calls > 0).collect()
}

/// For how many milliseconds it has been measured, and how long ago that ended.
#[must_use]
pub fn span() -> (u64, u64) {
    let [began, ended] = SPAN.each_ref().map(|n| n.load(Ordering::Relaxed));
    let now = crate::clock::now_ms();
    match (began, ended) {
        (0, _) => (0, 0),
        (began, 0) => (now.saturating_sub(began), 0),
        (began, ended) => (ended.saturating_sub(began), now.saturating_sub(ended)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_turns_are_noticed_and_fast_ones_again() {
        let (mut average, mut slow) = (0, false);
        for _ in 0..10 {
            (average, slow) = after_turn(average, slow, 5_000_000);
        }
        assert!(!slow, "a few slow ones say nothing");
        for _ in 0..1000 {
            (average, slow) = after_turn(average, slow, 5_000_000);
        }
        assert!(slow);
        for _ in 0..5000 {
            (average, slow) = after_turn(average, slow, 1000);
        }
        assert!(!slow);
    }

    #[test]
    fn a_task_is_no_larger_for_its_kind() {
        let task = async { std::future::pending::<[u8; 100]>().await };
        let bare = size_of_val(&task);
        assert_eq!(size_of_val(&profiled(Session, task)), bare);
    }
}
