use super::*;
use crate::error::ErrorKind;
use crate::store::SystemEnv;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::forward_proxy::ForwardProxy;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// Reads a request without a body, up to its empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

async fn answer_all(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while head(&mut stream).await.is_some() {
        stream
            .write_all(ANSWER.as_bytes())
            .await
            .expect("an answer");
    }
}

/// A service that treats each connection as told, its address, and its connections so far.
async fn service<F>(treat: impl Fn(TcpStream) -> F + Send + 'static) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(treat(stream));
        }
    });
    (address, accepted)
}

fn client(idle: Duration) -> Client {
    let connect = Duration::from_secs(5);
    Client::new(&BTreeMap::new(), Limits { connect, idle })
}

fn get(url: &str) -> Request<Outgoing> {
    let request = Request::get(url).body(Outgoing::default());
    request.expect("a request")
}

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn connections_are_used_again_one_after_another_and_not_at_once() {
    let (address, accepted) = service(answer_all).await;
    let client = client(SOON);
    let url = format!("http://{address}/a?b");
    for _ in 0..20 {
        let answer = client.send_whole(get(&url)).await.expect("an answer");
        assert_eq!(answer.into_body(), "hello");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
    let first = client.send(get(&url)).await.expect("an answer");
    client.send_whole(get(&url)).await.expect("an answer");
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
    // A body that nobody reads to its end takes its connection along.
    drop(first);
    let both = [client.send_whole(get(&url)), client.send_whole(get(&url))];
    futures_util::future::try_join_all(both)
        .await
        .expect("answers");
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_says_what_the_signature_covers() {
    let (sender, mut heads) = tokio::sync::mpsc::channel(4);
    let (address, _) = service(move |mut stream| {
        let sender = sender.clone();
        async move {
            sender.send(head(&mut stream).await).await.expect("a test");
            stream
                .write_all(ANSWER.as_bytes())
                .await
                .expect("an answer");
        }
    })
    .await;
    client(SOON)
        .send_whole(get(&format!("http://{address}/a%20b?c")))
        .await
        .expect("an answer");
    let head = heads.recv().await.flatten().expect("a head");
    assert!(head.starts_with("GET /a%20b?c HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
    assert!(head.contains("user-agent: git-pail/"), "{head}");
}

#[tokio::test]
async fn silence_ends_a_request_and_a_slow_answer_does_not() {
    let (silent, _) = service(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let failure = client(SOON)
        .send_whole(get(&format!("http://{silent}/")))
        .await;
    assert!(matches!(failure, Err(Failure::Cut(_))), "{failure:?}");

    let (stalling, _) = service(|mut stream| async move {
        head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe")
            .await
            .expect("half");
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let failure = client(SOON)
        .send_whole(get(&format!("http://{stalling}/")))
        .await;
    assert!(matches!(failure, Err(Failure::Cut(_))), "{failure:?}");

    let (slow, _) = service(|mut stream| async move {
        head(&mut stream).await;
        for byte in ANSWER.as_bytes().chunks(8) {
            tokio::time::sleep(SOON / 6).await;
            let ok = stream.write_all(byte).await.is_ok();
            assert!(ok, "the client went away");
        }
    })
    .await;
    // The head alone takes longer than the limit; it comes in pieces of which hyper tells
    // nothing, so the limit is for all of it.
    let client = client(SOON * 4);
    let answer = client
        .send_whole(get(&format!("http://{slow}/")))
        .await
        .expect("an answer");
    assert_eq!(answer.into_body(), "hello");
}

#[tokio::test]
async fn a_body_that_is_taken_slowly_is_no_silence() {
    let (address, _) = service(|mut stream| async move {
        head(&mut stream).await;
        let mut left = 16 << 20;
        while left > 0 {
            let mut taken = vec![0; 1 << 20];
            stream.read_exact(&mut taken).await.expect("a body");
            left -= taken.len();
            tokio::time::sleep(SOON * 2 / 5).await;
        }
        stream
            .write_all(ANSWER.as_bytes())
            .await
            .expect("an answer");
    })
    .await;
    let body = Outgoing::new(Bytes::from(vec![7; 16 << 20]));
    let request = Request::put(format!("http://{address}/"))
        .body(body)
        .expect("a request");
    client(SOON * 4)
        .send_whole(request)
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_limited_line_loses_no_byte_either_way() {
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let sent = Bytes::from(body.clone());
    let (address, _) = service(move |mut stream| {
        let body = body.clone();
        async move {
            head(&mut stream).await;
            let mut came = vec![0; body.len()];
            stream.read_exact(&mut came).await.expect("a body");
            assert!(came == body);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.expect("a head");
            stream.write_all(&came).await.expect("a body");
        }
    })
    .await;
    let limited = Network {
        up: NonZeroU64::new(8 << 20),
        down: NonZeroU64::new(8 << 20),
        ..Network::from(Limits::default())
    };
    let client = Client::new(&BTreeMap::new(), limited);
    let request = Request::put(format!("http://{address}/"))
        .body(Outgoing::new(sent.clone()))
        .expect("a request");
    let answer = client.send_whole(request).await.expect("an answer");
    assert!(answer.into_body() == sent);
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    for url in [format!("http://{address}/"), format!("https://{address}/")] {
        let failure = client(SOON).send_whole(get(&url)).await;
        assert!(matches!(failure, Err(Failure::Unsent(_))), "{failure:?}");
    }
    let failure = client(SOON)
        .send_whole(get("http://no-such-host.invalid/"))
        .await;
    assert!(matches!(failure, Err(Failure::Unsent(_))), "{failure:?}");
}

fn network(proxy: &str, ca_file: Option<&str>) -> Network {
    Network {
        limits: Limits {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5),
        },
        proxy: Some(Secret::new(proxy)),
        ca_file: ca_file.map(PathBuf::from),
        ..Network::default()
    }
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_with_the_whole_url() {
    let (address, _) = service(answer_all).await;
    // RFC 7617, section 2: "Aladdin" and "open sesame".
    let proxy = ForwardProxy::start(Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    let url = format!("http://{address}/a?b");
    let at = proxy.address();
    let good = format!("http://Aladdin:open%20sesame@{at}");
    let through = Client::new(&BTreeMap::new(), network(&good, None));
    let answer = through.send_whole(get(&url)).await.expect("an answer");
    assert_eq!(answer.into_body(), "hello");
    assert_eq!(proxy.asked(), [format!("GET {url} HTTP/1.1")]);

    for (bad, why) in [
        (format!("http://{at}"), "wants"),
        (format!("http://Aladdin:hush@{at}"), "does not accept"),
    ] {
        let through = Client::new(&BTreeMap::new(), network(&bad, None));
        let failure = through.send_whole(get(&url)).await.expect_err("barred");
        assert_eq!(failure.kind(), ErrorKind::Denied);
        let text = format!("{failure} {failure:?}");
        assert!(text.contains(why) && !text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn encrypted_requests_go_through_a_tunnel_of_the_proxy() {
    let (address, authority) = tls_service().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).expect("a file");
    let ca = file.to_str();
    let url = format!("https://{address}/a");
    let proxy = ForwardProxy::start(Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    let at = proxy.address();
    let good = format!("Aladdin:open%20sesame@{at}");
    let through = Client::new(&BTreeMap::new(), network(&good, ca));
    for _ in 0..3 {
        let answer = through.send_whole(get(&url)).await.expect("an answer");
        assert_eq!(answer.into_body(), "hello");
    }
    // One tunnel for all: the connection is kept.
    assert_eq!(proxy.asked(), [format!("CONNECT {address} HTTP/1.1")]);

    // Whom to trust is asked of the service, not of the proxy.
    let stranger = Client::new(&BTreeMap::new(), network(&good, None));
    let failure = stranger.send_whole(get(&url)).await;
    assert!(matches!(failure, Err(Failure::Untrusted(_))), "{failure:?}");

    let bare = Client::new(&BTreeMap::new(), network(&format!("http://{at}"), ca));
    let failure = bare.send_whole(get(&url)).await;
    assert!(matches!(failure, Err(Failure::Barred(_))), "{failure:?}");

    let gone = Client::new(&BTreeMap::new(), network(&good, ca));
    let failure = gone.send_whole(get("https://127.0.0.1:1/")).await;
    assert!(matches!(failure, Err(Failure::Unsent(_))), "{failure:?}");

    let nobody = Client::new(&BTreeMap::new(), network("http://127.0.0.1:1", ca));
    let failure = nobody.send_whole(get(&url)).await;
    assert!(
        matches!(&failure, Err(Failure::Unsent(why)) if why.contains("proxy 127.0.0.1:1")),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_breaks_off_or_babbles_is_no_connection() {
    for says in [
        "",
        "HTTP/1.1 200",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 503 no\r\n\r\n",
    ] {
        let (at, _) = service(move |mut stream| async move {
            head(&mut stream).await;
            let _ = stream.write_all(says.as_bytes()).await;
        })
        .await;
        let through = Client::new(&BTreeMap::new(), network(&format!("http://{at}"), None));
        let failure = through.send_whole(get("https://localhost:1/")).await;
        assert!(
            matches!(failure, Err(Failure::Unsent(_))),
            "{says:?}: {failure:?}"
        );
    }
}

/// A SOCKS server (RFC 1928, RFC 1929) that wants the password `sesame` and leads to `to`.
async fn socks(to: String) -> String {
    let (at, _) = service(move |mut stream| {
        let to = to.clone();
        async move {
            let mut hello = [0; 3];
            stream.read_exact(&mut hello).await.expect("a greeting");
            assert_eq!(hello, [5, 1, 2], "version 5, one method: name and password");
            stream.write_all(&[5, 2]).await.expect("a method");
            let mut login = [0; 3 + 7 + 6];
            stream.read_exact(&mut login).await.expect("a login");
            assert_eq!(&login, b"\x01\x07Aladdin\x06sesame");
            stream.write_all(&[1, 0]).await.expect("a welcome");
            let mut ask = [0; 5];
            stream.read_exact(&mut ask).await.expect("a request");
            assert_eq!(ask[..4], [5, 1, 0, 3], "connect, by name");
            let mut name = vec![0; usize::from(ask[4]) + 2];
            stream.read_exact(&mut name).await.expect("a name");
            assert!(name.starts_with(b"service.invalid"));
            let reply = [5, 0, 0, 1, 127, 0, 0, 1, 0, 0];
            stream.write_all(&reply).await.expect("a reply");
            let mut server = TcpStream::connect(&to).await.expect("a service");
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        }
    })
    .await;
    at
}

#[tokio::test]
async fn a_socks_proxy_finds_the_host_itself() {
    let (address, _) = service(answer_all).await;
    let at = socks(address).await;
    let proxy = network(&format!("socks5h://Aladdin:sesame@{at}"), None);
    let client = Client::new(&BTreeMap::new(), proxy);
    let answer = client.send_whole(get("http://service.invalid/")).await;
    assert_eq!(answer.expect("an answer").into_body(), "hello");
}

/// A service with a certificate of an authority that nobody knows, and the authority's own.
async fn tls_service() -> (String, String) {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = ca.self_signed(&ca_key).expect("a certificate").pem();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (address, _) = service(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer_all(stream).await;
            }
        }
    })
    .await;
    (address.replace("127.0.0.1", "localhost"), authority)
}

#[tokio::test]
async fn a_certificate_is_trusted_if_its_authority_is_named() {
    let (address, authority) = tls_service().await;
    let url = format!("https://{address}/");
    let failure = client(SOON).send_whole(get(&url)).await;
    assert!(matches!(failure, Err(Failure::Untrusted(_))), "{failure:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let good = file("good.pem", &authority);
    let with = |pairs: &[(&str, &str)]| {
        let env: BTreeMap<_, _> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Client::new(&env, Limits::default())
    };
    for pairs in [
        &[("AWS_CA_BUNDLE", good.as_str())][..],
        &[("SSL_CERT_FILE", good.as_str())],
        &[("AWS_CA_BUNDLE", good.as_str()), ("SSL_CERT_FILE", "/none")],
    ] {
        let client = with(pairs);
        for _ in 0..2 {
            let answer = client.send_whole(get(&url)).await.expect("an answer");
            assert_eq!(answer.into_body(), "hello");
        }
    }
    for bad in [
        file("empty.pem", ""),
        file("odd.pem", "-----BEGIN"),
        "/none".to_owned(),
    ] {
        let failure = with(&[("AWS_CA_BUNDLE", &bad)]).send_whole(get(&url)).await;
        assert!(
            matches!(&failure, Err(Failure::Untrusted(why)) if why.contains(&bad)),
            "{failure:?}"
        );
    }
}

#[test]
fn a_client_costs_nothing_before_its_first_request() {
    // No runtime, no file: building one does no I/O.
    let client = Client::new(&SystemEnv, Limits::default());
    assert!(format!("{client:?}").starts_with("Client"));
}

#[test]
fn an_error_in_a_good_answer_is_found_at_its_root_only() {
    for (body, want) in [
        ("<Error><Code>x</Code></Error>", true),
        ("<?xml version=\"1.0\"?>\n <Error xmlns=\"x\">", true),
        (
            "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Key>Error></Key>",
            false,
        ),
        ("<Errors>", false),
        ("", false),
    ] {
        assert_eq!(holds_error(body.as_bytes()), want, "{body}");
    }
}
