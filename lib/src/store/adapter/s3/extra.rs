//! What the options add to requests: headers, by what is asked for.

#[cfg(test)]
mod tests;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::Options;
use crate::store::options::Sse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use md5::{Digest, Md5};
use std::path::Path;

/// Headers to add, each by its reason.
#[derive(Default)]
pub(super) struct Extra {
    /// To every request.
    always: HeaderMap,
    /// To requests that make a file.
    write: HeaderMap,
    /// To those that make one that is written once.
    once: HeaderMap,
    /// To requests that write or read the bytes of a file.
    bytes: HeaderMap,
    /// To the one that begins a session with a directory bucket.
    pub(super) session: HeaderMap,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To make a file, which will be written anew some time if there was a condition.
    Write {
        once: bool,
    },
    Part,
    Read,
    Other,
}

impl Extra {
    /// Makes the headers. Reads the file of the customer's key, if one is named.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if that file cannot be read, [`ErrorKind::Invalid`] if it holds
    /// no key, or if a directory bucket does not go with an option.
    pub(super) async fn new(options: &Options, is_directory: bool) -> Result<Self> {
        if is_directory {
            fits_directory(options)?;
        }
        let mut out = Self::default();
        if options.requester_pays {
            insert(&mut out.always, "x-amz-request-payer", "requester")?;
        }
        if let Some(acl) = options.acl {
            insert(&mut out.write, "x-amz-acl", acl.name())?;
        }
        if !options.tags.is_empty() {
            let tags = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&options.tags)
                .finish();
            insert(&mut out.write, "x-amz-tagging", &tags)?;
        }
        for (name, value) in &options.metadata {
            insert(&mut out.write, &format!("x-amz-meta-{name}"), value)?;
        }
        if let Some(class) = &options.storage_class {
            insert(
                &mut out.once,
                "x-amz-storage-class",
                &class.to_ascii_uppercase(),
            )?;
        }
        // The keys of a directory bucket are settled when a session begins.
        let sse = if is_directory {
            &mut out.session
        } else {
            &mut out.write
        };
        const PREFIX: &str = "x-amz-server-side-encryption";
        match options.sse {
            None | Some(Sse::None | Sse::Customer) => {}
            Some(Sse::Aes256) => insert(sse, PREFIX, "AES256")?,
            Some(Sse::Kms) => insert(sse, PREFIX, "aws:kms")?,
            Some(Sse::Dsse) => insert(sse, PREFIX, "aws:kms:dsse")?,
        }
        if let Some(key) = &options.sse_kms_key {
            insert(sse, &format!("{PREFIX}-aws-kms-key-id"), key)?;
        }
        if let Some(derived) = options.sse_bucket_key {
            let derived = if derived { "true" } else { "false" };
            insert(sse, &format!("{PREFIX}-bucket-key-enabled"), derived)?;
        }
        if let Some(file) = &options.sse_customer_key_file {
            let key = customer_key(file).await?;
            let secret = |text: String| {
                let mut value = header(&text)?;
                value.set_sensitive(true);
                Ok::<_, Error>(value)
            };
            let customer = |rest: &str| name(&format!("{PREFIX}-customer-{rest}"));
            let bytes = &mut out.bytes;
            bytes.insert(customer("algorithm")?, header("AES256")?);
            bytes.insert(customer("key")?, secret(STANDARD.encode(key))?);
            bytes.insert(
                customer("key-md5")?,
                secret(STANDARD.encode(Md5::digest(key)))?,
            );
        }
        Ok(out)
    }

    /// Whether the bytes of files are encrypted with a key of the user's own.
    pub(super) fn has_key(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Adds what belongs to a request.
    pub(super) fn add(&self, method: &Method, query: Option<&str>, headers: &mut HeaderMap) {
        let purpose = purpose(method, query, headers);
        let (write, once, bytes) = match purpose {
            Purpose::Write { once } => (true, once, true),
            Purpose::Part | Purpose::Read => (false, false, true),
            Purpose::Other => (false, false, false),
        };
        let parts = [
            (true, &self.always),
            (write, &self.write),
            (once, &self.once),
            (bytes, &self.bytes),
        ];
        for (_, part) in parts.iter().filter(|(wanted, _)| *wanted) {
            for (name, value) in *part {
                headers.insert(name, value.clone());
            }
        }
    }
}

/// A file that is written under a condition will be written anew: a class that bills each
/// file for a month at least is not for it.
fn purpose(method: &Method, query: Option<&str>, headers: &HeaderMap) -> Purpose {
    let query = query.unwrap_or_default();
    let names = |wanted: &str| {
        let mut names = query.split('&').map(|pair| pair.split('=').next());
        names.any(|name| name == Some(wanted))
    };
    let conditional = headers.contains_key(IF_MATCH) || headers.contains_key(IF_NONE_MATCH);
    match *method {
        Method::PUT if names("partNumber") => Purpose::Part,
        Method::PUT if query.is_empty() => Purpose::Write { once: !conditional },
        Method::POST if names("uploads") => Purpose::Write { once: true },
        Method::GET | Method::HEAD if query.is_empty() => Purpose::Read,
        _ => Purpose::Other,
    }
}

/// 32 bytes, as they are or in base64.
async fn customer_key(file: &Path) -> Result<[u8; 32]> {
    let read = tokio::fs::read(file).await;
    let bytes = read.during(|| format!("read the key in {}", file.display()))?;
    let raw = <[u8; 32]>::try_from(bytes.as_slice());
    let text = || STANDARD.decode(bytes.trim_ascii()).ok()?.try_into().ok();
    raw.ok().or_else(text).ok_or_else(|| {
        let what = format!(
            "cannot use the key in {}: it is not 32 bytes long",
            file.display()
        );
        Error::new(ErrorKind::Invalid, what)
            .with_hint("make one with: openssl rand -base64 32, and keep it in a safe place too")
    })
}

/// S3 User Guide, "Differences for directory buckets".
fn fits_directory(options: &Options) -> Result<()> {
    let customer = matches!(options.sse, Some(Sse::Customer | Sse::Dsse));
    for (given, option) in [
        (options.acl.is_some(), "acl"),
        (!options.tags.is_empty(), "tags"),
        (options.requester_pays, "requester-pays"),
        (options.storage_class.is_some(), "storage-class"),
        (customer, "sse=customer or sse=dsse"),
    ] {
        if given {
            let what = format!("a directory bucket does not take the option {option}");
            return Err(Error::new(ErrorKind::Invalid, what).with_hint("leave the option out"));
        }
    }
    Ok(())
}

fn insert(headers: &mut HeaderMap, key: &str, value: &str) -> Result<()> {
    headers.insert(name(key)?, header(value)?);
    Ok(())
}

fn name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes())
        .map_err(|_| Error::new(ErrorKind::Invalid, "an option does not fit a header"))
}

fn header(value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value)
        .map_err(|_| Error::new(ErrorKind::Invalid, "an option does not fit a header"))
}
