//! `git pail completions`: what a shell needs to complete our commands.

use super::stop::{Stop, show};
use super::tree;
use clap::{Command, ValueEnum};
use clap_complete::{Shell as Generator, generate};

/// Print completions for a shell
///
/// They complete both `git-pail` and `git pail`, the latter where git's own completion is
/// installed.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// A shell that is served.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Lends the words after `git pail` to our own function, as git's completion wants it.
const BASH_GIT: &str = r#"
# Called by git's own completion for `git pail …`.
_git_pail() {
    local at=$((${__git_cmd_idx:-1} + 1))
    local COMP_WORDS=(git-pail "${words[@]:$at}") COMP_CWORD=$((cword - at + 1))
    _gitpail git-pail "$cur" "$prev"
}
"#;

/// A stand-in for our name: the generator for bash mixes two spellings of a hyphen.
const BASH_NAME: &str = "gitpail";

pub(super) fn run(args: &Args) -> Result<(), Stop> {
    let text = match args.shell {
        Shell::Bash => {
            let text = text(Generator::Bash, BASH_NAME);
            let (wrong, right) = (format!("default {BASH_NAME}\n"), "default git-pail\n");
            text.replace(&wrong, right) + BASH_GIT
        }
        Shell::Zsh => text(Generator::Zsh, "git-pail"),
        Shell::Fish => text(Generator::Fish, "git-pail"),
    };
    show(text.as_bytes())
}

/// Completions of the commands that people see.
fn text(shell: Generator, name: &'static str) -> String {
    let tree = tree();
    let shown = tree.get_subcommands().filter(|one| !one.is_hide_set());
    let mut shown = Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommands(shown.cloned());
    let mut out = Vec::new();
    generate(shell, &mut shown, name, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
