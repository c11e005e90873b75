//! One connection: requests in, requests on, responses back, and what a rule does to them.

use super::http::{BodyReader, Head, Piece, Wire};
use super::rule::Fault;
use super::{Shared, lock};
use std::future::pending;
use std::io::Result;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Serves a client until it goes, or a fault ends the connection.
pub(super) async fn connection(client: TcpStream, upstream: SocketAddr, state: Shared) {
    let _ = client.set_nodelay(true);
    let mut client = Wire::new(client);
    let connection = lock(&state).log.connect();
    let mut first = true;
    while let Ok(Some(head)) = client.head().await {
        let (method, path) = head.request();
        let conditional =
            head.header("if-match").is_some() || head.header("if-none-match").is_some();
        let (number, fault) = {
            let mut state = lock(&state);
            let number = state.log.start(connection, first, &method, &path);
            first = false;
            state.log.update(number, |record| {
                record.headers = String::from_utf8_lossy(&head.bytes).into_owned();
            });
            let fault = state
                .rules
                .iter_mut()
                .find_map(|rule| rule.takes(&method, &path, conditional));
            state
                .log
                .update(number, |record| record.faulty = fault.is_some());
            (number, fault)
        };
        let mut exchange = Exchange {
            client: &mut client,
            upstream,
            state: &state,
            number,
            method,
        };
        let after = exchange.run(head, fault).await.unwrap_or(After::Reset);
        lock(&state).log.end(number);
        match after {
            After::Serve => {}
            After::Close => {
                let _ = client.stream.shutdown().await;
                // What the client still sends is read: an answer that it has not read yet
                // would be lost if we met it with a reset.
                while !matches!(client.head().await, Ok(None) | Err(_)) {}
                return;
            }
            After::Reset => {
                let _ = client.stream.set_zero_linger();
                return;
            }
        }
    }
}

/// What becomes of a connection after an exchange.
enum After {
    Serve,
    Close,
    /// A reset: how a client meets a server that died.
    Reset,
}

/// One request and its response.
struct Exchange<'a> {
    client: &'a mut Wire,
    upstream: SocketAddr,
    state: &'a Shared,
    number: usize,
    method: String,
}

