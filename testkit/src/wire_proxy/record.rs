//! What went over the wire.

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// The status that the client was told; none if it was told nothing.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body that were passed on.
    pub received: u64,
    /// Whether a rule was applied to it.
    pub faulty: bool,
    /// Place of its start and its end among all starts and ends.
    span: (u64, Option<u64>),
}

/// All requests so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: Vec<Record>,
    moments: u64,
    /// How many records were forgotten: what numbers are counted from.
    forgotten: usize,
}

impl Log {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.records.clone()
    }

    pub(super) fn forget(&mut self) {
        self.forgotten += self.records.len();
        self.records.clear();
    }

    /// Writes down that a request came; returns its number.
    pub(super) fn start(&mut self, method: &str, path: &str) -> usize {
        self.moments += 1;
        self.records.push(Record {
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
            sent: 0,
            received: 0,
            faulty: false,
            span: (self.moments, None),
        });
        self.forgotten + self.records.len() - 1
    }

    /// Changes a record that was not forgotten meanwhile.
    pub(super) fn update(&mut self, number: usize, change: impl FnOnce(&mut Record)) {
        let at = number.checked_sub(self.forgotten);
        if let Some(record) = at.and_then(|at| self.records.get_mut(at)) {
            change(record);
        }
    }

    /// Writes down that the client has its answer, or will never have one.
    pub(super) fn end(&mut self, number: usize) {
        self.moments += 1;
        let now = self.moments;
        self.update(number, |record| {
            record.span.1.get_or_insert(now);
        });
    }

    /// Most requests that follow each other without overlap: always taking the one that
    /// ends first is best.
    pub(super) fn depth(&self) -> usize {
        let mut spans: Vec<_> = self
            .records
            .iter()
            .map(|record| (record.span.1.unwrap_or(u64::MAX), record.span.0))
            .collect();
        spans.sort_unstable();
        let mut free = 0;
        let mut depth = 0;
        for (end, start) in spans {
            if start > free {
                depth += 1;
                free = end;
            }
        }
        depth
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn requests_at_the_same_time_are_one_round_trip() {
        let mut log = Log::default();
        let first = log.start("GET", "/1");
        log.end(first);
        let (second, third) = (log.start("GET", "/2"), log.start("GET", "/3"));
        log.end(third);
        let fourth = log.start("GET", "/4");
        log.end(second);
        log.end(fourth);
        assert_eq!(log.depth(), 3, "1, 3, 4");
    }
}
