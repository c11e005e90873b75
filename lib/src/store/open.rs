//! From a location to a store that is ready to use.

use crate::error::Result;
#[cfg(not(feature = "long-tail"))]
use crate::error::{Error, ErrorKind};
use crate::ids::SystemIds;
use crate::store::adapter::azure::Azure;
use crate::store::adapter::folder::Folder;
use crate::store::adapter::google::Google;
#[cfg(feature = "long-tail")]
use crate::store::adapter::long_tail::LongTail;
use crate::store::adapter::s3::S3;
use crate::store::layer::Retry;
use crate::store::{Env, Location, Options, Store};
use std::sync::Arc;

/// Opens the store at a location, with the options that [`Options::gather`] found.
///
/// No I/O: the first request finds out whether the bucket is there and lets us in.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for plain HTTP to another machine that
/// no option allows; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a service
/// that this program was built without.
pub fn open(location: &Location, options: &Options, env: Arc<dyn Env>) -> Result<Arc<dyn Store>> {
    location.check(options)?;
    match location {
        Location::S3(location) => {
            let s3 = S3::open(location, options, env);
            Ok(Arc::new(Retry::new(s3, Arc::new(SystemIds))))
        }
        Location::Azure(location) => {
            let azure = Azure::open(location, options, env);
            Ok(Arc::new(Retry::new(azure, Arc::new(SystemIds))))
        }
        Location::Google(location) => {
            let google = Google::open(location, options, env);
            Ok(Arc::new(Retry::new(google, Arc::new(SystemIds))))
        }
        #[cfg(feature = "long-tail")]
        Location::LongTail(location) => {
            let store = LongTail::open(location, options, &*env)?;
            Ok(Arc::new(Retry::new(store, Arc::new(SystemIds))))
        }
        #[cfg(not(feature = "long-tail"))]
        Location::LongTail(location) => {
            let what = format!(
                "cannot use {location}: this program was built without {}",
                location.service_name()
            );
            Err(Error::new(ErrorKind::Unsupported, what).with_hint(
                "build it in a copy of the source: cargo install --path cli --features long-tail",
            ))
        }
        Location::Folder(path) => Ok(Arc::new(Folder::open(path.clone()))),
    }
}
