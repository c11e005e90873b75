//! What went over the wire.

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// Its headers, as they were sent, a line each.
    pub headers: String,
    /// The status that the client was told; none if it was told nothing.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body that were passed on.
    pub received: u64,
    /// Whether a rule was applied to it.
    pub faulty: bool,
    /// The connection that it came on: its number, from 1.
    pub connection: u64,
    /// Whether it was the first on that connection.
    pub first: bool,
    /// Place of its start and its end among all starts and ends.
    span: (u64, Option<u64>),
}

impl Record {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// All requests so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: Vec<Record>,
    moments: u64,
    connections: u64,
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

    /// The number of a new connection.
    pub(super) fn connect(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// Writes down that a request came; returns its number.
    pub(super) fn start(
        &mut self,
        connection: u64,
        first: bool,
        method: &str,
        path: &str,
    ) -> usize {
        self.moments += 1;
        self.records.push(Record {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: String::new(),
            status: None,
            sent: 0,
            received: 0,
            faulty: false,
            connection,
            first,
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

    /// Most requests that follow each other without overlap.
    pub(super) fn depth(&self) -> usize {
        usize::try_from(self.heaviest(|_| 1)).unwrap_or(usize::MAX)
    }

    /// The heaviest run of requests of which each began after the one before had ended: one
    /// round trip each, and two more for a connection that had to be made (TCP and TLS).
    pub(super) fn round_trips(&self) -> u64 {
        self.heaviest(|record| if record.first { 3 } else { 1 })
    }

    fn heaviest(&self, weight: impl Fn(&Record) -> u64) -> u64 {
        // The end of each record so far, and the heaviest run that ends with it.
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut most = 0;
        // The records stand in the order of their starts.
        for record in &self.records {
            let (start, end) = record.span;
            let before = runs.iter().filter(|(end, _)| *end < start);
            let run = before.map(|(_, run)| *run).max().unwrap_or(0) + weight(record);
            runs.push((end.unwrap_or(u64::MAX), run));
            most = most.max(run);
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn requests_at_the_same_time_are_one_round_trip() {
        let mut log = Log::default();
        let first = log.start(1, true, "GET", "/1");
        log.end(first);
        let second = log.start(1, false, "GET", "/2");
        let third = log.start(2, true, "GET", "/3");
        log.end(third);
        let fourth = log.start(2, false, "GET", "/4");
        log.end(second);
        log.end(fourth);
        assert_eq!(log.depth(), 3, "1, 3, 4");
        assert_eq!(log.round_trips(), 3 + 3 + 1, "1, 3, 4");
    }

    #[test]
    fn the_heaviest_run_is_not_always_the_longest() {
        let mut log = Log::default();
        let lone = log.start(1, true, "GET", "/1");
        let first = log.start(2, false, "GET", "/2");
        log.end(first);
        let second = log.start(2, false, "GET", "/3");
        log.end(second);
        log.end(lone);
        assert_eq!(log.depth(), 2, "2, 3");
        assert_eq!(log.round_trips(), 3, "1");
    }
}
