//! The protocol itself, spoken in git-lfs's place.

use super::{Lfs, objects, oid};
use crate::it::world::{Talk, World, on_every_bucket};
use serde_json::{Value, json};
use testkit::git::{kill_group, run};
use testkit::repo::Repo;
use testkit::seed::Chance;

/// An agent that was told what is to come.
struct Agent(Talk);

impl Agent {
    fn start(repo: &Repo, operation: &str) -> Self {
        let mut talk = Talk::start(repo.git().program("git-lfs-pail"));
        let init = json!({
            "event": "init",
            "operation": operation,
            "remote": "origin",
            "concurrent": true,
            "concurrenttransfers": 8,
        });
        assert_eq!(talk.ask(&format!("{init}\n")), "{}");
        Self(talk)
    }

    fn say(&mut self, message: &Value) {
        self.0.say(&format!("{message}\n"));
    }

    /// What it says next.
    fn hear(&mut self) -> Value {
        let line = self.0.ask("");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("'{line}': {error}"))
    }

    /// What becomes of a transfer, and the last of what it was told of its progress.
    fn done(&mut self) -> (Value, Option<Value>) {
        let mut progress = None;
        loop {
            let message = self.hear();
            match message["event"].as_str() {
                Some("progress") => progress = Some(message["bytesSoFar"].clone()),
                Some("complete") => return (message, progress),
                _ => panic!("{message}"),
            }
        }
    }

    fn ask(&mut self, message: &Value) -> (Value, Option<Value>) {
        self.say(message);
        self.done()
    }

    /// Ends it as git-lfs does.
    fn end(mut self) {
        self.say(&json!({ "event": "terminate" }));
        let out = self.0.end();
        assert_eq!((out.status, &*out.stdout), (0, ""), "{}", out.stderr);
    }
}

fn upload(oid: &str, path: &str, size: usize) -> Value {
    json!({ "event": "upload", "oid": oid, "size": size, "path": path, "action": null })
}

fn download(oid: &str, size: usize) -> Value {
    json!({ "event": "download", "oid": oid, "size": size, "action": null })
}

/// The text of the error of a transfer.
fn error((message, _): &(Value, Option<Value>)) -> &str {
    message["error"]["message"].as_str().expect("it failed")
}

on_every_bucket!(
    one_that_fails_leaves_the_others_alone,
    two_may_send_the_same_object,
    an_upload_that_was_killed_is_taken_up_again,
    what_gc_has_condemned_stays_if_it_is_sent_again,
);

fn one_that_fails_leaves_the_others_alone(world: &World) {
    let lfs = Lfs::new(world);
    let repo = lfs.repo("work", &world.url());
    let bytes = b"some bytes\n";
    let good = oid(bytes);
    let path = world.text("file");
    std::fs::write(&path, bytes).unwrap();

    let mut agent = Agent::start(&repo, "upload");
    for bad in ["", "../../etc/passwd", &good.to_uppercase(), &good[1..]] {
        let failed = agent.ask(&upload(bad, &path, bytes.len()));
        assert_eq!(failed.0["oid"], *bad);
        assert!(error(&failed).contains("is no LFS object id"), "{failed:?}");
    }
    let other = oid(b"other");
    let failed = agent.ask(&upload(&other, &path, bytes.len()));
    assert!(error(&failed).contains("is not the object"), "{failed:?}");
    let failed = agent.ask(&upload(&good, &path, 5));
    assert!(error(&failed).contains("the pointer says 5"), "{failed:?}");
    let failed = agent.ask(&upload(&good, &world.text("none"), bytes.len()));
    assert!(error(&failed).contains("cannot read"), "{failed:?}");
    let failed = agent.ask(&json!({ "event": "upload", "oid": good, "size": -1, "path": path }));
    assert!(error(&failed).contains("-1"), "{failed:?}");
    assert!(objects(world.bucket()).is_empty(), "nothing wrong got in");
    let done = agent.ask(&upload(&good, &path, bytes.len()));
    let complete = json!({ "event": "complete", "oid": good });
    assert_eq!(done, (complete.clone(), Some(json!(bytes.len()))));
    assert_eq!(agent.ask(&upload(&good, &path, bytes.len())).0, complete);
    agent.end();

    let mut agent = Agent::start(&repo, "download");
    let key = format!("lfs/{good}");
    let failed = agent.ask(&download(&other, 5));
    assert_eq!(failed.0["error"]["code"], 404);
    assert!(error(&failed).contains(&other), "{failed:?}");
    let mut spoilt = bytes.to_vec();
    spoilt[3] ^= 1;
    for bad in [&spoilt[..], &bytes[..4], b""] {
        world.bucket().write(&key, bad);
        let failed = agent.ask(&download(&good, bytes.len()));
        assert_eq!(failed.0["error"]["code"], 502, "{failed:?}");
    }
    world.bucket().write(&key, bytes);
    let done = agent.ask(&download(&good, bytes.len()));
    assert_eq!(done.1, Some(json!(bytes.len())));
    let came = done.0["path"].as_str().unwrap();
    assert_eq!(std::fs::read(came).unwrap(), bytes);
    std::fs::remove_file(came).unwrap();
    agent.end();
    let left = repo
        .path()
        .join(".git/lfs/pail")
        .read_dir()
        .unwrap()
        .count();
    assert_eq!(left, 0, "what failed leaves nothing");
}

