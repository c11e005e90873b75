//! Where clients wait for their turn.

use crate::tap::{Call, Tap};
use async_trait::async_trait;
use pail::Result;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The gates of all clients of one run.
#[derive(Debug)]
pub(super) struct Gates(Mutex<State>);

#[derive(Debug)]
struct State {
    lines: Vec<Line>,
    tickets: u64,
    driver: Option<Waker>,
}

/// The calls of one client that wait, oldest first: a client may make several at a time,
/// and they take their turns in the order in which they came.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(u64, Call, Option<Waker>)>,
    /// The call that may go, or is under way.
    granted: Option<u64>,
    /// Whether the client can do nothing before its next grant.
    settled: bool,
    ended: bool,
}

impl Gates {
    pub(super) fn new(clients: usize) -> Self {
        Self(Mutex::new(State {
            lines: (0..clients).map(|_| Line::default()).collect(),
            tickets: 0,
            driver: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is to be woken when a call arrives or ends.
    pub(super) fn driver(&self, waker: &Waker) {
        self.state().driver = Some(waker.clone());
    }

    pub(super) fn settled(&self, client: usize) -> bool {
        self.state().lines[client].settled
    }

    /// Takes note that a client was run as far as it goes; says whether all that it waits
    /// for is its turn.
    pub(super) fn settle(&self, client: usize) -> bool {
        let line = &mut self.state().lines[client];
        line.settled = line.granted.is_none() && !line.waiting.is_empty();
        line.settled
    }

    pub(super) fn ended(&self, client: usize) {
        let line = &mut self.state().lines[client];
        line.ended = true;
        line.settled = true;
    }

    /// The next call of every client that has one.
    pub(super) fn waiting(&self) -> Vec<(usize, Call)> {
        self.state()
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.ended)
            .filter_map(|(client, line)| {
                let (_, call, _) = line.waiting.front()?;
                Some((client, call.clone()))
            })
            .collect()
    }

    /// Lets the next call of a client go.
    pub(super) fn grant(&self, client: usize) -> Call {
        let line = &mut self.state().lines[client];
        let (ticket, call, waker) = line.waiting.pop_front().expect("the client waits");
        line.granted = Some(ticket);
        line.settled = false;
        if let Some(waker) = waker {
            waker.wake();
        }
        call
    }
}

/// The gate of one client.
#[derive(Debug)]
pub(super) struct Gate {
    gates: Arc<Gates>,
    client: usize,
}

impl Gate {
    pub(super) fn new(gates: Arc<Gates>, client: usize) -> Self {
        Self { gates, client }
    }
}

#[async_trait]
impl Tap for Gate {
    async fn before(&self, call: &Call) -> Result<()> {
        let ticket = {
            let mut state = self.gates.state();
            state.tickets += 1;
            let ticket = state.tickets;
            let line = &mut state.lines[self.client];
            line.waiting.push_back((ticket, call.clone(), None));
            if let Some(driver) = state.driver.take() {
                driver.wake();
            }
            ticket
        };
        let left = Left { gate: self, ticket };
        poll_fn(|context| {
            let mut state = self.gates.state();
            let line = &mut state.lines[self.client];
            if line.granted == Some(ticket) {
                return Poll::Ready(());
            }
            if let Some(place) = line.waiting.iter_mut().find(|place| place.0 == ticket) {
                place.2 = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        std::mem::forget(left);
        Ok(())
    }

    async fn after(&self, _: &Call) -> Result<()> {
        let mut state = self.gates.state();
        state.lines[self.client].granted = None;
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
        Ok(())
    }
}

/// Takes a call that its client gave up out of the line.
struct Left<'a> {
    gate: &'a Gate,
    ticket: u64,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.gates.state();
        let line = &mut state.lines[self.gate.client];
        line.waiting.retain(|place| place.0 != self.ticket);
        if line.granted == Some(self.ticket) {
            line.granted = None;
        }
    }
}
