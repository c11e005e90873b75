//! From a location to a store that is ready to use.

use crate::error::Result;
use crate::ids::SystemIds;
use crate::store::adapter::folder::Folder;
use crate::store::adapter::s3::S3;
use crate::store::layer::Retry;
use crate::store::{Env, Location, Store};
use std::sync::Arc;

/// Opens the store at a location.
///
/// No I/O: the first request finds out whether the bucket is there and lets us in.
///
/// # Errors
///
/// None yet: every location that can be parsed has its adapter.
pub fn open(location: &Location, env: Arc<dyn Env>) -> Result<Arc<dyn Store>> {
    match location {
        Location::S3(location) => {
            let s3 = S3::open(location, env);
            Ok(Arc::new(Retry::new(s3, Arc::new(SystemIds))))
        }
        Location::Folder(path) => Ok(Arc::new(Folder::open(path.clone()))),
    }
}
