//! The table of options.

use super::value::{self, Bad};
use super::{Acl, Addressing, Options, Sse};
use crate::near::normal;
use std::fmt;

/// A kind of store, as options know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 and what speaks its language.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Google,
    /// A folder of this machine.
    Folder,
    /// One of the services of the long tail.
    LongTail,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3",
            Self::Azure => "Azure",
            Self::Google => "Google",
            Self::Folder => "a folder",
            Self::LongTail => "the long tail",
        })
    }
}

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its name, with hyphens.
    pub name: &'static str,
    /// What it can be, in words.
    pub value: &'static str,
    /// Who takes it.
    pub services: &'static [Service],
    /// What it does.
    pub help: &'static str,
    /// Whether its value may hold a password.
    pub secret: bool,
    pub(super) set: fn(&mut Options, &str) -> Result<(), Bad>,
}

impl Spec {
    /// The environment variable that says it.
    pub fn variable(&self) -> String {
        format!("PAIL_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// Its key in git's configuration of a remote, after `remote.<name>.`.
    pub fn remote_key(&self) -> String {
        format!("pail-{}", self.name)
    }

    /// Its key in git's configuration for all remotes, as git's documentation spells such
    /// names.
    pub fn general_key(&self) -> String {
        let mut out = "pail.".to_owned();
        for (nth, word) in self.name.split('-').enumerate() {
            let (first, rest) = word.split_at(usize::from(!word.is_empty()));
            if nth == 0 {
                out.push_str(first);
            } else {
                out.push_str(&first.to_ascii_uppercase());
            }
            out.push_str(rest);
        }
        out
    }
}

/// Finds an option by any spelling of its name.
pub(in crate::store) fn find(name: &str) -> Option<&'static Spec> {
    let name = normal(name);
    ALL.iter().find(|spec| normal(spec.name) == name)
}

const S3: &[Service] = &[Service::S3];
const CLOUDS: &[Service] = &[Service::S3, Service::Azure, Service::Google];
/// Whatever is reached through a network.
const NETWORK: &[Service] = &[
    Service::S3,
    Service::Azure,
    Service::Google,
    Service::LongTail,
];
const EVERY: &[Service] = &[
    Service::S3,
    Service::Azure,
    Service::Google,
    Service::LongTail,
    Service::Folder,
];

/// Shared shape of the rows: name, value, services, help, setter.
const fn row(
    name: &'static str,
    value: &'static str,
    services: &'static [Service],
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), Bad>,
) -> Spec {
    Spec {
        name,
        value,
        services,
        help,
        secret: false,
        set,
    }
}

