//! How many requests may be under way: fewer after a service said that it is too much.

use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Most requests under way, whatever the settings of a transfer.
const MOST: f64 = 256.0;

/// Longest that a request waits for others to end. A courtesy must not become a standstill:
/// who reads one file while it holds another would wait for itself.
const COURTESY: Duration = Duration::from_secs(5);

/// Additive increase, multiplicative decrease, as TCP has it (RFC 5681, 3.1): one more for
/// each full round that went well, half of what was under way for each that was too much.
#[derive(Debug)]
struct Window {
    size: f64,
    under_way: u32,
    /// Grows with each decrease: requests that began before it say nothing new.
    era: u64,
}

impl Window {
    fn new() -> Self {
        Self {
            size: MOST,
            under_way: 0,
            era: 0,
        }
    }

    fn has_room(&self) -> bool {
        self.under_way == 0 || f64::from(self.under_way + 1) <= self.size
    }

    fn begin(&mut self) -> u64 {
        self.under_way += 1;
        self.era
    }

    fn end(&mut self, era: u64, went: Went) {
        match went {
            Went::Well => self.size = MOST.min(self.size + 1.0 / self.size),
            Went::TooMuch if era == self.era => {
                self.size = (self.size.min(f64::from(self.under_way)) / 2.0).max(1.0);
                self.era += 1;
            }
            Went::TooMuch | Went::Otherwise => {}
        }
        self.under_way = self.under_way.saturating_sub(1);
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    Well,
    TooMuch,
    Otherwise,
}

/// Where the requests of one store queue up. Clones are one gate.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    window: Mutex<Window>,
    room: Notify,
}

/// A request that is under way, until this is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Gate,
    era: u64,
    went: Went,
}

impl Gate {
    pub(super) fn new() -> Self {
        let window = Mutex::new(Window::new());
        let room = Notify::new();
        Self(Arc::new(Inner { window, room }))
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request may be under way.
    pub(super) async fn enter(&self) -> Pass {
        let patience = sleep(COURTESY);
        tokio::pin!(patience);
        loop {
            let room = self.0.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            {
                let mut window = self.window();
                if window.has_room() || patience.is_elapsed() {
                    return Pass {
                        gate: self.clone(),
                        era: window.begin(),
                        went: Went::Otherwise,
                    };
                }
            }
            tokio::select! {
                () = room => {}
                () = &mut patience => {}
            }
        }
    }
}

impl Pass {
    /// Takes note of how the request ended.
    pub(super) fn judge<T>(&mut self, result: &Result<T>) {
        match result {
            Ok(_) => self.went = Went::Well,
            Err(error) => self.failed(error),
        }
    }

    /// Takes note of what went wrong, be it in the middle of an answer.
    pub(super) fn failed(&mut self, error: &Error) {
        self.went = match error.pause() {
            Some(_) => Went::TooMuch,
            None => Went::Otherwise,
        };
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.window().end(self.era, self.went);
        // One for the request that ended, one for the room that may have grown.
        self.gate.0.room.notify_one();
        self.gate.0.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_went_well_adds_one_and_one_that_was_too_much_halves() {
        let mut window = Window::new();
        let eras: Vec<_> = (0..16).map(|_| window.begin()).collect();
        for era in eras {
            // All sixteen were sent before the first refusal came: one decrease.
            window.end(era, Went::TooMuch);
        }
        assert_eq!((window.size, window.under_way), (8.0, 0));
        for _ in 0..8 {
            assert!(window.has_room());
            window.begin();
        }
        assert!(!window.has_room());
        for _ in 0..8 {
            window.end(1, Went::Well);
        }
        assert!(window.size > 8.9 && window.size < 9.0, "{}", window.size);
        for _ in 0..20 {
            let era = window.begin();
            window.end(era, Went::TooMuch);
        }
        assert_eq!(window.size, 1.0, "never none at all");
        for _ in 0..100_000 {
            let era = window.begin();
            window.end(era, Went::Well);
        }
        assert_eq!(window.size, MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_itself_does_not_wait_for_ever() {
        let gate = Gate::new();
        let mut first = gate.enter().await;
        first.went = Went::TooMuch;
        drop(first);
        let held = gate.enter().await;
        assert!(!gate.window().has_room());
        let start = tokio::time::Instant::now();
        let second = gate.enter().await;
        assert!(start.elapsed() >= COURTESY);
        drop((held, second));
        assert_eq!(gate.window().under_way, 0);
    }
}
