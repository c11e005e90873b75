//! Which requests go wrong, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;

/// Longest that a request waits for others.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What is done to a request.
#[derive(Clone)]
pub enum Fault {
    /// This status at once; the server never hears of it.
    Answer(u16),
    /// The server does it, and the client is told this status.
    AnswerAfter(u16),
    /// The connection ends before the server hears of it.
    ResetBefore,
    /// The server does it, and the connection ends without a word.
    LoseReply,
    /// The connection ends after so many bytes of the response's body.
    CutBody(u64),
    /// The response's body ends after so many bytes, and `Content-Length` agrees.
    Shorten(u64),
    /// Of the response's body a byte comes after each such time.
    Drip(Duration),
    /// These bytes are the whole answer; the server never hears of it.
    Say(&'static str),
    /// The server does it, and these bytes are the whole answer.
    SayAfter(&'static str),
    /// This bit of the response's body is turned over (8 bits a byte, from 0).
    FlipBit(u64),
    /// No answer ever comes, and the server never hears of it.
    Stall,
    /// The server does it, and no answer ever comes.
    StallAfter,
    /// It waits so long before it is forwarded.
    Delay(Duration),
    /// It waits for others, so that what may run at the same time does.
    Gather(Crowd),
    /// This is called before the server hears of it: to kill a process, say.
    CallBefore(Callback),
    /// This is called when the server has done it and the client has not been told.
    CallAfter(Callback),
    /// `If-Match` and `If-None-Match` are left out: a server that ignores conditions.
    /// Only for a server that does not check the signature.
    StripConditions,
}

/// Requests that wait for each other before they are forwarded, so many at a time.
#[derive(Debug, Clone)]
pub struct Crowd(Arc<Barrier>);

impl Crowd {
    /// So many at a time.
    pub fn of(requests: usize) -> Self {
        Self(Arc::new(Barrier::new(requests)))
    }

    pub(super) async fn wait(&self) {
        // Who waits in vain goes on: the test then sees by its counts that too few came.
        let _ = tokio::time::timeout(LONGEST_WAIT, self.0.wait()).await;
    }
}

/// What a rule calls, on the thread of the proxy.
pub type Callback = Arc<dyn Fn() + Send + Sync>;

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "Answer({status})"),
            Self::AnswerAfter(status) => write!(f, "AnswerAfter({status})"),
            Self::ResetBefore => f.write_str("ResetBefore"),
            Self::LoseReply => f.write_str("LoseReply"),
            Self::CutBody(bytes) => write!(f, "CutBody({bytes})"),
            Self::Shorten(bytes) => write!(f, "Shorten({bytes})"),
            Self::Drip(time) => write!(f, "Drip({time:?})"),
            Self::Say(text) => write!(f, "Say({text:?})"),
            Self::SayAfter(text) => write!(f, "SayAfter({text:?})"),
            Self::FlipBit(bit) => write!(f, "FlipBit({bit})"),
            Self::Stall => f.write_str("Stall"),
            Self::StallAfter => f.write_str("StallAfter"),
            Self::Delay(time) => write!(f, "Delay({time:?})"),
            Self::Gather(_) => f.write_str("Gather"),
            Self::CallBefore(_) => f.write_str("CallBefore"),
            Self::CallAfter(_) => f.write_str("CallAfter"),
            Self::StripConditions => f.write_str("StripConditions"),
        }
    }
}

/// Which requests a fault is for: from the first that fits, once, unless more is said.
#[derive(Debug, Clone)]
pub struct Rule {
    method: Option<String>,
    path: Option<String>,
    conditional: bool,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// A fault for the first request of all.
    pub fn new(fault: Fault) -> Self {
        Self {
            method: None,
            path: None,
            conditional: false,
            skip: 0,
            times: 1,
            fault,
        }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path or query holds this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only requests with `If-Match` or `If-None-Match`.
    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Only from the `nth` request on that fits, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// So often, one after the other.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Every time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    pub(super) fn spent(&self) -> bool {
        self.times == 0 || self.times == usize::MAX
    }

    /// Whether this request is for this rule, which then counts it.
    pub(super) fn takes(&mut self, method: &str, path: &str, conditional: bool) -> Option<Fault> {
        let fits = self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && (conditional || !self.conditional);
        if !fits || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.times != usize::MAX {
            self.times -= 1;
        }
        Some(self.fault.clone())
    }
}
