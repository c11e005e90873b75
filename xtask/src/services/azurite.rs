//! Azurite: the Azure Blob service of the tests, on loopback only.

use super::http;
use super::node::{self, Package};
use super::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program comes from. 3.36 and later want a newer Node.js than many systems have.
const PACKAGE: Package = Package {
    name: "azurite",
    version: "3.35.0",
    script: "dist/src/blob/main.js",
};

/// The storage account.
const ACCOUNT: &str = "pailtests";

/// Its key, which may do everything.
const KEY: &str =
    "dGhlIGFjY291bnQga2V5IG9mIHRoZSB0ZXN0cyBvZiBnaXQtcGFpbDsgaXQgb3BlbnMgbm8gcmVhbCBkb29yLg==";

/// A shared access signature made with the key, as its documentation says: may do everything.
const ALL_SAS: &str = "sv=2023-11-03&ss=b&srt=sco&sp=rwdlactf&se=2199-12-31T00%3A00%3A00Z\
    &spr=https%2Chttp&sig=3n4jRI%2BNLhOzNWGCvxaINUHRfr2GNCeccD4QAKNTtmM%3D";

/// Another: may read and list.
const READ_ONLY_SAS: &str = "sv=2023-11-03&ss=b&srt=sco&sp=rl&se=2199-12-31T00%3A00%3A00Z\
    &spr=https%2Chttp&sig=5M895wyPY5l060oATGTMKszcedSvJBtNekZBBTk5Z8o%3D";

/// A container that is there from the start; the key may make more.
const CONTAINER: &str = "pail-tests";

/// The server.
#[derive(Debug)]
pub struct Azurite;

impl Server for Azurite {
    fn name(&self) -> &'static str {
        "Azurite"
    }

    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String> {
        node::package(target, &PACKAGE)
    }

    fn ports(&self) -> usize {
        1
    }

    fn configure(&self, command: &mut Command, _: &Path, ports: &[u16]) -> Result<(), String> {
        command
            .args(["--blobHost", "127.0.0.1", "--blobPort"])
            .arg(ports[0].to_string())
            // Nothing outlives a run, and memory is faster than a disk.
            .args(["--inMemoryPersistence", "--silent", "--disableTelemetry"])
            .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"));
        Ok(())
    }

    fn probe(&self, ports: &[u16]) -> Result<(), String> {
        let container = format!("/{ACCOUNT}/{CONTAINER}?restype=container");
        // Without a signature.
        http::expect("GET", ports[0], &container, "", 403)?;
        let signed = format!("{container}&{ALL_SAS}");
        let (status, body) = http::ask("PUT", ports[0], &signed, "")?;
        // 409: an earlier attempt has made it, and no answer of it came.
        match status {
            201 | 409 => Ok(()),
            _ => Err(format!("the container was answered {status}: {body}")),
        }
    }

    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)> {
        let endpoint = format!("http://127.0.0.1:{}", ports[0]);
        vec![
            ("PAIL_TEST_AZURE_ENDPOINT", endpoint),
            ("PAIL_TEST_AZURE_ACCOUNT", ACCOUNT.to_owned()),
            ("PAIL_TEST_AZURE_CONTAINER", CONTAINER.to_owned()),
            ("PAIL_TEST_AZURE_KEY", KEY.to_owned()),
            ("PAIL_TEST_AZURE_SAS", ALL_SAS.to_owned()),
            ("PAIL_TEST_AZURE_READONLY_SAS", READ_ONLY_SAS.to_owned()),
        ]
    }
}
