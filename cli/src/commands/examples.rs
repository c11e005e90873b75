//! The examples that help, man pages and the reference show.

/// A command line, and what it does.
pub(super) type Example = (&'static str, &'static str);

/// For `git pail` itself: from nothing to a pushed branch.
pub(super) const TOP: &[Example] = &[
    ("git pail install", "make the links by which git finds us"),
    ("git remote add origin s3://bucket/prefix", "name a bucket"),
    (
        "git push -u origin main",
        "push; the first push makes the repository",
    ),
    ("git pail log", "see who pushed what, and when"),
];

/// For each command.
pub(super) const ALL: &[(&str, &[Example])] = &[
    (
        "install",
        &[
            (
                "git pail install",
                "make the links beside git-pail, and tell Git LFS",
            ),
            (
                "git pail install --only pail",
                "leave git-remote-s3 to another tool; URLs are then pail::s3://bucket/prefix",
            ),
            (
                "git pail install --dir ~/.local/bin --allow-submodules",
                "choose the folder, and let submodules lie in buckets",
            ),
        ],
    ),
    (
        "uninstall",
        &[("git pail uninstall", "take the links and man pages away")],
    ),
    (
        "demo",
        &[
            (
                "git pail demo",
                "push, clone and fetch through a temporary folder",
            ),
            (
                "git pail demo --keep /tmp/pail-demo",
                "keep everything, to look around",
            ),
        ],
    ),
    (
        "init",
        &[
            (
                "git pail init s3://bucket/prefix",
                "make an empty repository",
            ),
            (
                "git pail init s3://bucket/prefix --object-format sha256 --head trunk",
                "with SHA-256 ids and another default branch",
            ),
        ],
    ),
    (
        "ls",
        &[
            ("git pail ls", "show what origin holds"),
            (
                "git pail ls s3://bucket/prefix --refs",
                "refs only, as git ls-remote shows them",
            ),
            ("git pail ls origin --json", "for programs"),
        ],
    ),
    (
        "log",
        &[
            ("git pail log", "the newest pushes to origin"),
            (
                "git pail log origin -n 3 --ref main",
                "the last three that moved main",
            ),
            (
                "git pail log origin --ref 'refs/tags/*' --all --json",
                "every move of a tag, for programs",
            ),
            (
                "git pail log origin --since '2 weeks ago'",
                "what happened in the last two weeks",
            ),
        ],
    ),
    (
        "doctor",
        &[
            ("git pail doctor origin", "can one work here?"),
            (
                "git pail doctor s3://bucket/prefix --probe",
                "try on scratch files what the bucket allows",
            ),
            (
                "git pail doctor origin --remove-leftovers",
                "remove what dead pushes left behind",
            ),
            (
                "git pail doctor s3://bucket/prefix --policy write",
                "print the least rights that a writer needs",
            ),
        ],
    ),
    (
        "fsck",
        &[
            ("git pail fsck origin", "is every file there?"),
            (
                "git pail fsck origin --full",
                "download everything, and let git check every object",
            ),
            (
                "git pail fsck origin --json || mail -s 'broken' ada@example.org",
                "from a cron job",
            ),
        ],
    ),
    (
        "stats",
        &[
            (
                "git pail stats origin",
                "what it takes, and what a month costs",
            ),
            (
                "git pail stats origin --since '1 year ago' --svg growth.svg",
                "draw how it grew in a year",
            ),
            (
                "git pail stats origin --prices google",
                "what it would cost there",
            ),
        ],
    ),
    (
        "maintenance",
        &[
            ("git pail maintenance run origin", "merge packs now"),
            (
                "git pail maintenance run origin --dry-run",
                "show what would be done",
            ),
            (
                "git pail maintenance run origin --task gc --dry-run",
                "count what nothing needs any more",
            ),
            (
                "git pail maintenance run origin --task gc --task merge",
                "from a weekly cron job",
            ),
            (
                "git pail maintenance start origin",
                "from now on every night, by the scheduler of this machine",
            ),
            (
                "git pail maintenance start s3://bucket/prefix --every weekly --task gc --task merge",
                "drop what nothing needs on Mondays",
            ),
            ("git pail maintenance stop --all", "no longer"),
        ],
    ),
    (
        "restore",
        &[
            (
                "git pail restore origin main",
                "undo the last move of main: a force-push, or its deletion",
            ),
            (
                "git pail restore origin main@12",
                "make it what it was at generation 12, as git pail log tells",
            ),
            (
                "git pail restore origin 'refs/tags/v1@{yesterday}' --dry-run",
                "look what it was yesterday",
            ),
        ],
    ),
    (
        "set-head",
        &[(
            "git pail set-head origin trunk",
            "clones check trunk out from now on",
        )],
    ),
    (
        "delete-branch",
        &[
            ("git pail delete-branch origin topic", "delete a branch"),
            (
                "git pail delete-branch origin old --override-protection",
                "delete it although it is protected",
            ),
        ],
    ),
    (
        "protect",
        &[
            (
                "git pail protect origin main",
                "main is neither deleted nor rewound",
            ),
            (
                "git pail protect origin 'release/*' 'refs/tags/v*'",
                "nor are these",
            ),
            ("git pail protect origin", "show what is protected"),
            (
                "git push --force -o override-protection origin main",
                "rewind it all the same; the log keeps that",
            ),
        ],
    ),
    (
        "unprotect",
        &[("git pail unprotect origin main", "protect main no longer")],
    ),
    (
        "config",
        &[
            ("git pail config origin", "show every setting"),
            (
                "git pail config origin retention 30d",
                "keep what is no longer needed for 30 days",
            ),
            (
                "git pail config origin --unset retention",
                "go back to the default",
            ),
        ],
    ),
    (
        "lock",
        &[
            (
                "git pail lock art/hero.psd",
                "nobody else pushes changes of it",
            ),
            (
                "git pail lock --remote origin art/*.psd",
                "several files, at one remote of many",
            ),
        ],
    ),
    (
        "unlock",
        &[
            ("git pail unlock art/hero.psd", "others may go on"),
            (
                "git pail unlock --force art/hero.psd",
                "free what somebody has left locked",
            ),
        ],
    ),
    (
        "locks",
        &[
            ("git pail locks", "all locks at origin"),
            ("git pail locks s3://bucket/prefix --json", "for programs"),
        ],
    ),
    (
        "lfs",
        &[
            ("git pail lfs ls", "the LFS objects at origin"),
            ("git pail lfs fsck origin --full", "read and hash them all"),
            (
                "git pail lfs gc origin --dry-run",
                "what no ref names any more",
            ),
            (
                "git pail lfs copy origin s3://other/prefix",
                "copy what is not there yet",
            ),
            (
                "git pail lfs share s3://bucket/lfs s3://bucket/one s3://bucket/two",
                "two repositories keep their objects at one place",
            ),
        ],
    ),
    (
        "version",
        &[("git pail version", "what a bug report should hold")],
    ),
    (
        "completions",
        &[
            (
                "git pail completions bash > ~/.local/share/bash-completion/completions/git-pail",
                "for bash",
            ),
            (
                "git pail completions fish > ~/.config/fish/completions/git-pail.fish",
                "for fish",
            ),
        ],
    ),
    (
        "man",
        &[
            ("git pail man | man -l -", "read the page of git-pail"),
            (
                "git pail man --out share/man/man1",
                "write every page, for a package",
            ),
        ],
    ),
    (
        "reference",
        &[(
            "git pail reference commands",
            "the reference of commands as Markdown",
        )],
    ),
];

/// The examples of a command.
pub(super) fn of(name: &str) -> &'static [Example] {
    ALL.iter()
        .find(|(known, _)| *known == name)
        .map_or(TOP, |(_, list)| list)
}

/// As `--help` shows them.
pub(super) fn help(list: &[Example]) -> String {
    let lines: Vec<String> = list
        .iter()
        .map(|(line, what)| format!("  {line}\n      {what}"))
        .collect();
    format!("Examples:\n{}", lines.join("\n"))
}
