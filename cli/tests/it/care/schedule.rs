//! `maintenance start` and `stop`: what the schedulers of the host are told, and what they start.

use super::{fails, shown};
use crate::it::world::{World, script};
use std::fs;
use std::path::PathBuf;
use testkit::git::{Git, Output, run};
use testkit::repo::Repo;

/// A crontab that is a file, and a systemctl that says what it heard; both are programs.
struct Host {
    world: World,
    git: Git,
}

impl Host {
    fn new() -> Self {
        let world = World::folder();
        let bin = world.path("host");
        fs::create_dir_all(&bin).unwrap();
        script(
            &bin.join("crontab"),
            r#"
            if [ "$1" = - ]; then cat >"$HOME/crontab"
            elif [ -f "$HOME/crontab" ]; then cat "$HOME/crontab"
            else echo "no crontab for ada" >&2; exit 1
            fi"#,
        );
        script(
            &bin.join("systemctl"),
            r#"echo "$@" >>"$HOME/systemctl"; [ ! -f "$HOME/no-systemd" ]"#,
        );
        script(&bin.join("launchctl"), r#"echo "$@" >>"$HOME/launchctl""#);
        let git = world.git().at(world.path(".")).with_bin(&bin);
        Self { world, git }
    }

    fn pail(&self, args: &[&str]) -> Output {
        let mut command = self.git.program("git-pail");
        command.args(args);
        run(command, b"")
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.pail(args);
        assert!(out.ok(), "{args:?}: {}{}", out.stdout, out.stderr);
        out.stdout
    }

    fn file(&self, name: &str) -> PathBuf {
        self.git.home().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// A repository with enough pushes for a merge.
    fn pushed(&self, name: &str) -> Repo {
        let repo = self.world.pushed(name);
        for number in 0..5 {
            repo.commit("f", format!("{number}\n"));
            repo.ok(&["push", "-q", "origin", "main"]);
        }
        repo
    }

    fn is_merged(&self) -> bool {
        let manifest = self.world.bucket().manifest();
        let packs = manifest["packs"].as_array().unwrap().clone();
        packs.iter().any(|pack| pack["source"] == "merge")
    }
}

#[test]
fn a_line_of_the_crontab_maintains_what_was_put_down() {
    let host = Host::new();
    host.pushed("work");
    let url = host.world.url();
    let other = "MAILTO=ada@example.org\n1 2 3 4 5 something else\n";
    fs::write(host.file("crontab"), other).unwrap();
    host.ok(&["maintenance", "start", &url, "--scheduler", "crontab"]);
    // Once more changes nothing but the minute.
    let said = host.ok(&["maintenance", "start", &url, "--scheduler", "crontab"]);
    assert!(said.contains("daily, by the crontab"), "{said}");
    let table = host.read("crontab");
    assert!(table.starts_with(other), "{table}");
    let lines: Vec<_> = table
        .lines()
        .filter(|line| line.contains("--schedule"))
        .collect();
    assert_eq!(lines.len(), 3, "{table}");
    let start = |every: &str| {
        let line = lines.iter().find(|line| line.ends_with(every)).unwrap();
        let command = line.splitn(6, ' ').nth(5).unwrap();
        let mut shell = host.git.program("sh");
        shell.args(["-c", command]);
        let out = run(shell, b"");
        assert!(out.ok(), "{command}: {}{}", out.stdout, out.stderr);
        assert_eq!(
            (&*out.stdout, &*out.stderr),
            ("", ""),
            "cron would send mail"
        );
    };
    start("hourly");
    assert!(!host.is_merged(), "it was put down for each day");
    start("daily");
    assert!(host.is_merged());
    let said = host.ok(&["maintenance", "stop", &url]);
    assert!(said.contains("no longer"), "{said}");
    assert_eq!(host.read("crontab"), other);
    assert!(!host.read(".gitconfig").contains("pailMaintenance"));
    let said = host.pail(&["maintenance", "stop", &url]);
    assert_eq!(said.status, 2, "{}", said.stderr);
}

#[test]
fn the_users_systemd_gets_timers_and_gives_them_back() {
    let host = Host::new();
    host.world.pushed("work");
    let url = host.world.url();
    let said = host.ok(&["maintenance", "start", &url, "--every", "weekly"]);
    assert!(said.contains("weekly, by timers of systemd"), "{said}");
    let folder = host.file(".config/systemd/user");
    let units = || {
        let files = fs::read_dir(&folder).into_iter().flatten();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let all = ["daily.timer", "hourly.timer", "weekly.timer"];
    let all = all.map(|one| format!("git-pail-maintenance@{one}"));
    let service = "git-pail-maintenance@.service".to_owned();
    assert_eq!(units(), [&[service][..], &all].concat());
    let heard = host.read("systemctl");
    let enable = "--user enable --now git-pail-maintenance@hourly.timer \
                  git-pail-maintenance@daily.timer git-pail-maintenance@weekly.timer";
    assert!(
        heard.ends_with(&format!("--user daemon-reload\n{enable}\n")),
        "{heard}"
    );
    assert_eq!(host.read("crontab"), "");
    // Another scheduler takes the place of this one.
    host.ok(&["maintenance", "start", &url, "--scheduler", "launchctl"]);
    assert_eq!(units(), [""; 0]);
    assert!(host.read("systemctl").contains("--user disable --now"));
    let agent = "Library/LaunchAgents/org.git-pail.maintenance.weekly.plist";
    assert!(host.read("launchctl").contains(agent) && host.file(agent).exists());
    host.ok(&["maintenance", "stop", "--all"]);
    assert!(!host.file(agent).exists());
    assert!(host.read("launchctl").contains("bootout"));
    let said = host.ok(&["maintenance", "stop", "--all"]);
    assert!(said.contains("nothing was maintained"), "{said}");
}

#[test]
fn without_systemd_it_is_the_crontab_and_one_that_cannot_be_read_is_not_replaced() {
    let host = Host::new();
    host.world.pushed("work");
    let url = host.world.url();
    fs::write(host.file("no-systemd"), "").unwrap();
    host.ok(&["maintenance", "start", &url]);
    assert!(host.read("crontab").contains("--schedule daily"));
    script(
        &host.world.path("host/crontab"),
        r#"[ "$1" = - ] && cat >"$HOME/crontab"; echo "you are not allowed" >&2; exit 1"#,
    );
    let before = host.read("crontab");
    let said = host.pail(&["maintenance", "start", &url]);
    assert_eq!(said.status, 1, "{}", said.stdout);
    assert!(
        said.stderr.contains("you are not allowed"),
        "{}",
        said.stderr
    );
    assert_eq!(host.read("crontab"), before);
}

#[test]
fn a_remote_is_found_from_anywhere_and_one_that_fails_stops_no_other() {
    let host = Host::new();
    let repo = host.pushed("work");
    let mut command = host.git.at(repo.path()).program("git-pail");
    command.args(["maintenance", "start", "--scheduler", "crontab"]);
    let out = run(command, b"");
    assert!(out.ok(), "{}", out.stderr);
    // It sorts before the other, and is gone by then.
    let gone = host.world.path("a-repository-that-goes");
    let gone = gone.to_str().unwrap();
    host.ok(&["init", gone]);
    host.ok(&["maintenance", "start", gone, "--scheduler", "crontab"]);
    fs::remove_dir_all(gone).unwrap();
    let out = host.pail(&["maintenance", "run", "--schedule", "daily"]);
    assert_eq!(out.status, 1, "{}", out.stdout);
    assert!(out.stderr.contains(gone), "{}", out.stderr);
    assert!(host.is_merged());
    let said = host.pail(&["maintenance", "stop", "s3://elsewhere/repo"]);
    assert!(
        said.stderr.contains(gone),
        "those that are: {}",
        said.stderr
    );
    host.ok(&["maintenance", "stop", gone]);
    let said = host.ok(&["maintenance", "stop", &host.world.url()]);
    assert!(said.contains("bucket is no longer"), "{said}");
    assert!(!host.read("crontab").contains("git-pail"));
}

#[test]
fn what_is_not_there_is_not_put_down() {
    let world = World::folder();
    let said = fails(&world, 1, &["maintenance", "start", &world.url()]);
    assert!(said.contains("no repository"), "{said}");
    let nothing = shown(&world, &["maintenance", "run", "--schedule", "hourly"]);
    assert_eq!(nothing, "");
}

#[test]
fn uninstalling_tells_that_a_schedule_still_starts_us() {
    let host = Host::new();
    host.pushed("work");
    let (url, bin) = (host.world.url(), host.world.path("bin"));
    let uninstall = ["uninstall", "--dir", bin.to_str().unwrap()];
    let told = "still maintained by a schedule";
    let out = host.pail(&uninstall);
    assert!(out.ok() && !out.stderr.contains(told), "{}", out.stderr);
    host.ok(&["maintenance", "start", &url, "--scheduler", "crontab"]);
    let out = host.pail(&uninstall);
    assert!(out.ok() && out.stderr.contains(told), "{}", out.stderr);
    host.ok(&["maintenance", "stop", "--all"]);
    let out = host.pail(&uninstall);
    assert!(out.ok() && !out.stderr.contains(told), "{}", out.stderr);
}
