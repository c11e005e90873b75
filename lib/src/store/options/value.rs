//! From the text of a value to the value.

use crate::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What a value must be. It never repeats the value, which may be a secret that was put in
/// the wrong place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bad(pub(super) &'static str);

/// Where the name of the bucket, or on Azure of the account, stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// How a service encrypts what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sse {
    /// As the bucket says: nothing is asked for.
    None,
    /// With a key of the service's own.
    Aes256,
    /// With a key of the key service.
    Kms,
    /// The same, twice.
    Dsse,
    /// With a key that the user keeps and sends along.
    Customer,
}

/// A canned access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acl {
    /// The owner alone.
    Private,
    /// Everyone may read.
    PublicRead,
    /// Everyone with an account of the cloud may read.
    AuthenticatedRead,
    /// The owner of the bucket may read.
    BucketOwnerRead,
    /// The owner of the bucket may do everything.
    BucketOwnerFullControl,
}

const ACLS: [(&str, Acl); 5] = [
    ("private", Acl::Private),
    ("public-read", Acl::PublicRead),
    ("authenticated-read", Acl::AuthenticatedRead),
    ("bucket-owner-read", Acl::BucketOwnerRead),
    ("bucket-owner-full-control", Acl::BucketOwnerFullControl),
];

impl Acl {
    pub(super) fn parse(text: &str) -> Result<Self, Bad> {
        let want = "must be private, public-read, authenticated-read, bucket-owner-read or \
                    bucket-owner-full-control";
        one_of(text, &ACLS, Bad(want))
    }

    /// The name that S3 and Google have for it.
    pub fn name(self) -> &'static str {
        let named = ACLS.iter().find(|(_, acl)| *acl == self);
        named.map_or("private", |(name, _)| name)
    }
}

/// Stores a value that was understood.
pub(super) fn set<T>(place: &mut Option<T>, value: Result<T, Bad>) -> Result<(), Bad> {
    *place = Some(value?);
    Ok(())
}

pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)], want: Bad) -> Result<T, Bad> {
    let found = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or(want)
}

/// A boolean, in the words that git takes.
pub(super) fn flag(text: &str) -> Result<bool, Bad> {
    let words = [
        ("true", true),
        ("yes", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("no", false),
        ("off", false),
        ("0", false),
    ];
    one_of(text, &words, Bad("must be true or false"))
}

/// One word that can stand in a header.
pub(super) fn word(text: &str) -> Result<String, Bad> {
    let plain =
        !text.is_empty() && text.len() <= 2048 && text.chars().all(|c| c.is_ascii_graphic());
    plain
        .then(|| text.to_owned())
        .ok_or(Bad("must be one word of plain letters"))
}

/// Whether a region can stand in a host name and in a signature.
pub(in crate::store) fn is_region(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 63 && text.chars().all(plain)
}

pub(super) fn region(text: &str) -> Result<String, Bad> {
    let want = Bad("must be a name of letters, digits and hyphens");
    is_region(text).then(|| text.to_owned()).ok_or(want)
}

pub(super) fn profile(text: &str) -> Result<String, Bad> {
    let odd = |c: char| c.is_control() || "[]".contains(c);
    let fine = !text.is_empty() && !text.contains(odd);
    fine.then(|| text.to_owned())
        .ok_or(Bad("must be the name of a profile, without brackets"))
}

/// Scheme, host and perhaps a path.
pub(super) fn endpoint(text: &str) -> Result<String, Bad> {
    let want = Bad("must be the URL of a service: scheme, host and port");
    let url = Url::parse(text).map_err(|_| want)?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let bare = url.username().is_empty() && url.password().is_none();
    let plain = url.query().is_none() && url.fragment().is_none();
    (web && bare && plain)
        .then(|| text.trim_end_matches('/').to_owned())
        .ok_or(want)
}

/// Without a scheme it is `http`, as curl and git have it; `none` is an empty URL.
pub(super) fn proxy(text: &str) -> Result<Secret, Bad> {
    let want = Bad("must be the URL of a proxy, such as http://proxy.example:3128, or none");
    if text == "none" {
        return Ok(Secret::new(""));
    }
    let whole = match text.split_once("://") {
        Some(_) => text.to_owned(),
        None => format!("http://{text}"),
    };
    let url = Url::parse(&whole).map_err(|_| want)?;
    let known = matches!(
        url.scheme(),
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"
    );
    (known && url.has_host())
        .then(|| Secret::new(whole))
        .ok_or(want)
}

pub(super) fn path(text: &str) -> Result<PathBuf, Bad> {
    let fine = !text.is_empty() && !text.contains('\0');
    fine.then(|| PathBuf::from(text))
        .ok_or(Bad("must be the path of a file"))
}

/// A number of bytes, with a unit of 1024 each.
fn bytes(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['b', 'B']).unwrap_or(text);
    let text = text.strip_suffix('i').unwrap_or(text);
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse::<u64>()
        .ok()
        .filter(|_| whole)?
        .checked_mul(unit)
}

/// S3 takes no part below 5 MiB, and none above 5 GiB.
pub(super) fn part_size(text: &str) -> Result<u64, Bad> {
    bytes(text)
        .filter(|size| (5 << 20..=5 << 30).contains(size))
        .ok_or(Bad("must be a size from 5M to 5G"))
}

/// Below this a transfer would run into its own time limits.
const MIN_RATE: u64 = 1 << 10;

pub(super) fn rate(text: &str) -> Result<u64, Bad> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    bytes(text).filter(|rate| *rate >= MIN_RATE).ok_or(Bad(
        "must be bytes a second, such as 500k or 2M, and 1k at least",
    ))
}

pub(super) fn parallel(text: &str) -> Result<usize, Bad> {
    let number = text.parse().ok().filter(|number| (1..=64).contains(number));
    number.ok_or(Bad("must be a number from 1 to 64"))
}

pub(super) fn seconds(text: &str) -> Result<Duration, Bad> {
    let text = text.strip_suffix('s').unwrap_or(text);
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=86_400).contains(number));
    let number = number.ok_or(Bad("must be seconds, from 1 to 86400"))?;
    Ok(Duration::from_secs(number))
}

/// `name=value,name=value`
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, Bad> {
    let want = Bad("must be name=value, several joined by commas");
    let mut out: Vec<(String, String)> = Vec::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or(want)?;
        let (name, value) = (name.trim(), value.trim());
        let odd = |text: &str| text.chars().any(char::is_control);
        if name.is_empty() || odd(name) || odd(value) || out.iter().any(|(known, _)| known == name)
        {
            return Err(want);
        }
        out.push((name.to_owned(), value.to_owned()));
    }
    Ok(out)
}

/// The same, for names and values that stand in headers.
pub(super) fn metadata(text: &str) -> Result<Vec<(String, String)>, Bad> {
    let pairs = pairs(text)?;
    let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = |(name, value): &(String, String)| {
        name.chars().all(token) && value.chars().all(|c| (' '..='~').contains(&c))
    };
    if pairs.iter().all(fits) {
        return Ok(pairs);
    }
    Err(Bad(
        "must be name=value, several joined by commas, in letters that fit a header",
    ))
}
