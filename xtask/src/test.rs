//! `cargo xtask test`: every check and every test, in the order that fails fastest.

use crate::check;
use crate::nextest;
use crate::process;
use crate::programs::{self, Need};
use crate::services::{Cast, Services};
use crate::steps::Steps;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    no_lint: bool,
    full: bool,
    /// The S3 server of another make that the run is on.
    s3: Option<String>,
    /// Whether the run is on the services of the long tail.
    long_tail: bool,
    /// Whether the run is that of git-annex's own tests, on every store.
    annex: bool,
    filters: Vec<String>,
}

/// The tests that a run on another S3 server is made of: those that speak to the S3 server
/// and take it as it is.
const ON_S3: &str = "test(/on_s3::|it::s3::/)";

/// The tests of the run on the long tail, which needs a build of its own.
const ON_LONG_TAIL: [&str; 8] = [
    "--package",
    "pail",
    "--package",
    "git-pail",
    "--features",
    "git-pail/long-tail",
    "-E",
    "test(/long_tail/)",
];

/// The run of git-annex's own tests: what the usual run has in short, and the rest.
const WHOLE_ANNEX: [&str; 7] = [
    "--package",
    "git-pail",
    "--run-ignored",
    "all",
    "-E",
    "test(/it::annex::/)",
    "--no-capture",
];

impl Options {
    /// Reads the words after `test`.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--no-lint" => options.no_lint = true,
                "--full" => options.full = true,
                "--long-tail" => options.long_tail = true,
                "--annex" => options.annex = true,
                "--s3" => {
                    let name = words.next().ok_or("--s3 needs the name of a server")?;
                    options.s3 = Some((*name).to_owned());
                }
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
    let mut filters = options.filters.clone();
    let mut cast = Cast::USUAL;
    if let Some(name) = &options.s3 {
        cast = Cast::other_s3(name)?;
        if filters.is_empty() {
            let filter = format!("{ON_S3} - ({})", cast.left_out());
            filters = vec!["-E".to_owned(), filter];
        }
    }
    if options.long_tail {
        cast = Cast::LONG_TAIL;
        filters.splice(0..0, ON_LONG_TAIL.map(str::to_owned));
    }
    let mut need = Need::Usual;
    if options.annex {
        need = Need::Old;
        if filters.is_empty() {
            filters = WHOLE_ANNEX.map(str::to_owned).to_vec();
        }
    }
    let everything = filters.is_empty();
    if everything && !options.no_lint {
        check::take(steps, options.full)?;
    }
    steps.take("tools", || {
        nextest::install()?;
        programs::install(need)?;
        cast.install()
    })?;
    if everything {
        steps.take("build", || {
            process::run(&mut process::cargo(&["build", "--package", "git-pail"]))
        })?;
    }
    let mut services = steps.take("services", || Services::start(cast))?;
    steps.take("tests", || {
        nextest::run(&services, &filters, closing)?;
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
