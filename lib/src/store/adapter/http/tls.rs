//! Whom an encrypted connection trusts.
//!
//! The certificate authorities that are built in, until a service shows a certificate of
//! none of them: then those of the system (a company's own, say), read once. If the user
//! names a file of authorities, only those. All of it happens at the first connection.

use super::pool::{Failure, connector};
use crate::store::env::Env;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tower_service::Service;

type Connector = HttpsConnector<HttpConnector>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Where a user names the authorities to trust, first one first.
const BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

pub(super) struct Tls {
    bundle: Option<PathBuf>,
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
    /// Looks up which file to trust, without reading it.
    pub(super) fn new(env: &dyn Env) -> Self {
        Self {
            bundle: BUNDLES
                .iter()
                .find_map(|name| env.var(name))
                .map(PathBuf::from),
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
                    .get_or_try_init(|| async { with_roots(roots) })
                    .await?;
                call(system, uri).await
            }
            other => other,
        }
    }

    fn usual_roots(&self) -> Result<Connector, Failure> {
        let Some(path) = &self.bundle else {
            return with_roots(RootCertStore {
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
        with_roots(roots)
    }
}

/// The authorities of the system; those that cannot be read are left out.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn with_roots(roots: RootCertStore) -> Result<Connector, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Untrusted(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::from((connector(), config)))
}

async fn call(connector: &Connector, uri: Uri) -> Result<Stream, Failure> {
    connector.clone().call(uri).await.map_err(|error| {
        let mut text = error.to_string();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error.as_ref());
        while let Some(error) = next {
            if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
                return Failure::Untrusted(why.to_string());
            }
            text = error.to_string();
            next = inside(error);
        }
        Failure::Unsent(text)
    })
}

/// The cause of an error; that of an I/O error is the error in it, which `source` skips.
fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let io = error.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
