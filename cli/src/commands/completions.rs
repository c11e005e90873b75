//! `git pail completions`: what a shell needs to complete our commands.

use super::stop::{Stop, show};
use super::tree;
use clap::ValueEnum;
use clap_complete::{Shell as Generator, generate};

/// Print completions for a shell
///
/// They complete both `git-pail` and `git pail`, the latter where git's own completion is
/// installed.
#[derive(Debug, clap::Args)]
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
    _git-pail git-pail "$cur" "$prev"
}
"#;

pub(super) fn run(args: &Args) -> Result<(), Stop> {
    let shell = match args.shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut out = Vec::new();
    generate(
        shell,
        &mut tree().bin_name("git-pail"),
        "git-pail",
        &mut out,
    );
    if matches!(args.shell, Shell::Bash) {
        out.extend_from_slice(BASH_GIT.as_bytes());
    }
    show(&out)
}
