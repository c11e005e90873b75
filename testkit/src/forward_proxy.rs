//! A loopback proxy as companies run them: `CONNECT` for encrypted services (RFC 9110,
//! 9.3.6), requests with the whole URL for plain ones (RFC 9112, 3.2.2), with or without a
//! password. It runs on a thread of its own, so that a test may block while git runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A running proxy. It ends with the process.
#[derive(Debug)]
pub struct ForwardProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    /// Starts one that lets everybody through, or only those who send this value of
    /// `Proxy-Authorization`.
    ///
    /// # Panics
    ///
    /// If this machine has no free port.
    pub fn start(authorization: Option<&str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, wanted) = (Arc::clone(&asked), authorization.map(str::to_owned));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, wanted) = (Arc::clone(&log), wanted.clone());
                // A connection that breaks is the client's affair.
                std::thread::spawn(move || serve(&client, &log, wanted.as_deref()));
            }
        });
        Self { address, asked }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first line of every request so far.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    client: &TcpStream,
    log: &Mutex<Vec<String>>,
    wanted: Option<&str>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let first = head[0].trim_end().to_owned();
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(first.clone());
    let value = |name: &str| {
        head.iter().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let mut out = client;
    if wanted.is_some() && value("proxy-authorization") != wanted {
        return out.write_all(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\
              Content-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    let mut words = first.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut server = if method == "CONNECT" {
        let server = TcpStream::connect(target);
        let Ok(server) = server else {
            return out.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
        };
        out.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        server
    } else {
        let Some((host, path)) = target
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
        else {
            return out.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        };
        let mut server = TcpStream::connect(host)?;
        write!(server, "{method} /{path} HTTP/1.1\r\nConnection: close\r\n")?;
        for line in &head[1..] {
            let name = line.split(':').next().unwrap_or_default();
            let own = ["proxy-authorization", "connection"];
            if !own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                server.write_all(line.as_bytes())?;
            }
        }
        server.write_all(b"\r\n")?;
        server
    };
    let mut back = server.try_clone()?;
    let mut to_client = client.try_clone()?;
    let down = std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => server.write_all(&buffer[..count])?,
        }
    }
    let _ = server.shutdown(Shutdown::Write);
    let _ = down.join();
    Ok(())
}
