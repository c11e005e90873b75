//! A loopback HTTP/1.1 proxy that counts and breaks: for end-to-end tests, in which the
//! real program talks to a real server.
//!
//! It forwards bytes as they are, the `Host` header above all: request signatures cover it,
//! so the server checks them against the address of the proxy, which is what the client
//! signed. It runs on a thread of its own, so that a test may block while git runs.

mod http;
mod record;
mod relay;
mod rule;
#[cfg(test)]
mod tests;

pub use record::Record;
pub use rule::{Crowd, Fault, Rule};

use record::Log;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A running proxy; it stops, and cuts its connections, when it is dropped.
#[derive(Debug)]
pub struct WireProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    log: Log,
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WireProxy {
    /// Starts one in front of a server.
    ///
    /// # Panics
    ///
    /// If this machine has no free port.
    pub fn start(upstream: SocketAddr) -> Self {
        // Bound here, and the runtime built over there: the caller may be on a runtime.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        listener
            .set_nonblocking(true)
            .expect("a socket can be made not to block");
        let address = listener.local_addr().expect("it is bound");
        let state = Shared::default();
        let shared = Arc::clone(&state);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be built");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("it is a listener");
                tokio::select! {
                    () = serve(listener, upstream, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule. The first rule that wants a request gets it.
    pub fn rule(&self, rule: Rule) {
        lock(&self.state).rules.push(rule);
    }

    /// Forgets all rules: from now on everything is forwarded.
    pub fn heal(&self) {
        lock(&self.state).rules.clear();
    }

    /// Whether every rule has been used as often as it may be: a test of a fault that was
    /// never met proves nothing.
    pub fn spent(&self) -> bool {
        lock(&self.state).rules.iter().all(Rule::spent)
    }

    /// Every request since the start or [`WireProxy::forget`], in the order they came.
    pub fn records(&self) -> Vec<Record> {
        lock(&self.state).log.records()
    }

    /// Forgets what was recorded.
    pub fn forget(&self) {
        lock(&self.state).log.forget();
    }

    /// How many requests there were with this method.
    pub fn count(&self, method: &str) -> usize {
        let state = lock(&self.state);
        state.log.iter().filter(|r| r.method == method).count()
    }

    /// The longest run of requests of which each began after the one before was answered.
    pub fn depth(&self) -> usize {
        lock(&self.state).log.depth()
    }

    /// How many round trips a client far away would have waited for: one for each request of
    /// the heaviest run of requests of which each began after the one before was answered,
    /// and two more for each that was the first on its connection (TCP and TLS).
    pub fn round_trips(&self) -> u64 {
        lock(&self.state).log.round_trips()
    }

    /// How many connections the requests came on.
    pub fn connections(&self) -> usize {
        let state = lock(&self.state);
        let numbers: BTreeSet<_> = state.log.iter().map(|r| r.connection).collect();
        numbers.len()
    }

    /// Bytes of all request bodies, and of all response bodies.
    pub fn bytes(&self) -> (u64, u64) {
        let state = lock(&self.state);
        state
            .log
            .iter()
            .fold((0, 0), |(up, down), r| (up + r.sent, down + r.received))
    }
}

impl Drop for WireProxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, state: Shared) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(relay::connection(client, upstream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