fn two_may_send_the_same_object(world: &World) {
    let lfs = Lfs::new(world);
    let bytes = Chance::new(2).bytes(9 << 20);
    let digits = oid(&bytes);
    let path = world.text("file");
    std::fs::write(&path, &bytes).unwrap();
    let url = world.url();
    let mut agents: Vec<_> = ["one", "two"]
        .iter()
        .map(|name| Agent::start(&lfs.repo(name, &url), "upload"))
        .collect();
    for agent in &mut agents {
        agent.say(&upload(&digits, &path, bytes.len()));
    }
    for mut agent in agents {
        let (message, _) = agent.done();
        assert_eq!(message, json!({ "event": "complete", "oid": digits }));
        agent.end();
    }
    let key = format!("lfs/{digits}");
    assert!(world.bucket().read(&key).unwrap() == bytes);
}

fn an_upload_that_was_killed_is_taken_up_again(world: &World) {
    let lfs = Lfs::new(world);
    let (repo, key, bytes) = killed(world, &lfs);
    repo.ok(&["push", "-q", "origin", "main"]);
    assert!(world.bucket().read(&key).unwrap() == bytes);
    let kept = repo.path().join(".git/lfs/pail");
    assert_eq!(kept.read_dir().unwrap().count(), 0);
}

#[test]
fn what_a_killed_upload_left_is_told_once_and_removed() {
    let world = World::s3();
    let lfs = Lfs::new(&world);
    let (repo, ..) = killed(&world, &lfs);
    let kept = repo.path().join(".git/lfs/pail");
    std::fs::write(kept.join(oid(b"half of it")), b"half").unwrap();
    let doctor = |more: &[&str]| -> (Vec<String>, Value) {
        let args = ["pail", "doctor", "--json", "--older-than", "0s", "origin"];
        let out = repo.ok(&[&args[..], more].concat());
        let report: Value = serde_json::from_str(&out).unwrap();
        let codes = report["findings"].as_array().unwrap().iter();
        let codes = codes.map(|one| one["code"].as_str().unwrap().to_owned());
        let left = |code: &String| code.starts_with("kept-") || code == "unfinished-uploads";
        let mut codes: Vec<_> = codes.filter(left).collect();
        codes.sort();
        (codes, report["removed"].clone())
    };
    assert_eq!(doctor(&[]).0, ["kept-object", "kept-upload"]);
    // The note, the upload in the bucket, and what came.
    assert_eq!(doctor(&["--remove-leftovers"]), (vec![], json!(3)));
    assert_eq!(doctor(&[]), (vec![], json!(0)));
    assert_eq!(kept.read_dir().unwrap().count(), 0);
}

