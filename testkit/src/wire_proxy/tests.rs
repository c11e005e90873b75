use super::{Crowd, Fault, Rule, WireProxy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that answers each request with its own path, `/chunked` in chunks, and
/// remembers what it was asked.
fn server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = String::new();
            while !text.contains("\r\n\r\n") || !text.ends_with("end") && text.contains("PUT") {
                let mut buffer = [0; 1024];
                let count = stream.read(&mut buffer).unwrap();
                if count == 0 {
                    break;
                }
                text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            heard.lock().unwrap().push(text);
            let reply = if path == "/chunked" {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 4\r\nchun\r\n3\r\nked\r\n0\r\n\r\n"
                    .to_owned()
            } else {
                let length = path.len();
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{path}")
            };
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    (address, seen)
}

/// Sends one request on a fresh connection; returns all that came back before its end.
fn ask(proxy: &WireProxy, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn get(proxy: &WireProxy, path: &str) -> String {
    ask(proxy, &format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"))
}

const PUT: &str =
    "PUT /f HTTP/1.1\r\nHost: h:1\r\nIf-Match: \"1\"\r\nContent-Length: 7\r\n\r\nthe end";

#[test]
fn without_rules_bytes_pass_as_they_are_and_are_counted() {
    let (address, seen) = server();
    let proxy = WireProxy::start(address);
    assert!(get(&proxy, "/path?q=1").ends_with("\r\n\r\n/path?q=1"));
    assert!(get(&proxy, "/chunked").ends_with("3\r\nked\r\n0\r\n\r\n"));
    assert!(ask(&proxy, PUT).ends_with("\r\n\r\n/f"));
    assert_eq!(seen.lock().unwrap()[2], PUT, "the Host header above all");
    assert_eq!((proxy.count("GET"), proxy.count("PUT")), (2, 1));
    assert_eq!((proxy.depth(), proxy.bytes()), (3, (7, 9 + 7 + 2)));
    let records = proxy.records();
    assert_eq!(records[0].path, "/path?q=1");
    assert_eq!(records[0].status, Some(200));
    proxy.forget();
    assert!(proxy.records().is_empty());
}

#[test]
fn one_connection_serves_many_requests() {
    let (address, _) = server();
    let proxy = WireProxy::start(address);
    let two = "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
    let replies = ask(&proxy, two);
    assert!(replies.contains("/aHTTP/1.1") && replies.ends_with("/b"));
    assert_eq!((proxy.connections(), proxy.round_trips()), (1, 3 + 1));
    get(&proxy, "/c");
    assert_eq!((proxy.connections(), proxy.round_trips()), (2, 3 + 1 + 3));
}

#[test]
fn requests_wait_for_each_other() {
    let (address, _) = server();
    let proxy = WireProxy::start(address);
    proxy.rule(Rule::new(Fault::Gather(Crowd::of(3))).always());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert!(get(&proxy, "/a").ends_with("/a")));
        }
    });
    assert_eq!((proxy.depth(), proxy.connections()), (1, 3));
}

#[test]
fn a_rule_meets_the_request_that_it_is_for() {
    let (address, seen) = server();
    let proxy = WireProxy::start(address);
    proxy.rule(Rule::new(Fault::Answer(503)).method("GET").path("b").nth(2));
    assert!(get(&proxy, "/b1").contains("200 OK"));
    assert!(get(&proxy, "/a").contains("200 OK"));
    assert!(!proxy.spent());
    assert!(get(&proxy, "/b2").contains("503 Service Unavailable"));
    assert!(proxy.spent());
    assert!(get(&proxy, "/b3").contains("200 OK"));
    assert_eq!(
        seen.lock().unwrap().len(),
        3,
        "the server never heard of b2"
    );
}

#[test]
fn a_lost_reply_leaves_the_work_done() {
    let (address, seen) = server();
    let proxy = WireProxy::start(address);
    proxy.rule(Rule::new(Fault::LoseReply).conditional());
    proxy.rule(Rule::new(Fault::AnswerAfter(500)).conditional());
    proxy.rule(Rule::new(Fault::ResetBefore).conditional());
    assert_eq!(ask(&proxy, PUT), "");
    assert!(ask(&proxy, PUT).contains("500 Internal"));
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(ask(&proxy, PUT), "");
    assert_eq!(seen.lock().unwrap().len(), 2);
    let told: Vec<_> = proxy.records().iter().map(|r| r.status).collect();
    assert_eq!(told, [None, Some(500), None]);
}

#[test]
fn bodies_are_cut_and_bits_turned_over() {
    let (address, _) = server();
    let proxy = WireProxy::start(address);
    proxy.rule(Rule::new(Fault::CutBody(3)));
    proxy.rule(Rule::new(Fault::CutBody(5)));
    proxy.rule(Rule::new(Fault::FlipBit(8)));
    proxy.rule(Rule::new(Fault::FlipBit(8 * 4)));
    assert!(get(&proxy, "/12345").ends_with("\r\n\r\n/12"));
    assert!(get(&proxy, "/chunked").ends_with("\r\nchun\r\n3\r\nk"));
    assert!(get(&proxy, "/12345").ends_with("\r\n\r\n/02345"));
    assert!(get(&proxy, "/chunked").ends_with("\r\n3\r\njed\r\n0\r\n\r\n"));
}

#[test]
fn conditions_are_stripped_and_callbacks_called() {
    let (address, seen) = server();
    let proxy = WireProxy::start(address);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let call = |when: &'static str| {
        let (calls, seen) = (Arc::clone(&calls), Arc::clone(&seen));
        Arc::new(move || {
            calls
                .lock()
                .unwrap()
                .push((when, seen.lock().unwrap().len()))
        })
    };
    proxy.rule(Rule::new(Fault::StripConditions));
    proxy.rule(Rule::new(Fault::CallBefore(call("before"))));
    proxy.rule(Rule::new(Fault::CallAfter(call("after"))));
    for _ in 0..3 {
        assert!(ask(&proxy, PUT).contains("200 OK"));
    }
    let seen = seen.lock().unwrap();
    assert!(!seen[0].contains("If-Match") && seen[0].ends_with("the end"));
    assert!(seen[1].contains("If-Match"));
    assert_eq!(*calls.lock().unwrap(), [("before", 1), ("after", 3)]);
}

#[tokio::test]
async fn it_starts_and_stops_on_a_runtime_too() {
    let (address, _) = server();
    let proxy = WireProxy::start(address);
    assert!(get(&proxy, "/a").ends_with("/a"));
}

#[test]
fn an_answer_can_be_shorter_and_say_so_and_can_be_another() {
    let (address, seen) = server();
    let proxy = WireProxy::start(address);
    proxy.rule(Rule::new(Fault::Shorten(3)));
    proxy.rule(Rule::new(Fault::Say("odd")));
    proxy.rule(Rule::new(Fault::SayAfter("odd too")));
    proxy.rule(Rule::new(Fault::Drip(std::time::Duration::from_millis(1))));
    let short = get(&proxy, "/path");
    assert!(
        short.contains("Content-Length: 3\r\n\r\n") && short.ends_with("\n/pa"),
        "{short}"
    );
    assert_eq!(get(&proxy, "/a"), "odd");
    assert_eq!(
        seen.lock().unwrap().len(),
        1,
        "the server never heard of it"
    );
    assert_eq!(get(&proxy, "/b"), "odd too");
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert!(get(&proxy, "/drip").ends_with("\r\n\r\n/drip"));
}
