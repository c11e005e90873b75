//! Draws how far a transfer has come, as git draws it.

use super::bytes::human;
use crate::stdio;
use pail::progress::{Phase, Progress};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Draws on standard error, at most a few times a second, and only what takes longer.
#[derive(Debug, Default)]
pub struct Meter {
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    total: u64,
    done: u64,
    start: Instant,
    drawn: Option<Instant>,
}

/// Transfers that are over sooner are not drawn.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

impl State {
    fn line(&self, now: Instant, last: bool) -> String {
        let word = match self.phase {
            Phase::Upload => "Uploading",
            Phase::Download => "Downloading",
        };
        let done = self.done.min(self.total);
        let percent = (u128::from(done) * 100)
            .checked_div(u128::from(self.total))
            .unwrap_or(100);
        let millis = now.duration_since(self.start).as_millis().max(1);
        let rate = u64::try_from(u128::from(self.done) * 1000 / millis).unwrap_or(u64::MAX);
        let end = if last { ", done.\n" } else { "\r" };
        format!(
            "{word}: {percent:3}% ({}/{}) | {}/s{end}",
            human(done),
            human(self.total),
            human(rate)
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a meter shows real time; nothing is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

impl Meter {
    fn with(&self, act: impl FnOnce(&mut Option<State>)) {
        if let Ok(mut state) = self.state.lock() {
            act(&mut state);
        }
    }
}

impl Progress for Meter {
    fn begin(&self, phase: Phase, total: u64) {
        self.with(|state| {
            *state = Some(State {
                phase,
                total,
                done: 0,
                start: now(),
                drawn: None,
            })
        });
    }

    fn advance(&self, _: Phase, bytes: u64) {
        self.with(|state| {
            let Some(state) = state else { return };
            state.done += bytes;
            let now = now();
            let due = state
                .drawn
                .map_or(state.start + PATIENCE, |drawn| drawn + PAUSE);
            if now >= due {
                state.drawn = Some(now);
                stdio::draw(&state.line(now, false));
            }
        });
    }

    fn end(&self, _: Phase) {
        self.with(|state| {
            if let Some(state) = state.take().filter(|state| state.drawn.is_some()) {
                stdio::draw(&state.line(now(), true));
            }
        });
    }

    fn warn(&self, message: &str) {
        super::warn(message);
    }
}

/// Draws nothing, but passes warnings on.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Phase, _: u64) {}
    fn advance(&self, _: Phase, _: u64) {}
    fn end(&self, _: Phase) {}
    fn warn(&self, message: &str) {
        super::warn(message);
    }
}
