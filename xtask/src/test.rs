//! `cargo xtask test`: every check and every test, in the order that fails fastest.

use crate::check;
use crate::nextest;
use crate::process;
use crate::services::{self, Services};
use crate::steps::Steps;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    no_lint: bool,
    full: bool,
    filters: Vec<String>,
}

impl Options {
    /// Reads the words after `test`.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--no-lint" => options.no_lint = true,
                "--full" => options.full = true,
                "--" => options.filters = words.by_ref().map(|word| (*word).to_owned()).collect(),
                _ => {
                    return Err(format!(
                        "cannot run the tests with `{word}`: no such option; \
                         what is meant for nextest comes after `--`"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Runs what is asked for; prints the time of each step, and nextest's closing lines last.
pub fn run(options: &Options) -> Result<(), String> {
    let mut steps = Steps::default();
    let mut closing = Vec::new();
    let result = take(options, &mut steps, &mut closing);
    steps.print();
    if !closing.is_empty() {
        eprintln!("\n{}", closing.join("\n"));
    }
    result
}

fn take(options: &Options, steps: &mut Steps, closing: &mut Vec<String>) -> Result<(), String> {
    let everything = options.filters.is_empty();
    if everything && !options.no_lint {
        check::take(steps, options.full)?;
    }
    steps.take("tools", || {
        nextest::install()?;
        services::install()
    })?;
    if everything {
        steps.take("build", || {
            process::run(&mut process::cargo(&["build", "--package", "git-pail"]))
        })?;
    }
    let mut services = steps.take("services", Services::start)?;
    steps.take("tests", || {
        nextest::run(&services, &options.filters, closing)?;
        services.still_there()
    })?;
    if everything {
        steps.take("doc tests", || {
            let mut command = process::cargo(&["test", "--doc", "--package", "pail"]);
            services.show_to(&mut command);
            process::run(&mut command)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn words_after_two_dashes_go_to_nextest() {
        let options = Options {
            no_lint: true,
            filters: vec!["push".to_owned(), "--full".to_owned()],
            ..Options::default()
        };
        let words = ["--no-lint", "--", "push", "--full"];
        assert_eq!(Options::parse(&words), Ok(options));
    }

    #[test]
    fn a_filter_without_two_dashes_is_refused() {
        assert!(Options::parse(&["push"]).is_err());
    }
}
