//! `git pail reference`: pages of `docs/reference/`, printed from the tables.

mod pages;

use super::stop::{Stop, show};

/// Print a page of the reference as Markdown
///
/// The files of docs/reference are what this prints; a test compares them.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The page
    #[arg(value_parser = ["commands", "environment", "configuration", "options", "settings", "annex", "exit-codes"])]
    page: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<(), Stop> {
    let text = match args.page.as_deref() {
        Some("commands") => pages::commands(),
        Some("environment") => pages::environment(),
        Some("configuration") => pages::configuration(),
        Some("settings") => pages::settings(),
        Some("options") => pages::options(),
        Some("annex") => pages::annex(),
        Some("exit-codes") => pages::exit_codes(),
        _ => [
            pages::commands(),
            pages::environment(),
            pages::configuration(),
            pages::settings(),
            pages::options(),
            pages::annex(),
            pages::exit_codes(),
        ]
        .join("\n"),
    };
    show(text.as_bytes())
}
