//! The man page of `git-annex-remote-pail`, from the table of its parameters.

use crate::multicall::ANNEX_AGENT;
use clap_mangen::roff::{Roff, bold, italic, roman};
use pail::large_files::annex::{PARAMETERS, Parameter};

/// The name of its file.
pub(super) const FILE: &str = "git-annex-remote-pail.1";

const EXAMPLES: [(&str, &str); 5] = [
    (
        "git annex initremote cloud type=external externaltype=pail encryption=none url=s3://bucket/project",
        "keep content beside the repository that is pushed to the same URL",
    ),
    (
        "git annex initremote cloud type=external externaltype=pail encryption=shared chunk=100MiB bucket=name region=eu-west-1",
        "with the parameters of git-annex's own S3 remote",
    ),
    (
        "git annex initremote ours --sameas=theirs type=external externaltype=pail bucket=name",
        "use the bucket of a remote of the type S3",
    ),
    (
        "git annex initremote site type=external externaltype=pail encryption=none exporttree=yes url=gs://bucket/site",
        "put a tree of files there: git annex export main --to site",
    ),
    ("git annex enableremote cloud", "in another clone"),
];

/// The parameters that are ours, in the order of the table.
pub(super) fn parameters() -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(|parameter| parameter.ours)
}

/// The page, as roff.
pub(super) fn text() -> String {
    let mut page = Roff::new();
    let source = concat!("git-pail ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [ANNEX_AGENT, "1", "", source, "git-pail"]);
    page.control("SH", ["NAME"]);
    let what = format!("{ANNEX_AGENT} - any object store as a special remote of git-annex");
    page.text([roman(what)]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([
        bold("git annex initremote"),
        roman(" "),
        italic("name"),
        roman(" "),
        bold("type=external externaltype=pail encryption="),
        italic("kind"),
        roman(" "),
        bold("url="),
        italic("url"),
        roman(" ["),
        italic("parameter"),
        bold("="),
        italic("value"),
        roman(" ...]"),
    ]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "git-annex runs this program by itself and speaks the external special remote protocol \
         with it; git pail install puts it on PATH. Credentials are found as for git's own \
         remotes. Objects have the names that git-annex's own S3 remote gives them.",
    )]);
    page.control("SH", ["PARAMETERS"]);
    page.text([roman(
        "Beside those that git-annex itself reads, such as encryption, chunk, exporttree and \
         autoenable:",
    )]);
    for parameter in parameters() {
        page.control("TP", []);
        page.text([bold(format!("{}=", parameter.name))]);
        page.text([roman(parameter.help)]);
    }
    page.control("SH", ["EXAMPLES"]);
    for (line, what) in EXAMPLES {
        page.control("TP", []);
        page.text([bold(line)]);
        page.text([roman(what)]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("git-pail(1), git-annex(1)")]);
    page.to_roff()
}
