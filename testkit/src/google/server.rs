//! Connections, and which request means what:
//! <https://cloud.google.com/storage/docs/xml-api/reference-methods>.

use super::answer::{Answer, Refusal, refuse};
use super::ask::Ask;
use super::rules::Rules;
use super::{Shared, listing, objects, parts, rewrite};
use http::{Method, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Serves until told to stop.
pub(super) fn run(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        listener.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let accept = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(|request| respond(&shared, request));
                    let io = TokioIo::new(stream);
                    // A client that goes away is no failure.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .await;
                });
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

async fn respond(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<http::Response<http_body_util::Full<bytes::Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let head = parts.method == Method::HEAD;
    // Only what came whole counts: an upload that broke off changes nothing.
    let Ok(body) = body.collect().await else {
        let answer = Answer::from(refuse(400, "IncompleteBody", "The body is too short."));
        return Ok(answer.into_response(head));
    };
    let answer = match Ask::new(parts, body.to_bytes()) {
        Ok(ask) => answer(shared, &ask).await,
        Err(refusal) => Err(refusal),
    };
    Ok(answer.unwrap_or_else(Answer::from).into_response(head))
}

async fn answer(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    admit(shared, ask)?;
    if ask.method == Method::PUT && ask.object.is_empty() && ask.query.is_empty() {
        return make(shared, ask);
    }
    if ask.bucket != shared.rules.bucket || !shared.there.load(Ordering::Relaxed) {
        return Err(refuse(
            404,
            "NoSuchBucket",
            "The specified bucket does not exist.",
        ));
    }
    let object = !ask.object.is_empty();
    let has = |name| ask.query.contains_key(name);
    let bucket = || shared.bucket();
    match ask.method {
        Method::GET if !object && has("uploads") => parts::list_uploads(shared, ask, &bucket()),
        Method::GET if !object && (has("lifecycle") || has("versioning")) => {
            Ok(settings(&shared.rules, has("lifecycle")))
        }
        Method::GET if !object => listing::list(shared, ask, &bucket()),
        Method::GET | Method::HEAD if object && has("uploadId") => {
            parts::list_parts(shared.rules.page, ask, &mut bucket())
        }
        Method::GET | Method::HEAD if object => objects::read(ask, &bucket()),
        Method::PUT if object && has("uploadId") => parts::put_part(ask, &mut bucket()),
        Method::PUT if object => objects::put(shared, ask).await,
        Method::POST if ask.rewrite.is_some() => rewrite::rewrite(shared, ask),
        Method::POST if object && has("uploads") => parts::begin(ask, &mut bucket()),
        Method::POST if object && has("uploadId") => parts::complete(shared, ask),
        Method::DELETE if object && has("uploadId") => parts::abort(ask, &mut bucket()),
        Method::DELETE if object => objects::delete(shared, ask).await,
        _ => Err(refuse(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )),
    }
}

/// A bucket is made in a project:
/// <https://cloud.google.com/storage/docs/xml-api/put-bucket-create>.
fn make(shared: &Shared, ask: &Ask) -> Result<Answer, Refusal> {
    if ask.header("x-goog-project-id").is_none() {
        return Err(refuse(400, "InvalidArgument", "Invalid argument.")
            .about("The request names no project.".to_owned()));
    }
    if ask.bucket != shared.rules.bucket || shared.there.swap(true, Ordering::Relaxed) {
        let said = "The requested bucket name is not available.";
        return Err(refuse(409, "BucketAlreadyExists", said));
    }
    Ok(Answer::new(http::StatusCode::OK))
}

fn is_setting(ask: &Ask) -> bool {
    let names = ["lifecycle", "versioning"];
    ask.object.is_empty() && names.iter().any(|name| ask.query.contains_key(*name))
}

/// A setting of the bucket: <https://cloud.google.com/storage/docs/xml-api/get-bucket-lifecycle>,
/// <https://cloud.google.com/storage/docs/xml-api/get-bucket-versioning>.
fn settings(rules: &Rules, lifecycle: bool) -> Answer {
    let status = if rules.versioning {
        "Enabled"
    } else {
        "Suspended"
    };
    Answer::xml(if lifecycle {
        let inner = &rules.lifecycle;
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><LifecycleConfiguration>{inner}</LifecycleConfiguration>"
        )
    } else {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
        )
    })
}

/// Who may do what: <https://cloud.google.com/storage/docs/access-control/iam-xml>.
fn admit(shared: &Shared, ask: &Ask) -> Result<(), Refusal> {
    let rules = &shared.rules;
    let reads = matches!(ask.method, Method::GET | Method::HEAD);
    let lacks = |who: &str| {
        let right = match (&ask.method, ask.object.is_empty()) {
            (&Method::GET, true) if is_setting(ask) => "storage.buckets.get",
            (&Method::PUT, true) => "storage.buckets.create",
            (&Method::GET | &Method::HEAD, true) => "storage.objects.list",
            (&Method::GET | &Method::HEAD, false) => "storage.objects.get",
            (&Method::DELETE, _) => "storage.objects.delete",
            _ => "storage.objects.create",
        };
        refuse(403, "AccessDenied", "Access denied.").about(format!(
            "{who} does not have {right} access to the Google Cloud Storage object."
        ))
    };
    match ask.header("authorization") {
        None if rules.public && reads => {}
        None => return Err(lacks("Anonymous caller")),
        Some(value) => match value.strip_prefix("Bearer ") {
            Some(token) if token == rules.writer => {}
            Some(token) if token == rules.reader && reads && !is_setting(ask) => {}
            Some(token) if token == rules.reader => {
                return Err(lacks("reader@project.iam.gserviceaccount.com"));
            }
            _ => {
                return Err(refuse(
                    401,
                    "AuthenticationRequired",
                    "Authentication required.",
                ));
            }
        },
    }
    match (&rules.requester_pays, ask.header("x-goog-user-project")) {
        (Some(_), None) => Err(refuse(
            400,
            "UserProjectMissing",
            "Bucket is a requester pays bucket but no user project provided.",
        )),
        (Some(want), Some(given)) if want != given => Err(refuse(
            403,
            "UserProjectAccessDenied",
            "The requester is not authorized to use the project.",
        )),
        _ => Ok(()),
    }
}