impl Exchange<'_> {
    async fn run(&mut self, mut head: Head, fault: Option<Fault>) -> Result<After> {
        match &fault {
            Some(Fault::Answer(status)) => {
                self.take_body(&head).await?;
                return self.answer(*status).await;
            }
            Some(Fault::Say(text)) => {
                self.take_body(&head).await?;
                return self.say(text).await;
            }
            Some(Fault::ResetBefore) => return Ok(After::Reset),
            Some(Fault::Stall) => return pending().await,
            Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
            Some(Fault::Gather(crowd)) => crowd.wait().await,
            Some(Fault::CallBefore(call)) => call(),
            Some(Fault::StripConditions) => head = head.without(&["if-match", "if-none-match"]),
            _ => {}
        }
        let mut server = Wire::new(TcpStream::connect(self.upstream).await?);
        let _ = server.stream.set_nodelay(true);
        self.forward(&head, &mut server).await?;
        let mut response = server_head(&mut server).await?;
        // An interim answer (103, a second 100) is nothing that our clients wait for.
        while response.status() < 200 {
            response = server_head(&mut server).await?;
        }
        let body = BodyReader::new(response.response_length(&self.method));
        match fault {
            Some(Fault::AnswerAfter(status)) => {
                swallow(body, &mut server).await?;
                self.answer(status).await
            }
            Some(Fault::SayAfter(text)) => {
                swallow(body, &mut server).await?;
                self.say(text).await
            }
            Some(Fault::LoseReply) => {
                swallow(body, &mut server).await?;
                Ok(After::Reset)
            }
            Some(Fault::StallAfter) => {
                swallow(body, &mut server).await?;
                pending().await
            }
            Some(Fault::CallAfter(call)) => {
                call();
                self.reply(&response, body, &mut server, None).await
            }
            other => self.reply(&response, body, &mut server, other).await,
        }
    }

    /// Sends the request on, body and all.
    async fn forward(&mut self, head: &Head, server: &mut Wire) -> Result<()> {
        let waits = head
            .header("expect")
            .is_some_and(|what| what.eq_ignore_ascii_case("100-continue"));
        if waits {
            // Answered here, so that no fault need know of it. No signature covers it.
            let head = head.without(&["expect"]);
            server.stream.write_all(&head.bytes).await?;
            let go = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.client.stream.write_all(go).await?;
        } else {
            server.stream.write_all(&head.bytes).await?;
        }
        let mut body = BodyReader::new(head.request_length());
        while !body.done() {
            let piece = body.next(self.client).await?;
            self.sent(&piece);
            server.stream.write_all(&piece.bytes).await?;
        }
        Ok(())
    }

    /// Reads the body of a request that goes nowhere.
    async fn take_body(&mut self, head: &Head) -> Result<()> {
        if head.header("expect").is_some() {
            return Ok(()); // it is not sent before it is asked for
        }
        let mut body = BodyReader::new(head.request_length());
        while !body.done() {
            let piece = body.next(self.client).await?;
            self.sent(&piece);
        }
        Ok(())
    }

    fn sent(&self, piece: &Piece) {
        let bytes = piece.content as u64;
        lock(self.state)
            .log
            .update(self.number, |record| record.sent += bytes);
    }

    /// Passes a response on, unless it is cut, and with a bit turned over if so wished.
    async fn reply(
        &mut self,
        head: &Head,
        mut body: BodyReader,
        server: &mut Wire,
        fault: Option<Fault>,
    ) -> Result<After> {
        let status = head.status();
        lock(self.state)
            .log
            .update(self.number, |record| record.status = Some(status));
        if body.done() {
            // Before the client can know it and send the next one.
            lock(self.state).log.end(self.number);
        }
        let mut head = head.clone();
        if let Some(Fault::Shorten(bytes)) = fault {
            head = head.shortened(bytes);
        }
        self.client.stream.write_all(&head.bytes).await?;
        let rest = head.header("content-length").is_none()
            && head.header("transfer-encoding").is_none()
            && !body.done();
        let mut passed = 0;
        while !body.done() {
            let mut piece = body.next(server).await?;
            let content = piece.content as u64;
            let here = passed..passed + content;
            match fault {
                // Content stands at the start of a piece, with framing at most behind it.
                Some(Fault::FlipBit(bit)) if here.contains(&(bit / 8)) => {
                    piece.bytes[(bit / 8 - passed) as usize] ^= 1 << (bit % 8);
                }
                Some(Fault::Drip(time)) => {
                    for byte in &piece.bytes {
                        tokio::time::sleep(time).await;
                        self.received(1);
                        self.client.stream.write_all(&[*byte]).await?;
                    }
                    passed += content;
                    continue;
                }
                Some(Fault::CutBody(bytes) | Fault::Shorten(bytes)) if bytes < here.end => {
                    let keep = (bytes - passed) as usize;
                    self.received(keep as u64);
                    self.client.stream.write_all(&piece.bytes[..keep]).await?;
                    // An orderly end, so that the client gets the bytes before it.
                    return Ok(After::Close);
                }
                _ => {}
            }
            passed += content;
            self.received(content);
            if body.done() {
                lock(self.state).log.end(self.number);
            }
            self.client.stream.write_all(&piece.bytes).await?;
        }
        Ok(if rest || closes(&head) {
            After::Close
        } else {
            After::Serve
        })
    }

    fn received(&self, bytes: u64) {
        lock(self.state)
            .log
            .update(self.number, |record| record.received += bytes);
    }

    /// An answer word for word, and the end of the connection.
    async fn say(&mut self, text: &str) -> Result<After> {
        lock(self.state).log.end(self.number);
        self.client.stream.write_all(text.as_bytes()).await?;
        Ok(After::Close)
    }

    /// An error of our own, as S3 words it.
    async fn answer(&mut self, status: u16) -> Result<After> {
        let (reason, code) = match status {
            400 => ("Bad Request", "InvalidRequest"),
            403 => ("Forbidden", "AccessDenied"),
            404 => ("Not Found", "NoSuchKey"),
            409 => ("Conflict", "ConditionalRequestConflict"),
            412 => ("Precondition Failed", "PreconditionFailed"),
            429 => ("Too Many Requests", "TooManyRequests"),
            500 => ("Internal Server Error", "InternalError"),
            501 => ("Not Implemented", "NotImplemented"),
            503 => ("Service Unavailable", "SlowDown"),
            _ => ("Other", "InternalError"),
        };
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>a fault of the test's proxy</Message></Error>"
        );
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: application/xml\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        {
            let mut state = lock(self.state);
            state.log.update(self.number, |record| {
                record.status = Some(status);
            });
            state.log.end(self.number);
        }
        let body = if self.method == "HEAD" { "" } else { &body };
        self.received(body.len() as u64);
        let whole = [head.as_bytes(), body.as_bytes()].concat();
        self.client.stream.write_all(&whole).await?;
        Ok(After::Close)
    }
}

async fn server_head(server: &mut Wire) -> Result<Head> {
    let head = server.head().await?;
    head.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// Reads a response that nobody gets: the server has then done its work.
async fn swallow(mut body: BodyReader, server: &mut Wire) -> Result<()> {
    while !body.done() {
        body.next(server).await?;
    }
    Ok(())
}

fn closes(head: &Head) -> bool {
    head.header("connection")
        .is_some_and(|what| what.eq_ignore_ascii_case("close"))
}
