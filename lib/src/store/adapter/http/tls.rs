//! Whom an encrypted connection trusts.
//!
//! The certificate authorities that are built in, until a service shows a certificate of
//! none of them: then those of the system (a company's own, say), read once. If the user
//! names a file of authorities, only those. All of it happens at the first connection.

use super::dial::{Dial, Wire};
use super::failure::Failure;
use super::proxy::Proxy;
use crate::store::env::Env;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;
use tower_service::Service;

type Connector = HttpsConnector<Dial>;
type Stream = MaybeHttpsStream<Wire>;

/// Where a user names the authorities to trust, first one first, if not by an option.
const BUNDLES: [&str; 3] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO"];

pub(super) struct Tls {
    bundle: Option<PathBuf>,
    proxy: Arc<Proxy>,
    usual: OnceCell<Connector>,
    system: OnceCell<Connector>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("bundle", &self.bundle)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Looks up which file to trust, `named` first, without reading it.
    pub(super) fn new(env: &dyn Env, named: Option<&Path>, proxy: Arc<Proxy>) -> Self {
        let found = || BUNDLES.iter().find_map(|name| env.var(name));
        Self {
            bundle: named
                .map(Path::to_owned)
                .or_else(|| found().map(PathBuf::from)),
            proxy,
            usual: OnceCell::new(),
            system: OnceCell::new(),
        }
    }

    pub(super) async fn connect(&self, uri: Uri) -> Result<Stream, Failure> {
        if let Some(system) = self.system.get() {
            return call(system, uri).await;
        }
        let usual = self
            .usual
            .get_or_try_init(|| async { self.usual_roots() })
            .await?;
        match call(usual, uri.clone()).await {
            Err(Failure::Untrusted(why)) if self.bundle.is_none() => {
                let roots = system_roots();
                if roots.is_empty() {
                    return Err(Failure::Untrusted(why));
                }
                let system = self
                    .system
                    .get_or_try_init(|| async { self.with_roots(roots) })
                    .await?;
                call(system, uri).await
            }
            other => other,
        }
    }

    fn usual_roots(&self) -> Result<Connector, Failure> {
        let Some(path) = &self.bundle else {
            return self.with_roots(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            });
        };
        let unusable = |why: &dyn fmt::Display| {
            Failure::Untrusted(format!(
                "cannot use the authorities in {}: {why}",
                path.display()
            ))
        };
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"it holds none"));
        }
        self.with_roots(roots)
    }

    fn with_roots(&self, roots: RootCertStore) -> Result<Connector, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Untrusted(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let dial = Dial::new(Arc::clone(&self.proxy), Some(Arc::clone(&config)));
        Ok(Connector::from((dial, config)))
    }
}

/// The authorities of the system; those that cannot be read are left out.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

async fn call(connector: &Connector, uri: Uri) -> Result<Stream, Failure> {
    connector.clone().call(uri).await.map_err(|error| {
        if let Some(failure) = untrusted(&*error) {
            return failure;
        }
        match error.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(error) => Failure::Unsent(innermost(&*error)),
        }
    })
}

/// What is wrong with the certificate, if that is what an error comes from.
pub(super) fn untrusted(error: &(dyn StdError + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(Failure::Untrusted(why.to_string()));
        }
        next = inside(error);
    }
    None
}

fn innermost(mut error: &(dyn StdError + 'static)) -> String {
    while let Some(next) = inside(error) {
        error = next;
    }
    error.to_string()
}

/// The cause of an error; that of an I/O error is the error in it, which `source` skips.
fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let io = error.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
