//! Answers, and the documents of refusals:
//! <https://cloud.google.com/storage/docs/xml-api/reference-status>.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;
use std::fmt::Write as _;

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.to_string()));
        self
    }

    /// An XML document.
    pub(super) fn xml(text: String) -> Self {
        let mut out = Self::new(StatusCode::OK).with("content-type", "application/xml");
        out.body = text.into();
        out
    }

    /// For the wire. The body of an answer to HEAD stays here; its length does not.
    pub(super) fn into_response(self, head: bool) -> http::Response<Full<Bytes>> {
        let length = self.body.len();
        let body = if head { Bytes::new() } else { self.body };
        let mut out = http::Response::new(Full::new(body));
        *out.status_mut() = self.status;
        if head
            && !self
                .headers
                .iter()
                .any(|(name, _)| name == "content-length")
        {
            out.headers_mut().insert("content-length", length.into());
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                out.headers_mut().append(name, value);
            }
        }
        out
    }
}

/// A refusal: status, code, message and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) details: String,
}

pub(super) fn refuse(status: u16, code: &'static str, message: &'static str) -> Refusal {
    Refusal {
        status,
        code,
        message,
        details: String::new(),
    }
}

impl Refusal {
    pub(super) fn about(mut self, details: impl Into<String>) -> Self {
        self.details = details.into();
        self
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).expect("a status");
        let mut answer = Self::new(status);
        if status == StatusCode::NOT_MODIFIED {
            return answer;
        }
        let mut text = format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{}</Code><Message>{}</Message>",
            refusal.code, refusal.message
        );
        if !refusal.details.is_empty() {
            let _ = write!(text, "<Details>{}</Details>", escape(&refusal.details));
        }
        text.push_str("</Error>");
        answer.body = text.into();
        answer.with("content-type", "application/xml; charset=UTF-8")
    }
}

pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
