//! The pages, each from its table.

use super::super::{annex_page, examples, tree};
use crate::{config, env, exit, multicall};
use clap::{Arg, Command};
use pail::format::settings::{self, Kind};
use pail::store::options;
use std::fmt::Write;

const NOTE: &str = "<!-- Printed by `git pail reference`; a test compares. Do not edit. -->\n";

/// Every command with its arguments.
pub(super) fn commands() -> String {
    let mut root = tree();
    root.build();
    let mut out = format!("# Commands\n\n{NOTE}\n");
    push(&mut out, &about(&root));
    examples(&mut out, examples::TOP);
    for command in root.get_subcommands().filter(|one| !one.is_hide_set()) {
        let name = command.get_name();
        one(&mut out, &format!("## git pail {name}"), command);
        for inner in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            let title = format!("### git pail {name} {}", inner.get_name());
            one(&mut out, &title, inner);
        }
        examples(&mut out, examples::of(name));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A command without its examples.
fn one(out: &mut String, title: &str, command: &Command) {
    let mut usage = command.clone();
    let usage = usage.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    push(out, title);
    push(out, &format!("```text\n{usage}\n```"));
    push(out, &about(command));
    let args: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    if !args.is_empty() {
        let rows = args.iter().map(|arg| vec![spelling(arg), meaning(arg)]);
        table(out, &["argument", "meaning"], rows);
    }
}

/// Every environment variable.
pub(super) fn environment() -> String {
    let mut out = format!("# Environment\n\n{NOTE}\n");
    push(
        &mut out,
        "What `git-pail` reads itself. The variables of each cloud's own tools, and git's, are read as well; see the pages of the stores.",
    );
    let rows = env::ALL
        .iter()
        .map(|one| vec![code(one.name), one.help.to_owned()]);
    table(&mut out, &["variable", "what it does"], rows);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every option of stores.
pub(super) fn options() -> String {
    let mut out = format!("# Options of stores\n\n{NOTE}\n");
    push(
        &mut out,
        "An option can be said in four places, of which the first wins: the query of the URL, git's configuration of the remote, the environment, git's configuration for all remotes. Case, hyphens and underscores of its name make no difference.",
    );
    push(
        &mut out,
        "```text\ns3://bucket/prefix?storage-class=STANDARD_IA\ngit config remote.origin.pail-storage-class STANDARD_IA\nexport PAIL_STORAGE_CLASS=STANDARD_IA\ngit config --global pail.storageClass STANDARD_IA\n```",
    );
    push(
        &mut out,
        "A name that is no option is an error, and so is one in the first two places that the service does not take. In the last two places it passes by such a service. A folder has no options in its URL.",
    );
    let rows = options::ALL.iter().map(|spec| {
        let services: Vec<_> = spec.services.iter().map(ToString::to_string).collect();
        vec![
            code(spec.name),
            spec.value.to_owned(),
            services.join(", "),
            format!("{}.", spec.help),
        ]
    });
    table(&mut out, &["option", "value", "for", "what it does"], rows);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every git config key.
pub(super) fn configuration() -> String {
    let mut out = format!("# Configuration\n\n{NOTE}\n");
    push(
        &mut out,
        "Keys of git's own configuration (`git config`) that the remote helper reads.",
    );
    let rows = config::ALL.iter().map(|key| {
        vec![
            code(key.name),
            key.kind.to_owned(),
            key.default.to_owned(),
            format!("{}.", key.help),
        ]
    });
    table(&mut out, &["key", "value", "default", "what it does"], rows);
    let keys: Vec<_> = multicall::SCHEMES
        .iter()
        .map(|scheme| code(&config::protocol_allow(scheme)))
        .collect();
    push(
        &mut out,
        &format!(
            "Git itself reads {}. Unless one of them is `always`, git refuses submodules whose URL has that scheme. `git pail install --allow-submodules` sets them, `git pail uninstall` unsets them.",
            keys.join(", ")
        ),
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every setting of a repository.
pub(super) fn settings() -> String {
    let mut out = format!("# Settings of a repository\n\n{NOTE}\n");
    push(
        &mut out,
        "What `git pail config` shows and changes. These settings are kept in the repository, in its manifest, so they hold for everybody who uses it. A pattern is the full name of a ref in which \\* stands for any letters, slashes too, and ? for one. A time is written as a number with w, d, h, m or s.",
    );
    let rows = settings::ALL.iter().map(|one| {
        let kind = match one.kind {
            Kind::Patterns => "patterns of refs",
            Kind::Time => "time",
            Kind::Switch => "switch",
        };
        let help = format!("{}.", one.help);
        vec![
            code(one.name),
            kind.to_owned(),
            one.default.to_owned(),
            help,
        ]
    });
    table(
        &mut out,
        &["setting", "value", "default", "what it does"],
        rows,
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every parameter of the special remote.
pub(super) fn annex() -> String {
    let mut out = format!("# Parameters of the special remote\n\n{NOTE}\n");
    push(
        &mut out,
        "What `git annex initremote` and `enableremote` take for `type=external externaltype=pail`, beside what git-annex itself reads (`encryption`, `chunk`, `exporttree`, `importtree`, `annexobjects`, `autoenable` and the rest). `man git-annex-remote-pail` has the same.",
    );
    let rows = annex_page::parameters().map(|one| {
        let help = format!("{}.", one.help);
        vec![code(&format!("{}=", one.name)), help]
    });
    table(&mut out, &["parameter", "what it is"], rows);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every exit code.
pub(super) fn exit_codes() -> String {
    let mut out = format!("# Exit codes\n\n{NOTE}\n");
    let rows = exit::ALL
        .iter()
        .map(|(number, help)| vec![number.to_string(), (*help).to_owned()]);
    table(&mut out, &["code", "meaning"], rows);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A block, and a blank line after it.
fn push(out: &mut String, block: &str) {
    out.push_str(block.trim_end());
    out.push_str("\n\n");
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table(out: &mut String, titles: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut text = format!(
        "| {} |\n|{}\n",
        titles.join(" | "),
        "---|".repeat(titles.len())
    );
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    push(out, &text);
}

fn examples(out: &mut String, list: &[examples::Example]) {
    let lines: Vec<_> = list
        .iter()
        .map(|(line, what)| format!("# {what}\n{line}"))
        .collect();
    push(out, &format!("```sh\n{}\n```", lines.join("\n")));
}

/// The long text, the short one if there is no other; its first line as a sentence.
fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about());
    let text = escaped(&text.map(ToString::to_string).unwrap_or_default());
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{}.\n{rest}", first.trim_end_matches('.'))
}

/// An argument as it is typed.
fn spelling(arg: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(arg.get_short().map(|short| format!("-{short}")));
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let values: Vec<_> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| format!("<{name}>"))
        .collect();
    let takes = arg.get_action().takes_values();
    match (names.is_empty(), takes) {
        (true, _) => code(&values.join(" ")),
        (false, true) => code(&format!("{} {}", names.join(", "), values.join(" "))),
        (false, false) => code(&names.join(", ")),
    }
}

fn meaning(arg: &Arg) -> String {
    let mut out = arg
        .get_help()
        .map(|text| escaped(&text.to_string()))
        .unwrap_or_default();
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|value| code(value.get_name()))
        .collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        let _ = write!(out, "; one of {}", values.join(", "));
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| code(&value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(out, "; default {}", defaults.join(", "));
    }
    out
}

/// Keeps Markdown from reading `<scheme>` as a tag and `*` as emphasis.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*")
}
