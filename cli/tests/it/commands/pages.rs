//! Help, man pages, completions and the reference: all of one tree.

use super::World;
use std::fs;
use std::path::Path;
use testkit::git::run;

/// The names of the commands that people see.
fn names() -> Vec<String> {
    git_pail::commands::tree()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| command.get_name().to_owned())
        .collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    let world = World::new();
    for name in names() {
        let help = world.shown(&[&name, "--help"]);
        assert!(help.contains("Usage: git pail"), "{help}");
        let example = format!("Examples:\n  git pail {name}");
        assert!(help.contains(&example), "{help}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(121), "{name}: {widest:?}\n{help}");
    }
    let help = world.shown(&["--help"]);
    assert!(!help.contains("reference"), "it is hidden");
}

#[test]
fn every_command_has_a_man_page_and_completions() {
    let world = World::new();
    let folder = world.path("man1");
    world.shown(&["man", "--out", folder.to_str().unwrap()]);
    let main = world.shown(&["man"]);
    let shells = ["bash", "zsh", "fish"].map(|shell| world.shown(&["completions", shell]));
    for name in names() {
        let page = fs::read_to_string(folder.join(format!("git-pail-{name}.1"))).unwrap();
        assert!(page.contains(".SH EXAMPLES"), "{page}");
        assert_eq!(world.shown(&["man", &name]), page.trim_end_matches('\n'));
        let roff = name.replace('-', "\\-");
        assert!(main.contains(&format!("git\\-pail\\-{roff}")), "{name}");
        for text in &shells {
            assert!(text.contains(&name), "{name}");
            assert!(!text.contains("reference"), "it is hidden");
        }
    }
    let maintenance = ["run", "start", "stop"].map(|one| format!("git-pail-maintenance-{one}.1"));
    let lfs = ["ls", "fsck", "gc", "copy", "share"].map(|one| format!("git-pail-lfs-{one}.1"));
    let inner = [&maintenance[..], &lfs[..]].concat();
    for page in &inner {
        assert!(folder.join(page).exists(), "{page}");
    }
    let annex = fs::read_to_string(folder.join("git-annex-remote-pail.1")).unwrap();
    for parameter in ["url", "restore", "x\\-amz\\-tagging"] {
        assert!(annex.contains(&format!("\\fB{parameter}=")), "{annex}");
    }
    assert_eq!(
        world.shown(&["man", "git-annex-remote-pail"]),
        annex.trim_end_matches('\n')
    );
    let pages = names().len() + 2 + inner.len();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), pages);
    assert!(
        world
            .fails(2, &["man", "nothing"])
            .contains("there is no page")
    );
}

#[test]
fn bash_completes_git_pail_through_gits_own_completion() {
    let world = World::new();
    fs::write(world.path("c"), world.shown(&["completions", "bash"])).unwrap();
    // What git's completion has set when it calls us for `git -C x pail set-h<TAB>`.
    let script = r#"source ./c
        words=(git -C x pail set-h) cword=4 cur=set-h prev=pail __git_cmd_idx=3
        _git_pail; echo "${COMPREPLY[@]}"; COMPREPLY=()
        words=(git pail ls --j) cword=3 cur=--j prev=ls __git_cmd_idx=1
        _git_pail; echo "${COMPREPLY[@]}"
        COMP_WORDS=(git-pail init --obj) COMP_CWORD=2
        ours=$(complete -p git-pail | sed 's/.*-F \([^ ]*\) .*/\1/')
        $ours git-pail --obj init; echo "${COMPREPLY[@]}""#;
    let mut bash = world.git.program("bash");
    bash.args(["-c", script]);
    assert_eq!(run(bash, b"").stdout, "set-head\n--json\n--object-format");
}

#[test]
fn the_reference_is_what_the_tables_say() {
    let world = World::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    let update = git_pail::env::read("PAIL_UPDATE").is_some();
    for page in [
        "commands",
        "environment",
        "configuration",
        "settings",
        "options",
        "annex",
        "exit-codes",
    ] {
        let out = world.pail(&["reference", page]).bytes;
        let path = folder.join(format!("{page}.md"));
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &out).unwrap();
        }
        let there = fs::read(&path).unwrap_or_default();
        assert!(
            there == out,
            "docs/reference/{page}.md is old; PAIL_UPDATE=1 writes it anew"
        );
    }
}
