//! Bodies that cannot stall unseen: what we send, and what we receive.

use super::pool::{Failure, Lease};
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

/// The body of a request, already in memory.
#[derive(Debug, Default)]
pub(in crate::store) struct Outgoing {
    chunks: VecDeque<Bytes>,
    left: u64,
    /// How many slices were taken: what a watcher looks at.
    taken: Arc<AtomicU64>,
}

impl Outgoing {
    /// A body of one piece.
    pub(in crate::store) fn new(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        let chunks = VecDeque::from_iter((left > 0).then_some(bytes));
        Self {
            chunks,
            left,
            taken: Arc::default(),
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

    /// Counts up as the connection takes the body.
    pub(super) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(mut chunk) = self.chunks.pop_front() else {
            return Poll::Ready(None);
        };
        let slice = chunk.split_to(chunk.len().min(SLICE));
        if !chunk.is_empty() {
            self.chunks.push_front(chunk);
        }
        self.left -= slice.len() as u64;
        self.taken.fetch_add(1, Ordering::Relaxed);
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
}

impl Answer {
    pub(super) fn new(inner: Incoming, lease: Lease, idle: Duration) -> Self {
        let mut out = Self {
            inner,
            lease: Some(lease),
            idle,
            patience: Box::pin(sleep(idle)),
        };
        out.settle();
        out
    }

    /// Whether all of it has been read.
    pub(super) fn is_over(&self) -> bool {
        self.inner.is_end_stream()
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
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            ready!(self.patience.as_mut().poll(cx));
            self.lease = None;
            return Poll::Ready(Some(Err(Failure::stalled(self.idle))));
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let until = Instant::now() + self.idle;
                self.patience.as_mut().reset(until);
                self.settle();
                Some(Ok(frame))
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
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
