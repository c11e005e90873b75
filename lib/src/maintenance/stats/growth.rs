//! Pure: how a repository grew, as the push log tells it.

use crate::format::manifest::{LogEntry, PackEntry};

const DAY: i64 = 86_400;

/// So many days are told at most: ten years.
const MAX_DAYS: usize = 3660;

/// How a repository grew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Growth {
    /// Bytes of the packs of a clone before the first day.
    pub before: u64,
    /// Each day, without a gap, up to the one that is now.
    pub days: Vec<Day>,
}

/// One day, by UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Its midnight, in seconds since 1970.
    pub start: i64,
    /// Pushes of that day, by the clocks of those who pushed.
    pub pushes: u64,
    /// Bytes of the packs of a clone at its end. What was merged since is counted as if each
    /// of its generations had brought the same.
    pub bytes: u64,
}

impl Growth {
    /// Pushes of all days.
    pub fn pushes(&self) -> u64 {
        self.days.iter().map(|day| day.pushes).sum()
    }

    /// Bytes that came in these days.
    pub fn bytes(&self) -> u64 {
        let last = self.days.last().map_or(self.before, |day| day.bytes);
        last.saturating_sub(self.before)
    }
}

/// The days since `since`, or since the first entry of the log if that is later. The clocks
/// of writers differ: time that goes back stands still here.
pub(super) fn growth(entries: &[LogEntry], clone: &[PackEntry], since: i64, now: i64) -> Growth {
    let Some(first) = entries.first() else {
        return Growth::default();
    };
    let midnight = |time: i64| time.div_euclid(DAY).saturating_mul(DAY);
    let today = midnight(now);
    let longest = today.saturating_sub((MAX_DAYS as i64 - 1) * DAY);
    let start = midnight(since.max(first.time).max(longest)).min(today);
    let mut days = Vec::new();
    let mut day = Day {
        start,
        pushes: 0,
        bytes: bytes_at(clone, first.generation - 1),
    };
    let mut before = day.bytes;
    let mut at = start;
    for entry in entries {
        if entry.time >= start {
            at = at.max(midnight(entry.time).min(today));
        }
        while day.start < at {
            days.push(day);
            day = Day {
                start: day.start + DAY,
                pushes: 0,
                bytes: day.bytes,
            };
        }
        day.bytes = bytes_at(clone, entry.generation);
        if entry.time < start {
            before = day.bytes;
        } else if entry.what == "push" {
            day.pushes += 1;
        }
    }
    loop {
        let next = day.start + DAY;
        days.push(day);
        if next > today {
            return Growth { before, days };
        }
        day = Day {
            start: next,
            pushes: 0,
            bytes: day.bytes,
        };
    }
}

/// Bytes of the packs of a clone at a generation.
fn bytes_at(clone: &[PackEntry], generation: u64) -> u64 {
    let part = |pack: &PackEntry| {
        let covers = u128::from(pack.to.saturating_sub(pack.from).max(1));
        let come = generation.clamp(pack.from, pack.to.max(pack.from)) - pack.from;
        let bytes = u128::from(pack.size) * u128::from(come) / covers;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    };
    clone.iter().map(part).fold(0, u64::saturating_add)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::format::manifest::{Holds, PackSource};
    use serde_json::Map;

    pub(in crate::maintenance::stats) fn pack(from: u64, to: u64, size: u64) -> PackEntry {
        PackEntry {
            name: format!("{from:020}{to:020}"),
            size,
            index: None,
            objects: 1,
            from,
            to,
            holds: Holds::All,
            source: PackSource::Push,
            unknown: Map::new(),
        }
    }

    pub(in crate::maintenance::stats) fn entry(generation: u64, time: i64, what: &str) -> LogEntry {
        LogEntry {
            generation,
            time,
            who: String::new(),
            what: what.to_owned(),
            write_id: String::new(),
            moves: Vec::new(),
            moves_file: None,
            options: Vec::new(),
            unknown: Map::new(),
        }
    }

    fn told(growth: &Growth) -> Vec<(i64, u64, u64)> {
        let days = growth.days.iter();
        days.map(|day| (day.start / DAY, day.pushes, day.bytes))
            .collect()
    }

    #[test]
    fn days_follow_one_another_and_carry_what_was_there() {
        let entries = [
            entry(1, 10 * DAY + 5, "init"),
            entry(2, 10 * DAY + 6, "push"),
            entry(3, 13 * DAY, "push"),
            entry(4, 13 * DAY + 9, "merge"),
        ];
        // Generations 2 and 3 were merged: half of the bytes each.
        let packs = [pack(1, 3, 100)];
        let growth = growth(&entries, &packs, 0, 14 * DAY + 1);
        assert_eq!(
            told(&growth),
            [
                (10, 1, 50),
                (11, 0, 50),
                (12, 0, 50),
                (13, 1, 100),
                (14, 0, 100)
            ]
        );
        assert_eq!(
            (growth.before, growth.bytes(), growth.pushes()),
            (0, 100, 2)
        );
    }

    #[test]
    fn what_came_before_the_first_day_is_no_growth() {
        let entries = [entry(1, DAY, "push"), entry(2, 9 * DAY, "push")];
        let packs = [pack(0, 1, 70), pack(1, 2, 30)];
        let growth = growth(&entries, &packs, 8 * DAY + 17, 9 * DAY + 1);
        assert_eq!(told(&growth), [(8, 0, 70), (9, 1, 100)]);
        assert_eq!(
            (growth.before, growth.bytes(), growth.pushes()),
            (70, 30, 1)
        );
    }

    #[test]
    fn a_log_that_was_cut_begins_with_what_was_there() {
        let entries = [entry(5, 3 * DAY, "push")];
        let growth = growth(&entries, &[pack(0, 5, 500)], 0, 3 * DAY);
        assert_eq!(told(&growth), [(3, 1, 500)]);
        assert_eq!((growth.before, growth.bytes()), (400, 100));
    }

    #[test]
    fn clocks_that_are_wrong_make_neither_gaps_nor_years() {
        let entries = [
            entry(1, 5 * DAY, "push"),
            entry(2, i64::MAX, "push"),
            entry(3, i64::MIN, "push"),
            entry(4, 5 * DAY, "push"),
        ];
        let packs = [pack(0, 4, 400)];
        let of = |entries: &[LogEntry]| growth(entries, &packs, 0, 6 * DAY);
        assert_eq!(told(&of(&entries)).len(), 2);
        assert_eq!(of(&entries).days.last().map(|day| day.bytes), Some(400));
        let long = growth(&entries[..1], &packs, i64::MIN, 100_000 * DAY);
        assert_eq!(long.days.len(), MAX_DAYS);
        assert_eq!(of(&[]), Growth::default());
    }
}