/// A repository in which an upload of a large object was killed, the object's key and bytes.
fn killed(world: &World, lfs: &Lfs<'_>) -> (Repo, String, Vec<u8>) {
    lfs.git.config("pail.partSize", "5M");
    lfs.git.config("pail.parallel", "1");
    let bytes = Chance::new(3).bytes(30 << 20);
    let repo = lfs.repo("work", &world.url());
    repo.commit("large.bin", &bytes);
    let digits = oid(&bytes);
    let object = format!("lfs/objects/{}/{}/{digits}", &digits[..2], &digits[2..4]);
    let object = repo.ok(&["rev-parse", "--path-format=absolute", "--git-path", &object]);
    let mut agent = Agent::start(&repo, "upload");
    agent.say(&upload(&digits, &object, bytes.len()));
    assert_eq!(agent.hear()["event"], "progress");
    kill_group(agent.0.id());
    drop(agent.0.end());
    (repo, format!("lfs/{digits}"), bytes)
}

fn what_gc_has_condemned_stays_if_it_is_sent_again(world: &World) {
    let lfs = Lfs::new(world);
    let repo = lfs.repo("work", &world.url());
    let (bytes, list) = (b"some bytes\n", "pail/lfs-condemned.json");
    let (digits, other) = (oid(bytes), oid(b"other"));
    let path = world.text("file");
    std::fs::write(&path, bytes).unwrap();
    world.bucket().write(&format!("lfs/{digits}"), bytes);
    let condemned = json!({
        "version": 1,
        "write_id": "1",
        "groups": [
            { "since": 1, "oids": [digits] },
            { "since": 1, "oids": [other] },
        ],
    });
    world.bucket().write(list, condemned.to_string().as_bytes());
    let mut agent = Agent::start(&repo, "upload");
    let done = agent.ask(&upload(&digits, &path, bytes.len())).0;
    assert_eq!(done, json!({ "event": "complete", "oid": digits }));
    agent.end();
    let now: Value = serde_json::from_slice(&world.bucket().read(list).unwrap()).unwrap();
    assert_eq!(now["groups"], json!([{ "since": 1, "oids": [other] }]));
}

#[test]
fn nobody_is_asked_before_the_first_transfer() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    // Nothing listens there, and git would complain of such a configuration.
    let repo = lfs.repo("work", "s3+http://127.0.0.1:9/b/r");
    std::fs::write(repo.path().join(".git/config"), "[broken").unwrap();
    Agent::start(&repo, "download").end();
}

#[test]
fn what_is_no_message_ends_the_session_with_the_reason() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let repo = lfs.repo("work", &world.url());
    let init = r#"{"event":"init","operation":"upload","remote":"origin"}"#;
    for (said, why) in [
        ("hello\n", "no message"),
        (
            r#"{"event":"upload","oid":"1","size":1,"path":"/x"}"#,
            "init",
        ),
        (
            &format!("{init}\n{}", r#"{"event":"dance"}"#),
            "does not know its event",
        ),
        (init.split_at(10).0, "cut or too long"),
    ] {
        let line = match why {
            "cut or too long" => said.to_owned(),
            _ => format!("{}\n", said.trim_end()),
        };
        let out = run(repo.git().program("git-lfs-pail"), line.as_bytes());
        assert_eq!(out.status, 128, "{said}");
        assert!(out.stderr.contains(why), "{}", out.stderr);
        assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
    }
    let out = run(repo.git().program("git-lfs-pail"), b"");
    assert_eq!((out.status, &*out.stdout), (0, ""));
}

#[test]
fn a_place_that_is_no_bucket_is_told_with_what_to_do() {
    let world = World::folder();
    let lfs = Lfs::new(&world);
    let repo = lfs.repo("work", "https://git.example/r");
    let digits = oid(b"x");
    let mut agent = Agent::start(&repo, "download");
    for _ in 0..2 {
        let failed = agent.ask(&download(&digits, 1));
        assert_eq!(failed.0["error"]["code"], 422, "{failed:?}");
        assert!(error(&failed).contains("git.example"), "{failed:?}");
    }
    agent.end();
}