/// Every option, in the order in which they are documented.
pub static ALL: &[Spec] = &[
    row(
        "region",
        "name",
        S3,
        "what requests are signed for, and at Amazon where they go; default `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, `us-east-1`",
        |all, text| value::set(&mut all.region, value::region(text)),
    ),
    row(
        "endpoint",
        "URL",
        NETWORK,
        "the address of the service, where the URL of the remote does not name it",
        |all, text| value::set(&mut all.endpoint, value::endpoint(text)),
    ),
    row(
        "addressing",
        "`path` or `virtual`",
        &[Service::S3, Service::Azure],
        "whether the bucket (on Azure the account) is the first part of the path or the first label of the host",
        |all, text| {
            let words = [("path", Addressing::Path), ("virtual", Addressing::Virtual)];
            let want = Bad("must be path or virtual");
            value::set(&mut all.addressing, value::one_of(text, &words, want))
        },
    ),
    row(
        "profile",
        "name",
        &[Service::S3, Service::Azure],
        "the section of the cloud's configuration whose credentials and settings are used; `name@` before the bucket or host says the same; default `AWS_PROFILE`, or `default`",
        |all, text| value::set(&mut all.profile, value::profile(text)),
    ),
    row(
        "account",
        "name",
        &[Service::Azure],
        "the storage account, where the host does not begin with it",
        |all, text| value::set(&mut all.account, value::word(text)),
    ),
    row(
        "project",
        "name",
        &[Service::Google],
        "the project that pays for the requests",
        |all, text| value::set(&mut all.project, value::word(text)),
    ),
    row(
        "anonymous",
        "boolean",
        CLOUDS,
        "send requests without credentials, and look for none",
        |all, text| value::flag(text).map(|flag| all.anonymous = flag),
    ),
    row(
        "allow-http",
        "boolean",
        NETWORK,
        "allow plain HTTP to another machine, which shows everything to the network",
        |all, text| value::flag(text).map(|flag| all.allow_http = flag),
    ),
    row(
        "dual-stack",
        "boolean",
        S3,
        "use Amazon's addresses that have IPv6 too",
        |all, text| value::flag(text).map(|flag| all.dual_stack = flag),
    ),
    row(
        "fips",
        "boolean",
        S3,
        "use Amazon's addresses with cryptography by FIPS 140",
        |all, text| value::flag(text).map(|flag| all.fips = flag),
    ),
    row(
        "accelerate",
        "boolean",
        S3,
        "use S3 transfer acceleration, which the bucket must have switched on",
        |all, text| value::flag(text).map(|flag| all.accelerate = flag),
    ),
    row(
        "storage-class",
        "name",
        CLOUDS,
        "the class of the files that are written once, in the service's own words, such as `STANDARD_IA`",
        |all, text| value::set(&mut all.storage_class, value::word(text)),
    ),
    row(
        "sse",
        "`none`, `aes256`, `kms`, `dsse` or `customer`",
        &[Service::S3, Service::Google],
        "how the service encrypts what it keeps: as the bucket says, with its own key, with a key of the key service (once or twice), or with a key that you keep",
        |all, text| {
            let words = [
                ("none", Sse::None),
                ("aes256", Sse::Aes256),
                ("kms", Sse::Kms),
                ("dsse", Sse::Dsse),
                ("customer", Sse::Customer),
            ];
            let want = Bad("must be none, aes256, kms, dsse or customer");
            value::set(&mut all.sse, value::one_of(text, &words, want))
        },
    ),
    row(
        "sse-kms-key",
        "id, alias or ARN",
        &[Service::S3, Service::Google],
        "the key for `sse=kms` and `sse=dsse`; default the bucket's, or the account's own. Google wants its whole name",
        |all, text| value::set(&mut all.sse_kms_key, value::word(text)),
    ),
    row(
        "sse-bucket-key",
        "boolean",
        S3,
        "whether S3 derives a key for the bucket, which spares requests to the key service; default as the bucket says",
        |all, text| value::set(&mut all.sse_bucket_key, value::flag(text)),
    ),
    row(
        "sse-customer-key-file",
        "path",
        &[Service::S3, Service::Google],
        "the file with the key for `sse=customer`: 32 bytes, as they are or in base64. Who loses it has lost the repository",
        |all, text| value::set(&mut all.sse_customer_key_file, value::path(text)),
    ),
    row(
        "acl",
        "`private`, `public-read`, `authenticated-read`, `bucket-owner-read` or `bucket-owner-full-control`",
        &[Service::S3, Service::Google],
        "the canned access control list of each file that is written; default none is sent",
        |all, text| value::set(&mut all.acl, Acl::parse(text)),
    ),
    row(
        "requester-pays",
        "boolean",
        &[Service::S3, Service::Google],
        "agree to pay for the requests and the transfer of somebody else's bucket",
        |all, text| value::flag(text).map(|flag| all.requester_pays = flag),
    ),
    row(
        "tags",
        "`name=value,…`",
        &[Service::S3, Service::Azure],
        "tags of each file that is written",
        |all, text| value::pairs(text).map(|pairs| all.tags = pairs),
    ),
    row(
        "metadata",
        "`name=value,…`",
        CLOUDS,
        "user metadata of each file that is written (`x-amz-meta-<name>` and its like)",
        |all, text| value::metadata(text).map(|pairs| all.metadata = pairs),
    ),
    row(
        "part-size",
        "bytes, with `k`, `M` or `G`",
        EVERY,
        "size of the parts in which large files move; default 8M. Memory holds `part-size` times `parallel`",
        |all, text| value::set(&mut all.part_size, value::part_size(text)),
    ),
    row(
        "parallel",
        "number from 1 to 64",
        EVERY,
        "parts that move at the same time; default 4",
        |all, text| value::set(&mut all.parallel, value::parallel(text)),
    ),
    row(
        "limit-up",
        "bytes a second, with `k`, `M` or `G`",
        NETWORK,
        "most that is sent; default no limit",
        |all, text| value::set(&mut all.limit_up, value::rate(text)),
    ),
    row(
        "limit-down",
        "bytes a second, with `k`, `M` or `G`",
        NETWORK,
        "most that is received; default no limit",
        |all, text| value::set(&mut all.limit_down, value::rate(text)),
    ),
    row(
        "connect-timeout",
        "seconds",
        NETWORK,
        "how long to wait for a connection; default 10",
        |all, text| value::set(&mut all.connect_timeout, value::seconds(text)),
    ),
    row(
        "timeout",
        "seconds",
        NETWORK,
        "how long to wait for the next sign of life; default 60",
        |all, text| value::set(&mut all.timeout, value::seconds(text)),
    ),
    Spec {
        secret: true,
        ..row(
            "proxy",
            "URL",
            NETWORK,
            "the proxy to go through, such as `http://proxy.example:3128`, or `none`; default git's `remote.<name>.proxy` and `http.proxy`, then `https_proxy`, `http_proxy` and `all_proxy`",
            |all, text| value::set(&mut all.proxy, value::proxy(text)),
        )
    },
    row(
        "ca-file",
        "path",
        NETWORK,
        "the certificate authorities to trust, and no others, in PEM form; default git's `http.sslCAInfo`, then `AWS_CA_BUNDLE`, `SSL_CERT_FILE`, `GIT_SSL_CAINFO`",
        |all, text| value::set(&mut all.ca_file, value::path(text)),
    ),
    row(
        "lease",
        "boolean",
        EVERY,
        "consent to work on a store that cannot compare and swap, with a lease file in its place and a weaker promise",
        |all, text| value::flag(text).map(|flag| all.lease = flag),
    ),
];
