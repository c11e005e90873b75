//! The addresses of buckets at Amazon.
//!
//! After the table of endpoints in the AWS General Reference ("Amazon Simple Storage Service
//! endpoints and quotas") and the pages of the S3 User Guide on virtual hosting, dual-stack
//! endpoints, transfer acceleration, access points and directory buckets.

#[cfg(test)]
mod tests;

use super::bucket::Bucket;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Addressing, Options};

/// Partitions that have domains of their own, by the beginning of their regions' names.
const DOMAINS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
];

fn domain(region: &str) -> &'static str {
    let own = DOMAINS.iter().find(|(start, _)| region.starts_with(start));
    own.map_or("amazonaws.com", |(_, domain)| domain)
}

/// What names the partition of a region: its domain, and what else tells it apart.
pub(super) fn partition(region: &str) -> String {
    let government = region.starts_with("us-gov-");
    let start = if government { "us-gov." } else { "" };
    format!("{start}{}", domain(region))
}

/// The address of a bucket, without a slash at its end.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for options that this kind of bucket does not go with.
pub(super) fn address(bucket: &Bucket, region: &str, options: &Options) -> Result<String> {
    let domain = domain(region);
    let path = options.addressing == Some(Addressing::Path);
    let fips = if options.fips { "-fips" } else { "" };
    let dual = if options.dual_stack { ".dualstack" } else { "" };
    match bucket {
        Bucket::AccessPoint { .. } | Bucket::Directory { .. } if path => {
            Err(exclude("addressing=path", bucket))
        }
        Bucket::AccessPoint { .. } | Bucket::Directory { .. } if options.accelerate => {
            Err(exclude("accelerate", bucket))
        }
        Bucket::AccessPoint { name, account, .. } => Ok(format!(
            "https://{name}-{account}.s3-accesspoint{fips}{dual}.{region}.{domain}"
        )),
        Bucket::Directory { name, zone } => Ok(format!(
            "https://{name}.s3express{fips}-{zone}{dual}.{region}.{domain}"
        )),
        Bucket::Named(name) => {
            // A dot in the name would not fit the certificate's wildcard.
            let fits = name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if options.accelerate {
                if !fits || path || options.fips {
                    let why = "the option accelerate needs a bucket without dots in its name, \
                               and goes with neither addressing=path nor fips";
                    return Err(Error::new(ErrorKind::Invalid, why));
                }
                return Ok(format!("https://{name}.s3-accelerate{dual}.{domain}"));
            }
            let host = format!("s3{fips}{dual}.{region}.{domain}");
            match options.addressing {
                Some(Addressing::Virtual) => Ok(format!("https://{name}.{host}")),
                None if fits => Ok(format!("https://{name}.{host}")),
                _ => Ok(format!("https://{host}/{name}")),
            }
        }
    }
}

fn exclude(option: &str, bucket: &Bucket) -> Error {
    let what = if bucket.is_directory() {
        "a directory bucket"
    } else {
        "an access point"
    };
    let text = format!("the option {option} does not go with {what}");
    Error::new(ErrorKind::Invalid, text).with_hint("leave the option out")
}
