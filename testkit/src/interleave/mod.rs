//! Two or three clients of one bucket, one store call at a time, in every order.
//!
//! A run is repeated with another order of steps until all orders were seen, or the bound
//! is reached and the rest is drawn by chance. Orders that differ only in steps that
//! cannot tell each other apart (two reads; two different files) are tried once: what
//! remains shows every end that there is. The clients must share nothing but the bucket,
//! and each must do the same each time when it is given the same answers.

mod gate;
mod order;
#[cfg(test)]
mod tests;

use crate::seed::Chance;
use crate::tap::{Call, Tapped};
use futures_util::future::LocalBoxFuture;
use gate::{Gate, Gates};
use order::Order;
use pail::store::Store;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

/// What a client does with its view of the bucket, and with the world of the run.
pub type Client<'a, W, T> = Box<dyn Fn(Arc<dyn Store>, Rc<W>) -> LocalBoxFuture<'a, T> + 'a>;

/// Makes a client of a closure that returns a future.
pub fn client<'a, W, T, F: Future<Output = T> + 'a>(
    operation: impl Fn(Arc<dyn Store>, Rc<W>) -> F + 'a,
) -> Client<'a, W, T> {
    Box::new(move |store, world| Box::pin(operation(store, world)))
}

/// How far to look.
#[derive(Debug, Clone)]
pub struct Explore {
    limit: usize,
    seed: u64,
    every: bool,
    only: Option<Vec<usize>>,
}

/// How far the search came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// Runs that were checked.
    pub runs: usize,
    /// Whether they stand for every order there is.
    pub exhaustive: bool,
    /// Steps of the longest run.
    pub steps: usize,
}

/// The order of one run: who made which call.
#[derive(Debug, Clone, Default)]
pub struct Schedule(Vec<(usize, Call)>);

impl Schedule {
    /// The clients in the order of their steps: for [`Explore::replay`].
    pub fn choices(&self) -> Vec<usize> {
        self.0.iter().map(|(client, _)| *client).collect()
    }

    /// Every step: which client, which call.
    pub fn steps(&self) -> &[(usize, Call)] {
        &self.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "replay({:?}):", self.choices())?;
        for (client, call) in &self.0 {
            writeln!(f, "  client {client}: {call}")?;
        }
        Ok(())
    }
}

impl Explore {
    /// All orders if `limit` runs are enough for them; else as many runs, half of them in
    /// order and half of them by chance.
    pub fn up_to(limit: usize) -> Self {
        Self {
            limit,
            seed: crate::seed::seed(1),
            every: false,
            only: None,
        }
    }

    /// Draws from this seed where it draws (`PAIL_SEED` otherwise).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Tries also orders that no client can tell apart: for clients that share more than
    /// the bucket.
    #[must_use]
    pub fn every_order(mut self) -> Self {
        self.every = true;
        self
    }

    /// Only this order, as far as it goes: to look into a failure.
    #[must_use]
    pub fn replay(mut self, choices: Vec<usize>) -> Self {
        self.only = Some(choices);
        self
    }

    /// Runs the clients in one order after the other, each time in a fresh world, and
    /// checks the bucket, the world and what each client returned.
    ///
    /// # Panics
    ///
    /// When the check or a client does, after saying the order.
    pub async fn run<W, T>(
        &self,
        setup: impl AsyncFn() -> (Arc<dyn Store>, W),
        clients: &[Client<'_, W, T>],
        check: impl AsyncFn(Arc<dyn Store>, &W, Vec<T>, &Schedule),
    ) -> Explored {
        let mut seen = Explored {
            runs: 0,
            exhaustive: false,
            steps: 0,
        };
        if let Some(choices) = &self.only {
            let mut order = Order::fixed(choices.clone());
            self.one(&setup, clients, &check, &mut order, &mut seen)
                .await;
            return seen;
        }
        let mut order = Order::first(self.every);
        loop {
            self.one(&setup, clients, &check, &mut order, &mut seen)
                .await;
            if !order.next() {
                seen.exhaustive = true;
                return seen;
            }
            if seen.runs >= self.limit.div_ceil(2) && order.breadth() + seen.runs > self.limit {
                break;
            }
        }
        let mut chance = Chance::new(self.seed);
        while seen.runs < self.limit {
            let mut order = Order::random(Chance::new(chance.number()));
            self.one(&setup, clients, &check, &mut order, &mut seen)
                .await;
        }
        seen
    }

    async fn one<W, T>(
        &self,
        setup: &impl AsyncFn() -> (Arc<dyn Store>, W),
        clients: &[Client<'_, W, T>],
        check: &impl AsyncFn(Arc<dyn Store>, &W, Vec<T>, &Schedule),
        order: &mut Order,
        seen: &mut Explored,
    ) {
        let (bucket, world) = setup().await;
        let world = Rc::new(world);
        let gates = Arc::new(Gates::new(clients.len()));
        let mut told = Told(Schedule::default());
        let mut running: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(number, client)| {
                let gate = Arc::new(Gate::new(Arc::clone(&gates), number));
                let store = Arc::new(Tapped::new(Arc::clone(&bucket), gate));
                Some(client(store, Rc::clone(&world)))
            })
            .collect();
        let mut results: Vec<Option<T>> = clients.iter().map(|_| None).collect();
        loop {
            quiet(&gates, &mut running, &mut results).await;
            let waiting = gates.waiting();
            if waiting.is_empty() {
                break;
            }
            // Nothing is chosen where all that is left was tried in another order.
            let Some(client) = order.choose(&waiting) else {
                return;
            };
            let call = gates.grant(client);
            told.0.0.push((client, call));
        }
        seen.runs += 1;
        seen.steps = seen.steps.max(told.0.0.len());
        let results = results.into_iter().flatten().collect();
        check(bucket, &world, results, &told.0).await;
    }
}

/// Runs the clients until each waits for a grant or has returned.
async fn quiet<T>(
    gates: &Gates,
    running: &mut [Option<LocalBoxFuture<'_, T>>],
    results: &mut [Option<T>],
) {
    poll_fn(|context| {
        gates.driver(context.waker());
        let mut quiet = true;
        for (number, slot) in running.iter_mut().enumerate() {
            let Some(future) = slot else { continue };
            if gates.settled(number) {
                continue;
            }
            match future.as_mut().poll(context) {
                Poll::Ready(result) => {
                    results[number] = Some(result);
                    *slot = None;
                    gates.ended(number);
                }
                Poll::Pending => quiet &= gates.settle(number),
            }
        }
        if quiet {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Says the order of a run that panics.
struct Told(Schedule);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("interleaving: {}", self.0);
        }
    }
}
