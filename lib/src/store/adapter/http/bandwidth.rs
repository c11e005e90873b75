//! How fast bytes may move: one bucket of tokens for all connections of a client.

use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the line may have been unused and still be made up for.
const BURST: Duration = Duration::from_millis(250);

/// Longest that one waits without a sign of life.
const TICK: Duration = Duration::from_secs(1);

/// Bytes that may pass at a time, at a rate.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: NonZeroU64,
    /// Up to when the line is sold.
    sold: Option<Instant>,
}

impl Bucket {
    fn new(rate: NonZeroU64) -> Self {
        Self { rate, sold: None }
    }

    /// Sells so many bytes; answers when they may pass. In any stretch of time no more pass
    /// than its length and [`BURST`] allow.
    fn sell(&mut self, now: Instant, bytes: usize) -> Instant {
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.rate.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let unused = now.checked_sub(BURST).unwrap_or(now);
        let start = self.sold.map_or(unused, |sold| sold.max(unused));
        let until = start + cost;
        self.sold = Some(until);
        until
    }
}

/// A share in the line of a client. Clones queue up at the same bucket.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<Mutex<Bucket>>, NonZeroU64);

impl Line {
    pub(super) fn new(rate: NonZeroU64) -> Self {
        Self(Arc::new(Mutex::new(Bucket::new(rate))), rate)
    }

    /// Bytes that are bought at once, so that nobody waits long for the others.
    pub(super) fn slice(&self, most: usize) -> usize {
        let quarter = usize::try_from(self.1.get() / 4).unwrap_or(usize::MAX);
        quarter.clamp(1 << 10, most.max(1 << 10))
    }

    fn sell(&self, now: Instant, bytes: usize) -> Instant {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.sell(now, bytes)
    }
}

/// The turn of one body at the line.
#[derive(Debug, Default)]
pub(super) struct Turn {
    until: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Turn {
    /// Waits until so many bytes may pass. What is asked for must stay the same until it is
    /// ready. `alive` is called now and then.
    pub(super) fn poll(
        &mut self,
        line: &Line,
        bytes: usize,
        alive: impl Fn(),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let until = *self
            .until
            .get_or_insert_with(|| line.sell(Instant::now(), bytes));
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
                alive();
            }
            let now = Instant::now();
            if now >= until {
                self.until = None;
                return Poll::Ready(());
            }
            self.sleep = Some(Box::pin(sleep_until(until.min(now + TICK))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use testkit::seed::{Chance, seed};

    fn rate(bytes: u64) -> NonZeroU64 {
        NonZeroU64::new(bytes).expect("not zero")
    }

    #[test]
    fn no_more_passes_than_time_allows() {
        let mut chance = Chance::new(seed(5));
        for bytes_a_second in [1, 1000, 1 << 20, 1 << 40] {
            let mut bucket = Bucket::new(rate(bytes_a_second));
            let start = Instant::now();
            let (mut now, mut passed, mut last) = (start, 0, None);
            for _ in 0..1000 {
                now += Duration::from_millis(chance.below(300) as u64);
                let bytes = chance.below(100_000);
                let at = bucket.sell(now, bytes);
                passed += bytes as u128;
                let allowed = (at.max(now) - start + BURST).as_nanos() + 1000;
                let most = u128::from(bytes_a_second) * allowed / 1_000_000_000;
                assert!(passed <= most + 1, "{passed} of {most} at {bytes_a_second}");
                assert!(last <= Some(at), "in the order in which they asked");
                last = Some(at);
            }
        }
    }

    async fn pass(line: &Line, bytes: usize, slice: usize) {
        let mut turn = Turn::default();
        for _ in 0..bytes / slice {
            poll_fn(|cx| turn.poll(line, slice, || (), cx)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_connections_share_one_rate() {
        for connections in [1, 4] {
            let line = Line::new(rate(1 << 20));
            let start = Instant::now();
            let each = (8 << 20) / connections;
            let all = (0..connections).map(|_| pass(&line, each, 64 << 10));
            futures_util::future::join_all(all).await;
            // 8 MiB at 1 MiB a second, the first quarter of a second for nothing; the clock
            // of the test goes in milliseconds.
            let took = start.elapsed();
            let want = Duration::from_millis(7750);
            assert!(took >= want && took < want + TICK / 10, "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_long_shows_that_it_lives() {
        let line = Line::new(rate(1000));
        let signs = std::cell::Cell::new(0);
        let mut turn = Turn::default();
        let alive = || signs.set(signs.get() + 1);
        poll_fn(|cx| turn.poll(&line, 20_000, alive, cx)).await;
        assert_eq!(signs.get(), 20, "one a second");
        assert_eq!(line.slice(64 << 10), 1 << 10);
        assert_eq!(Line::new(rate(1 << 20)).slice(64 << 10), 64 << 10);
    }
}
