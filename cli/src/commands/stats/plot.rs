//! Pure: the picture of `git pail stats`, as SVG.

use super::{cost, date, money};
use crate::ui::bytes::human;
use crate::ui::count::count;
use pail::maintenance::stats::{Day, Kind, Prices, Stats, Tally};
use std::fmt::Write;

/// The size of the picture, and where its three parts lie.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 870.0;
const BAR: (f64, f64) = (64.0, 28.0);
const LINE: (f64, f64) = (210.0, 360.0);
const PUSHES: (f64, f64) = (420.0, 500.0);

/// Kinds of less than this part of the whole have no colour of their own in the bar.
const SMALL: f64 = 0.005;

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Packs => "#2f6db5",
        Kind::Beside => "#8db4e2",
        Kind::Indexes => "#5b8f3a",
        Kind::Tables => "#9dc183",
        Kind::Log => "#c9a227",
        Kind::Manifest => "#7f6000",
        Kind::Lfs => "#7b4ea3",
        Kind::Condemned => "#d98c5f",
        Kind::Leftovers => "#b5432f",
        Kind::Unfinished => "#e0a0a0",
        Kind::Published => "#4fa3a5",
        Kind::Other => "#888888",
    }
}

/// Draws what lies in the bucket, how the packs grew, and the pushes of each day.
pub(super) fn svg(url: &str, stats: &Stats, prices: Option<&Prices>) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\" \
         fill=\"#222222\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n",
        title = escape(url)
    );
    text(&mut out, (30.0, 28.0), "start", 15, url);
    let mut line = format!("{} in the bucket", human(stats.total().bytes));
    if let Some(prices) = prices {
        let cost = cost(stats, prices);
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "; ${} a month at the list prices of {} ({})",
            money(cost.storage + cost.requests),
            prices.service,
            prices.date
        );
    }
    text(&mut out, (30.0, 48.0), "start", 12, &line);
    kinds(&mut out, stats);
    let days = &stats.growth.days;
    grown(&mut out, stats.growth.before, days);
    pushes(&mut out, days);
    out.push_str("</svg>\n");
    out
}

/// One bar, a piece for each kind, and what the pieces are.
fn kinds(out: &mut String, stats: &Stats) {
    let all = stats.total().bytes.max(1) as f64;
    let mut at = 30.0;
    for (kind, tally) in &stats.kinds {
        let width = tally.bytes as f64 / all * (RIGHT - 30.0);
        if tally.bytes as f64 / all >= SMALL {
            rect(out, (at, BAR.0), (width, BAR.1), colour(*kind));
        }
        at += width;
    }
    for (number, (kind, Tally { files, bytes })) in stats.kinds.iter().enumerate() {
        let (column, row) = ((number % 4) as f64, (number / 4) as f64);
        let (x, y) = (30.0 + column * 212.0, BAR.0 + BAR.1 + 12.0 + row * 20.0);
        rect(out, (x, y), (11.0, 11.0), colour(*kind));
        let line = format!(
            "{}: {}, {}",
            kind.name(),
            human(*bytes),
            count(*files, "file")
        );
        text(out, (x + 16.0, y + 10.0), "start", 11, &line);
    }
}

/// The bytes of a clone at the end of each day, as steps.
fn grown(out: &mut String, before: u64, days: &[Day]) {
    let (top, bottom) = LINE;
    let most = days.iter().map(|day| day.bytes).max().unwrap_or(0);
    let scale = Scale::of(most, &[1, 4, 16, 64, 256]);
    text(out, (30.0, top - 14.0), "start", 13, "packs of a clone");
    axis(out, LINE, &scale, human);
    let width = (RIGHT - LEFT) / days.len().max(1) as f64;
    let height = |bytes: u64| bottom - scale.part(bytes) * (bottom - top);
    let mut path = format!("M{LEFT:.1},{:.1}", height(before));
    for (number, day) in days.iter().enumerate() {
        let _ = write!(path, "V{:.1}", height(day.bytes));
        let _ = write!(path, "H{:.1}", LEFT + width * (number + 1) as f64);
    }
    let area = format!("{path}V{bottom:.1}H{LEFT:.1}Z");
    let _ = writeln!(
        out,
        "<path d=\"{area}\" fill=\"#2f6db5\" opacity=\"0.18\"/>"
    );
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#2f6db5\" stroke-width=\"2\"/>"
    );
}

