//! Twenty people's commits, made beforehand: what is measured is pushing.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use testkit::git::Git;
use testkit::repo::Repo;
use testkit::seed::Chance;

/// Files at the start, each of some 4 KB of text.
const FILES: usize = 300;

/// Lines of a file.
const LINES: usize = 80;

/// The clients with their commits.
pub(crate) struct History {
    /// Each with its repository, its commits in order, and how many it has pushed. Who holds
    /// the lock pushes: a client does one thing at a time.
    clients: Vec<Mutex<Client>>,
}

struct Client {
    repo: Repo,
    branch: String,
    commits: Vec<String>,
    pushed: usize,
}

/// Makes the commits: each changes a line or two of one file.
pub(crate) fn make(git: &Git, dir: &Path, clients: usize, pushes: usize) -> History {
    let all = Repo::init_with(git, dir.join("all"), &["--bare"]);
    let each = pushes.div_ceil(clients);
    let mut chance = Chance::new(20_000);
    let mut word = move || format!("{:016x}", chance.number());
    let mut files: Vec<Vec<String>> = (0..FILES)
        .map(|_| {
            (0..LINES)
                .map(|_| format!("{} {} {}", word(), word(), word()))
                .collect()
        })
        .collect();
    let mut stream = String::new();
    begin(&mut stream, "refs/heads/main", 1, "start");
    for (number, lines) in files.iter().enumerate() {
        file(&mut stream, number, lines);
    }
    let start = files.clone();
    let mut mark = 1;
    for client in 0..clients {
        files.clone_from(&start);
        for commit in 0..each {
            mark += 1;
            begin(
                &mut stream,
                &branch(client),
                mark,
                &format!("change {commit} of {client}"),
            );
            if commit == 0 {
                stream.push_str("from :1\n");
            }
            let at = (client * 31 + commit * 7) % FILES;
            let line = (commit * 13) % LINES;
            let text = format!("{} {commit} of {client}", word());
            files[at][line] = text;
            file(&mut stream, at, &files[at]);
        }
    }
    all.git()
        .ok_with(&["fast-import", "--quiet"], stream.as_bytes());
    let clients = (0..clients).map(|client| {
        let path = dir.join(format!("client-{client}"));
        let branch = branch(client);
        let source = all.path().display().to_string();
        let repo = Repo::init_with(git, path, &["--bare"]);
        let spec = format!("{branch}:{branch}");
        repo.ok(&["fetch", "-q", &source, "main:refs/heads/main", &spec]);
        let commits = repo.ok(&["rev-list", "--reverse", &branch, "^main"]);
        let commits = commits.lines().map(str::to_owned).collect();
        Mutex::new(Client {
            repo,
            branch,
            commits,
            pushed: 0,
        })
    });
    History {
        clients: clients.collect(),
    }
}

fn branch(client: usize) -> String {
    format!("refs/heads/client-{client:02}")
}

fn begin(stream: &mut String, branch: &str, mark: usize, message: &str) {
    let date = 1_767_225_600 + mark * 60;
    let _ = write!(
        stream,
        "commit {branch}\nmark :{mark}\ncommitter Carl Keeper <carl@example.org> {date} +0000\n\
         data {}\n{message}\n",
        message.len()
    );
}

fn file(stream: &mut String, number: usize, lines: &[String]) {
    let text = lines.join("\n");
    let folder = number % 17;
    let _ = write!(
        stream,
        "M 100644 inline part{folder}/file{number}.txt\ndata {}\n{text}\n",
        text.len()
    );
}

impl History {
    /// A client's repository.
    pub(crate) fn client(&self, number: usize) -> Repo {
        let client = self.clients[number].lock().expect("nobody panicked");
        Repo::at(client.repo.git(), client.repo.path())
    }

    /// Pushes the next commit of the client whose turn it is at this push.
    pub(crate) fn push(&self, number: usize, url: &str) {
        let client = &self.clients[number % self.clients.len()];
        let mut client = client.lock().expect("nobody panicked");
        let commit = &client.commits[client.pushed];
        let spec = format!("{commit}:{}", client.branch);
        client.repo.ok(&["push", "-q", url, &spec]);
        client.pushed += 1;
    }

    /// Whether every branch is where its last push put it.
    pub(crate) fn assert_whole(&self, mirror: &Repo) {
        for client in &self.clients {
            let client = client.lock().expect("nobody panicked");
            assert_eq!(mirror.id(&client.branch).as_ref(), client.commits.last());
        }
    }
}
