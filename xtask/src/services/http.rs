//! Just enough HTTP to ask a service on loopback whether it is there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// One request to a loopback port; the status and the body of the answer.
pub fn ask(method: &str, port: u16, path: &str, body: &str) -> Result<(u16, String), String> {
    exchange(method, port, path, body)
        .map_err(|error| format!("cannot {method} http://127.0.0.1:{port}{path}: {error}"))
}

/// One request that must be answered with this status.
pub fn expect(method: &str, port: u16, path: &str, body: &str, wanted: u16) -> Result<(), String> {
    let (status, body) = ask(method, port, path, body)?;
    if status == wanted {
        Ok(())
    } else {
        Err(format!(
            "{method} {path} was answered {status} instead of {wanted}: {body}"
        ))
    }
}

fn exchange(method: &str, port: u16, path: &str, body: &str) -> Result<(u16, String), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let text = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).map_err(text)?;
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).map_err(text)?;
    stream.set_write_timeout(patience).map_err(text)?;
    // HTTP/1.0: the answer ends with the connection and never comes in chunks.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).map_err(text)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(text)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| "not an HTTP answer".to_owned())
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some((status.parse().ok()?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let answer = "HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n<Error/>";
        assert_eq!(parse(answer), Some((403, "<Error/>".to_owned())));
    }

    #[test]
    fn an_answer_in_another_protocol_is_none() {
        assert_eq!(parse("220 ready\r\n\r\n"), None);
        assert_eq!(parse(""), None);
    }
}
