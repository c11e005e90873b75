//! Stock git over smart HTTP: `git http-backend` behind the least web server that does.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use testkit::git::Git;

/// Serves the repositories of a folder on loopback, for as long as the process lives.
pub(crate) fn serve(git: &Git, root: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    let git = git.at(root);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let git = git.clone();
            std::thread::spawn(move || answer(&git, stream));
        }
    });
    address
}

fn answer(git: &Git, stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    let mut writer = stream;
    while let Some(request) = Request::read(&mut reader) {
        let reply = request.run(git);
        if writer.write_all(&reply).is_err() {
            return;
        }
    }
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let mut first = lines.first()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers: Vec<(String, String)> = lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut request = Self {
            method,
            target,
            headers,
            body: Vec::new(),
        };
        if request.header("transfer-encoding").is_some() {
            request.body = chunks(from)?;
        } else if let Some(length) = request.header("content-length") {
            request.body = vec![0; length.parse().ok()?];
            from.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Runs it as a CGI program (RFC 3875) and makes its answer one of HTTP.
    fn run(&self, git: &Git) -> Vec<u8> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut command = git.command(&["http-backend"]);
        command
            .env("GIT_PROJECT_ROOT", git.folder())
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &self.method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env(
                "CONTENT_TYPE",
                self.header("content-type").unwrap_or_default(),
            )
            .env("CONTENT_LENGTH", self.body.len().to_string())
            .env(
                "HTTP_CONTENT_ENCODING",
                self.header("content-encoding").unwrap_or_default(),
            )
            .env(
                "GIT_PROTOCOL",
                self.header("git-protocol").unwrap_or_default(),
            );
        let out = testkit::git::run(command, &self.body);
        let split = out.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let split = split.unwrap_or_else(|| panic!("no answer to {}: {}", self.target, out.stderr));
        let head = String::from_utf8_lossy(&out.bytes[..split]).into_owned();
        let body = &out.bytes[split + 4..];
        let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
        let mut reply = format!("HTTP/1.1 {}\r\n", status.unwrap_or("200 OK")).into_bytes();
        for line in head.lines().filter(|line| !line.starts_with("Status: ")) {
            reply.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        reply.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        reply.extend_from_slice(body);
        reply
    }
}

/// A body of chunks (RFC 9112, 7.1).
fn chunks(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        from.read_exact(&mut chunk).ok()?;
        chunk.truncate(size);
        if size == 0 {
            return Some(out);
        }
        out.extend(chunk);
    }
}
