//! Bodies that cannot stall unseen: what we send, and what we receive.

use super::bandwidth::{Line, Turn};
use super::failure::Failure;
use super::pool::Lease;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use object_store::client::HttpRequestBody;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Bytes that go out at once: small enough for progress to be seen on a slow line.
const SLICE: usize = 64 << 10;

/// Fewer bytes than this are no sign of life: a body that drips must not last for ever.
const LIFE: usize = 16 << 10;

/// The body of a request, already in memory.
#[derive(Debug, Default)]
pub(in crate::store) struct Outgoing {
    chunks: VecDeque<Bytes>,
    left: u64,
    /// How many slices were taken: what a watcher looks at.
    taken: Arc<AtomicU64>,
    line: Option<Line>,
    turn: Turn,
}

impl Outgoing {
    /// A body of one piece.
    pub(in crate::store) fn new(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        let chunks = VecDeque::from_iter((left > 0).then_some(bytes));
        Self {
            chunks,
            left,
            ..Self::default()
        }
    }

    /// A body of object_store, whose frames are all there already.
    pub(super) fn from_payload(mut body: HttpRequestBody) -> Self {
        let mut out = Self::default();
        while let Some(Some(Ok(frame))) = body.frame().now_or_never() {
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                out.left += data.len() as u64;
                out.chunks.push_back(data);
            }
        }
        out
    }

    /// Makes it go no faster than its line.
    pub(super) fn pace(&mut self, line: Option<&Line>) {
        self.line = line.cloned();
    }

    /// Counts up as the connection takes the body.
    pub(super) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let Some(chunk) = this.chunks.front_mut() else {
            return Poll::Ready(None);
        };
        let alive = || {
            this.taken.fetch_add(1, Ordering::Relaxed);
        };
        let mut size = chunk.len().min(SLICE);
        if let Some(line) = &this.line {
            size = size.min(line.slice(SLICE));
            ready!(this.turn.poll(line, size, alive, cx));
        }
        let slice = chunk.split_to(size);
        if chunk.is_empty() {
            this.chunks.pop_front();
        }
        this.left -= slice.len() as u64;
        this.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The body of an answer. Read to its end, it gives its connection back; dropped before
/// that, the connection is closed.
#[derive(Debug)]
pub(in crate::store) struct Answer {
    inner: Incoming,
    lease: Option<Lease>,
    idle: Duration,
    patience: Pin<Box<Sleep>>,
    /// Bytes since patience began anew.
    came: usize,
    line: Option<Line>,
    turn: Turn,
    /// What has come and waits for its turn.
    held: Option<Bytes>,
}

impl Answer {
    pub(super) fn new(inner: Incoming, lease: Lease, idle: Duration, line: Option<Line>) -> Self {
        let mut out = Self {
            inner,
            lease: Some(lease),
            idle,
            patience: Box::pin(sleep(idle)),
            came: 0,
            line,
            turn: Turn::default(),
            held: None,
        };
        out.settle();
        out
    }

    /// Whether all of it has been read.
    pub(super) fn is_over(&self) -> bool {
        self.held.is_none() && self.inner.is_end_stream()
    }

    /// Hands on what has come when its turn is there; the rest stays unread until then.
    fn release(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let (Some(line), Some(held)) = (&self.line, &self.held) {
            ready!(self.turn.poll(line, held.len(), || (), cx));
            // We were slow, not the service.
            self.lives();
        }
        Poll::Ready(self.held.take())
    }

    /// Begins to wait anew.
    fn lives(&mut self) {
        self.came = 0;
        let until = Instant::now() + self.idle;
        self.patience.as_mut().reset(until);
    }

    fn settle(&mut self) {
        if self.inner.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Some(bytes) = ready!(self.release(cx)) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            ready!(self.patience.as_mut().poll(cx));
            self.lease = None;
            return Poll::Ready(Some(Err(Failure::stalled(self.idle))));
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                self.came += frame.data_ref().map_or(0, Bytes::len);
                if self.came >= LIFE {
                    self.lives();
                }
                self.settle();
                match frame.into_data() {
                    Ok(bytes) if self.line.is_some() => {
                        self.held = Some(bytes);
                        let bytes = ready!(self.release(cx)).unwrap_or_default();
                        Some(Ok(Frame::data(bytes)))
                    }
                    Ok(bytes) => Some(Ok(Frame::data(bytes))),
                    Err(other) => Some(Ok(other)),
                }
            }
            Some(Err(error)) => {
                self.lease = None;
                Some(Err(Failure::cut(&error)))
            }
            None => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len) as u64;
        let mut hint = self.inner.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}
