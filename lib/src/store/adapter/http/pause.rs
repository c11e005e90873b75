//! How long a service wants to be left alone.

use super::Refusal;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use std::time::Duration;

impl Refusal {
    /// How long to wait, if the service says that it is asked too much: zero if it does not
    /// say how long.
    ///
    /// `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). A date is compared
    /// with the answer's own `Date`, so that no clock of ours comes into it.
    pub(in crate::store) fn pause(&self) -> Option<Duration> {
        let slow = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        let wait = retry_after(&self.headers);
        wait.or(slow.contains(&self.status).then_some(Duration::ZERO))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = date(headers, RETRY_AFTER)?.duration_since(date(headers, DATE)?);
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn pause(status: u16, headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| {
            let value = value.parse().expect("a value");
            (HeaderName::from_static(name), value)
        });
        let refusal = Refusal {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.collect(),
            body: Bytes::new(),
        };
        refusal.pause()
    }

    #[test]
    fn a_pause_is_a_number_of_seconds_or_a_date() {
        let secs = |secs| Some(Duration::from_secs(secs));
        let (after, date) = ("retry-after", "date");
        // RFC 9110, 10.2.3: its two examples, the date as seen 90 s before it.
        assert_eq!(pause(503, &[(after, "120")]), secs(120));
        let examples = [
            (after, "Fri, 31 Dec 1999 23:59:59 GMT"),
            (date, "Fri, 31 Dec 1999 23:58:29 GMT"),
        ];
        assert_eq!(pause(503, &examples), secs(90));
        let past = [examples[0], (date, "Sat, 01 Jan 2000 00:00:01 GMT")];
        assert_eq!(pause(503, &past), secs(0));
        // Seen without a date to compare with, or unreadable: as if it were not there.
        assert_eq!(pause(503, &examples[..1]), secs(0));
        assert_eq!(pause(500, &examples[..1]), None);
        assert_eq!(pause(429, &[(after, "soon")]), secs(0));
        assert_eq!(pause(429, &[(after, "-1")]), secs(0));
    }

    #[test]
    fn who_is_asked_too_much_says_so() {
        assert_eq!(pause(429, &[]), Some(Duration::ZERO));
        assert_eq!(pause(503, &[]), Some(Duration::ZERO));
        assert_eq!(pause(500, &[]), None);
        assert_eq!(
            pause(409, &[("retry-after", "1")]),
            Some(Duration::from_secs(1))
        );
    }
}
