//! A conversation with the helper, in git's place.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use testkit::git::Output;

/// A conversation with the helper.
#[derive(Debug)]
pub(crate) struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Talk {
    /// Starts a helper. It leads a process group of its own.
    pub(crate) fn start(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// The process, which leads its group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says something and waits for no answer. A helper that went away is no failure.
    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("the conversation is open");
        let _ = stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush());
    }

    /// Says something and reads one line.
    pub(crate) fn ask(&mut self, text: &str) -> String {
        self.say(text);
        self.line()
    }

    /// Says something and reads up to a blank line.
    pub(crate) fn ask_all(&mut self, text: &str) -> Vec<String> {
        self.say(text);
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return lines;
            }
            lines.push(line);
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("standard output is open");
        stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Stops reading what the helper says.
    pub(crate) fn stop_listening(&mut self) {
        self.stdout = None;
    }

    /// Closes the helper's input and waits for its end; the rest of what it says.
    pub(crate) fn end(mut self) -> Output {
        self.stdin = None;
        let mut rest = Vec::new();
        if let Some(stdout) = &mut self.stdout {
            std::io::Read::read_to_end(stdout, &mut rest).unwrap();
        }
        let out = self.child.wait_with_output().unwrap();
        Output {
            status: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&rest).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
            bytes: rest,
        }
    }
}
