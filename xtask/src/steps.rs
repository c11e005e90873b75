//! Named steps in order, each with its time.

use std::time::{Duration, Instant};

/// The steps that were taken so far.
#[derive(Debug, Default)]
pub struct Steps {
    taken: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Takes one step and says how long it took, or which one failed.
    pub fn take<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = step();
        let took = start.elapsed();
        self.taken.push((name, took));
        let word = if result.is_ok() { "done" } else { "FAILED" };
        eprintln!("== {name}: {word} after {:.1} s", took.as_secs_f64());
        result.map_err(|error| format!("{name}: {error}"))
    }

    /// Prints the times of all steps.
    pub fn print(&self) {
        eprintln!();
        for (name, took) in &self.taken {
            eprintln!("{:>8.1} s  {name}", took.as_secs_f64());
        }
        let all: Duration = self.taken.iter().map(|(_, took)| *took).sum();
        eprintln!("{:>8.1} s  in all", all.as_secs_f64());
    }
}
