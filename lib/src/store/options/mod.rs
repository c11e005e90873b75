//! Options: what a user may say about a store beyond where it is.
//!
//! Each option is one row of [`ALL`], with its name, its values and the services that take
//! it. A name is compared ignoring case, hyphens and underscores, so that `storage-class`,
//! `storageClass` and `STORAGE_CLASS` are one. Options come from four places, of which the
//! first wins:
//!
//! 1. the query of the URL: `?storage-class=…`
//! 2. git's configuration of the remote: `remote.<name>.pail-storage-class`
//! 3. the environment: `PAIL_STORAGE_CLASS`
//! 4. git's configuration for all: `pail.storageClass`
//!
//! The first two are said of one remote, so an option that its service does not take is an
//! error there. The last two are said of every remote, and pass by the services that do not
//! take them.

mod gather;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub(in crate::store) use gather::apply;
pub use gather::{Given, Origin, from_env};
pub(in crate::store) use table::find;
pub use table::{ALL, Service, Spec};
pub(in crate::store) use value::is_region;
pub use value::{Acl, Addressing, Sse};

use crate::secret::Secret;
use crate::store::upload::Limits;
use std::path::PathBuf;
use std::time::Duration;

/// The options of one store, each checked by itself. `None` is what nobody has said.
///
/// [`ALL`] says what each means; the fields have the names of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What requests are signed for.
    pub region: Option<String>,
    /// The address of the service, as a URL.
    pub endpoint: Option<String>,
    /// Where the name of the bucket, or on Azure of the account, stands.
    pub addressing: Option<Addressing>,
    /// Which section of the cloud's configuration files to use.
    pub profile: Option<String>,
    /// The storage account on Azure, where the address does not say it.
    pub account: Option<String>,
    /// The Google project that pays for requests.
    pub project: Option<String>,
    /// Requests are not signed at all.
    pub anonymous: bool,
    /// Plain HTTP to another machine is wanted.
    pub allow_http: bool,
    /// Use the addresses that have IPv6 too.
    pub dual_stack: bool,
    /// Use the addresses with cryptography by FIPS 140.
    pub fips: bool,
    /// Use S3 transfer acceleration.
    pub accelerate: bool,
    /// The class of what is written, in the service's own words.
    pub storage_class: Option<String>,
    /// How the service encrypts what it keeps.
    pub sse: Option<Sse>,
    /// The key of the key service for [`Sse::Kms`] and [`Sse::Dsse`].
    pub sse_kms_key: Option<String>,
    /// Whether S3 derives a bucket key, which spares requests to the key service.
    pub sse_bucket_key: Option<bool>,
    /// The file with the key for [`Sse::Customer`].
    pub sse_customer_key_file: Option<PathBuf>,
    /// Who else may read what is written.
    pub acl: Option<Acl>,
    /// The one who asks pays.
    pub requester_pays: bool,
    /// Tags of each file: names and values.
    pub tags: Vec<(String, String)>,
    /// User metadata of each file: names and values.
    pub metadata: Vec<(String, String)>,
    /// Bytes of a part of a transfer.
    pub part_size: Option<u64>,
    /// Parts under way at the same time.
    pub parallel: Option<usize>,
    /// Most bytes a second up.
    pub limit_up: Option<u64>,
    /// Most bytes a second down.
    pub limit_down: Option<u64>,
    /// How long to wait for a connection.
    pub connect_timeout: Option<Duration>,
    /// How long to wait for the next sign of life.
    pub timeout: Option<Duration>,
    /// The proxy to go through, as a URL, which may hold a password.
    pub proxy: Option<Secret>,
    /// The file of certificate authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// Consent to work on a store that cannot compare and swap.
    pub lease: bool,
}

impl Options {
    /// How much is moved at once.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            part: self.part_size.unwrap_or(usual.part),
            parallel: self.parallel.unwrap_or(usual.parallel),
        }
    }
}