/// A bar for the pushes of each day, and the dates below.
fn pushes(out: &mut String, days: &[Day]) {
    let (top, bottom) = PUSHES;
    let most = days.iter().map(|day| day.pushes).max().unwrap_or(0);
    let scale = Scale::of(most, &[1, 2, 5, 10, 20, 50, 100, 200, 500]);
    text(out, (30.0, top - 14.0), "start", 13, "pushes a day");
    axis(out, PUSHES, &scale, |count| count.to_string());
    let width = (RIGHT - LEFT) / days.len().max(1) as f64;
    for (number, day) in days.iter().enumerate().filter(|(_, day)| day.pushes > 0) {
        let height = scale.part(day.pushes) * (bottom - top);
        let (x, y) = (LEFT + width * number as f64, bottom - height);
        let bar = (width * 0.9).max(width - 1.0);
        rect(out, (x, y), (bar, height), "#5b8f3a");
    }
    let last = days.len().saturating_sub(1);
    let mut marks = vec![0, last / 2, last];
    marks.dedup();
    for number in marks {
        let Some(day) = days.get(number) else {
            continue;
        };
        let x = LEFT + width * (number as f64 + 0.5);
        let anchor = match number {
            _ if last == 0 => "middle",
            0 => "start",
            _ if number == last => "end",
            _ => "middle",
        };
        text(out, (x, bottom + 20.0), anchor, 11, &date(day.start));
    }
}

/// From nothing up to a round number.
struct Scale {
    step: u64,
    steps: u64,
}

impl Scale {
    /// At most five steps of a round size that reach `most`; the sizes repeat a thousandfold.
    fn of(most: u64, sizes: &[u64]) -> Self {
        let unit = if sizes.contains(&256) { 1024 } else { 1000 };
        let mut power = 1_u64;
        loop {
            for size in sizes {
                let step = size.saturating_mul(power);
                let steps = most.div_ceil(step).max(1);
                if steps <= 5 {
                    return Self { step, steps };
                }
            }
            power = power.saturating_mul(unit);
        }
    }

    fn part(&self, value: u64) -> f64 {
        value as f64 / (self.step as f64 * self.steps as f64)
    }
}

/// The lines behind a plot, with their numbers.
fn axis(out: &mut String, (top, bottom): (f64, f64), scale: &Scale, shown: fn(u64) -> String) {
    for number in 0..=scale.steps {
        let value = scale.step.saturating_mul(number);
        let y = bottom - scale.part(value) * (bottom - top);
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT},{y:.1}H{RIGHT}\" stroke=\"#dddddd\" stroke-width=\"1\"/>"
        );
        text(out, (LEFT - 6.0, y + 4.0), "end", 11, &shown(value));
    }
}

fn rect(out: &mut String, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, size: u32, line: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>",
        escape(line)
    );
}

/// Text as it may stand in XML; what may not stand there at all becomes a question mark.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_reaches_what_it_must_in_a_few_round_steps() {
        let bytes = |most| {
            let scale = Scale::of(most, &[1, 4, 16, 64, 256]);
            (human(scale.step), scale.steps)
        };
        assert_eq!(bytes(0), ("1 byte".to_owned(), 1));
        assert_eq!(bytes(3000), ("1.00 KiB".to_owned(), 3));
        assert_eq!(bytes(5 << 20), ("1.00 MiB".to_owned(), 5));
        assert_eq!(bytes((5 << 20) + 1), ("4.00 MiB".to_owned(), 2));
        let ten = Scale::of(11, &[1, 2, 5, 10]);
        assert_eq!((ten.step, ten.steps), (5, 3));
        assert!((ten.part(15) - 1.0).abs() < 1e-9);
        assert_eq!(bytes(u64::MAX).1, 4);
    }

    #[test]
    fn nothing_breaks_out_of_the_text() {
        assert_eq!(
            escape("<a b=\"&\">\u{1b}"),
            "&lt;a b=&quot;&amp;&quot;&gt;?"
        );
    }
}
