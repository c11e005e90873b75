//! A plot as SVG: packs, the manifest and the bucket over the pushes.

use crate::Sample;
use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 90.0;

type Line = (&'static str, fn(&Sample) -> f64);

/// One panel each, over the same pushes.
const LINES: [Line; 3] = [
    ("packs in the manifest", |sample| sample.packs as f64),
    ("manifest, KiB", |sample| sample.manifest as f64 / 1024.0),
    ("bucket, MiB", |sample| sample.stored as f64 / 1_048_576.0),
];

pub(crate) fn draw(samples: &[Sample]) -> String {
    let height = (HEIGHT + 50.0) * LINES.len() as f64 + 20.0;
    let width = LEFT + WIDTH + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let most = samples
        .iter()
        .map(|sample| sample.push)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    for (nth, (title, value)) in LINES.iter().enumerate() {
        let top = 30.0 + (HEIGHT + 50.0) * nth as f64;
        let high = samples.iter().map(value).fold(1.0, f64::max);
        let x = |push: usize| LEFT + push as f64 / most * WIDTH;
        let y = |value: f64| top + HEIGHT - value / high * HEIGHT;
        let points: Vec<String> = samples
            .iter()
            .map(|sample| format!("{:.1},{:.1}", x(sample.push), y(value(sample))))
            .collect();
        let bottom = top + HEIGHT;
        let _ = write!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\">{title}</text>\n\
             <path d=\"M{LEFT} {top} V{bottom} H{}\" fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{high:.0}</text>\n\
             <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most} pushes</text>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#1a5fb4\" stroke-width=\"1.5\"/>\n",
            top - 8.0,
            LEFT + WIDTH,
            LEFT - 6.0,
            top + 10.0,
            LEFT - 6.0,
            LEFT + WIDTH,
            bottom + 16.0,
            points.join(" ")
        );
    }
    svg.push_str("</svg>\n");
    svg
}
