//! The table between two comments of a Markdown page, and what is compared with it.

use std::fmt::Write as _;
use std::path::Path;
use testkit::wire_proxy::Record;

const BEGIN: &str = "<!-- requests:begin -->\n";
const END: &str = "<!-- requests:end -->\n";

/// What S3 prices apart, and how: ten-thousandths of a dollar for 1,000 requests.
const PRICES: [(&str, u64); 6] = [
    ("LIST", 50),
    ("GET", 4),
    ("HEAD", 4),
    ("PUT", 50),
    ("POST", 50),
    ("DELETE", 0),
];

/// What an operation cost.
#[derive(Debug, Default)]
pub(super) struct Cost {
    by: [u64; PRICES.len()],
    pub(super) round_trips: u64,
    pub(super) up: u64,
    pub(super) down: u64,
}

impl Cost {
    /// Requests by kind, and their bytes.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut cost = Self::default();
        for record in records {
            let list = record.method == "GET" && record.path.contains("list-type=");
            let kind = if list { "LIST" } else { &record.method };
            let at = PRICES.iter().position(|(name, _)| *name == kind);
            cost.by[at.unwrap_or_else(|| panic!("{kind} has no price"))] += 1;
            cost.up += record.sent;
            cost.down += record.received;
        }
        cost
    }

    fn requests(&self) -> u64 {
        self.by.iter().sum()
    }

    /// Holds it to its bounds.
    #[track_caller]
    pub(super) fn within(&self, requests: u64, round_trips: u64) {
        let kept = self.requests() <= requests && self.round_trips <= round_trips;
        assert!(kept, "{requests} and {round_trips} are allowed: {self:?}");
    }
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// What must be as measured.
    exact: [String; 4],
    /// What may differ somewhat: deflate and salt are not the same everywhere.
    bytes: [u64; 2],
}

impl Row {
    pub(super) fn new(operation: &str, cost: &Cost) -> Self {
        let kinds = PRICES.iter().zip(cost.by).filter(|(_, count)| *count > 0);
        let kinds: Vec<_> = kinds
            .map(|((name, _), count)| format!("{count} {name}"))
            .collect();
        let price: u64 = PRICES
            .iter()
            .zip(cost.by)
            .map(|((_, one), n)| one * n)
            .sum();
        Self {
            exact: [
                operation.to_owned(),
                kinds.join(", "),
                cost.round_trips.to_string(),
                format!("{}.{:04}", price / 10_000, price % 10_000),
            ],
            bytes: [cost.up, cost.down],
        }
    }

    fn line(&self) -> String {
        let bytes = self.bytes.map(human);
        format!("| {} | {} |", self.exact.join(" | "), bytes.join(" | "))
    }

    fn agrees(&self, line: &str) -> bool {
        let line = line.trim_matches('|');
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let Some((exact, bytes)) = cells.split_at_checked(self.exact.len()) else {
            return false;
        };
        let near = |(shown, is): (&&str, &u64)| {
            count(shown).is_some_and(|shown| shown.abs_diff(*is) <= 16 + is / 10)
        };
        exact == self.exact
            && bytes.len() == self.bytes.len()
            && bytes.iter().zip(&self.bytes).all(near)
    }
}

const UNITS: [(&str, u64); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Two or three digits and a unit.
fn human(bytes: u64) -> String {
    let (unit, size) = UNITS
        .into_iter()
        .find(|(_, size)| bytes >= *size)
        .unwrap_or(("B", 1));
    let tenths = (bytes * 10 + size / 2) / size;
    if size == 1 || tenths >= 100 {
        format!("{} {unit}", (bytes + size / 2) / size)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

fn count(shown: &str) -> Option<u64> {
    let (number, unit) = shown.split_once(' ')?;
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let (whole, tenths): (u64, u64) = (whole.parse().ok()?, tenths.parse().ok()?);
    Some(whole * size + tenths * size / 10)
}

/// Compares the table of a page with what was measured, or writes it anew.
pub(super) fn settle(page: &Path, rows: &[Row]) {
    let text = std::fs::read_to_string(page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (table, after) = rest.split_once(END).expect("the table ends");
    let shown: Vec<_> = table.lines().skip(2).collect();
    let mut new = String::from(
        "| operation | requests | round trips | dollars per 1,000 | bytes up | bytes down |\n\
         |---|---|---|---|---|---|\n",
    );
    let mut wrong = String::new();
    for row in rows {
        // A line that agrees stays as it is: bytes are a little different each time.
        let kept = shown.iter().find(|line| row.agrees(line));
        let line = kept.map_or_else(|| row.line(), |line| (*line).to_owned());
        if kept.is_none() {
            let _ = writeln!(wrong, "{line}");
        }
        let _ = writeln!(new, "{line}");
    }
    if git_pail::env::read("PAIL_UPDATE").is_some() {
        std::fs::write(page, format!("{before}{BEGIN}{new}{END}{after}")).unwrap();
        return;
    }
    assert!(
        new == table,
        "the table of docs/costs.md is old; PAIL_UPDATE=1 writes it anew; measured otherwise:\n{wrong}"
    );
}
