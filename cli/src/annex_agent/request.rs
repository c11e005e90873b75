//! A line of git-annex as a request. Names are bytes: git-annex promises no encoding.

use std::path::PathBuf;

/// Which way content goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From git-annex to the bucket.
    Store,
    /// From the bucket to git-annex.
    Retrieve,
}

impl Way {
    /// The protocol's word for it.
    #[must_use]
    pub fn word(self) -> &'static [u8] {
        match self {
            Self::Store => b"STORE",
            Self::Retrieve => b"RETRIEVE",
        }
    }
}

/// What git-annex asks of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What it can do beyond the first version of the protocol.
    Extensions(Vec<String>),
    /// Which parameters there are.
    ListConfigs,
    /// Set the remote up, or use it here for the first time.
    InitRemote,
    /// Get ready.
    Prepare,
    /// Move the content of a key.
    Transfer(Way, Vec<u8>, PathBuf),
    /// Is the content of a key there?
    CheckPresent(Vec<u8>),
    /// Remove the content of a key.
    Remove(Vec<u8>),
    /// The file of a tree that the next request is about; it has no answer.
    Name(Vec<u8>),
    /// Move the content of a key that has the name.
    TransferExport(Way, Vec<u8>, PathBuf),
    /// Is the content of a key there, by the name?
    CheckPresentExport(Vec<u8>),
    /// Remove the content of a key, by the name.
    RemoveExport(Vec<u8>),
    /// Remove a folder, which is empty but for what else lies there.
    RemoveExportDirectory,
    /// Give what has the name another one: the key and the new name.
    RenameExport(Vec<u8>, Vec<u8>),
    /// Whether trees can be exported.
    ExportSupported,
    /// Whether trees can be imported.
    ImportSupported,
    /// What is there to import.
    ListImportable,
    /// Get the file of the tree that was named.
    RetrieveImport(PathBuf),
    /// Is the content of a key there, by the name?
    CheckPresentImport(Vec<u8>),
    /// Whether an address is one of ours.
    ClaimUrl(String),
    /// What lies at an address.
    CheckUrl(String),
    /// What using the remote costs.
    GetCost,
    /// Whether it is reached from everywhere.
    GetAvailability,
    /// Whether files are written from front to back.
    GetOrdered,
    /// Where the content of a key is, for people.
    WhereIs(Vec<u8>),
    /// What there is to tell about the remote.
    GetInfo,
    /// Git-annex gives up, and says why.
    Error(String),
    /// Something else.
    Unknown,
}

impl Request {
    /// Understands a line, without its line feed.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        let (word, rest) = split(line);
        let rest = rest.unwrap_or_default();
        match word {
            b"EXTENSIONS" => {
                let text = String::from_utf8_lossy(rest);
                Self::Extensions(text.split_whitespace().map(str::to_owned).collect())
            }
            b"LISTCONFIGS" => Self::ListConfigs,
            b"INITREMOTE" => Self::InitRemote,
            b"PREPARE" => Self::Prepare,
            b"TRANSFER" => transfer(rest).map_or(Self::Unknown, |(way, key, file)| {
                Self::Transfer(way, key, file)
            }),
            b"CHECKPRESENT" => Self::CheckPresent(rest.to_vec()),
            b"REMOVE" => Self::Remove(rest.to_vec()),
            b"EXPORT" | b"IMPORT" => Self::Name(rest.to_vec()),
            b"TRANSFEREXPORT" => transfer(rest).map_or(Self::Unknown, |(way, key, file)| {
                Self::TransferExport(way, key, file)
            }),
            b"CHECKPRESENTEXPORT" => Self::CheckPresentExport(rest.to_vec()),
            b"REMOVEEXPORT" => Self::RemoveExport(rest.to_vec()),
            b"REMOVEEXPORTDIRECTORY" => Self::RemoveExportDirectory,
            b"RENAMEEXPORT" => match split(rest) {
                (key, Some(name)) => Self::RenameExport(key.to_vec(), name.to_vec()),
                _ => Self::Unknown,
            },
            b"EXPORTSUPPORTED" => Self::ExportSupported,
            b"IMPORTSUPPORTED" => Self::ImportSupported,
            b"LISTIMPORTABLECONTENTS" => Self::ListImportable,
            b"RETRIEVEIMPORT" => Self::RetrieveImport(path(rest)),
            b"CHECKPRESENTIMPORT" => Self::CheckPresentImport(rest.to_vec()),
            b"CLAIMURL" => Self::ClaimUrl(String::from_utf8_lossy(rest).into_owned()),
            b"CHECKURL" => Self::CheckUrl(String::from_utf8_lossy(rest).into_owned()),
            b"GETCOST" => Self::GetCost,
            b"GETAVAILABILITY" => Self::GetAvailability,
            b"GETORDERED" => Self::GetOrdered,
            b"WHEREIS" => Self::WhereIs(rest.to_vec()),
            b"GETINFO" => Self::GetInfo,
            b"ERROR" => Self::Error(String::from_utf8_lossy(rest).into_owned()),
            _ => Self::Unknown,
        }
    }
}

/// The first word, and what stands behind the one space after it.
#[must_use]
pub fn split(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(at) => (&line[..at], Some(&line[at + 1..])),
        None => (line, None),
    }
}

/// `STORE key file`; a file may have spaces in its name, a key has none.
fn transfer(rest: &[u8]) -> Option<(Way, Vec<u8>, PathBuf)> {
    let (way, rest) = split(rest);
    let way = match way {
        b"STORE" => Way::Store,
        b"RETRIEVE" => Way::Retrieve,
        _ => return None,
    };
    let (key, file) = split(rest?);
    Some((way, key.to_vec(), path(file?)))
}

/// A path as git-annex wrote it.
#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Takes the number of a job from the front of a line: `J 2 REMOVE key`.
#[must_use]
pub fn numbered(line: &[u8]) -> Option<(u64, &[u8])> {
    let rest = line.strip_prefix(b"J ")?;
    let (number, rest) = split(rest);
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some((number, rest?))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The lines are those of git-annex's page "external special remote protocol".
    #[test]
    fn requests_have_as_many_fields_as_the_protocol_says() {
        assert_eq!(Request::parse(b"PREPARE"), Request::Prepare);
        assert_eq!(
            Request::parse(b"EXTENSIONS INFO ASYNC"),
            Request::Extensions(vec!["INFO".to_owned(), "ASYNC".to_owned()])
        );
        assert_eq!(
            Request::parse(b"TRANSFER STORE SHA256--a .git/annex/tmp/a b"),
            Request::Transfer(
                Way::Store,
                b"SHA256--a".to_vec(),
                PathBuf::from(".git/annex/tmp/a b")
            )
        );
        assert_eq!(
            Request::parse(b"CHECKPRESENT k"),
            Request::CheckPresent(b"k".to_vec())
        );
        assert_eq!(
            Request::parse(b"EXPORT  dir/a b\xff "),
            Request::Name(b" dir/a b\xff ".to_vec())
        );
        assert_eq!(
            Request::parse(b"RENAMEEXPORT key new name"),
            Request::RenameExport(b"key".to_vec(), b"new name".to_vec())
        );
        for odd in [
            &b"TRANSFER STORE key"[..],
            b"TRANSFER TAKE a b",
            b"NEWER thing",
            b"",
        ] {
            assert_eq!(Request::parse(odd), Request::Unknown);
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_stay_as_they_are() {
        use std::os::unix::ffi::OsStrExt;
        let Request::Transfer(_, _, file) = Request::parse(b"TRANSFER RETRIEVE k  a\xff\r") else {
            panic!("a transfer");
        };
        assert_eq!(file.as_os_str().as_bytes(), b" a\xff\r");
    }

    #[test]
    fn jobs_are_numbered() {
        assert_eq!(numbered(b"J 12 REMOVE k"), Some((12, &b"REMOVE k"[..])));
        assert_eq!(numbered(b"J 3 VALUE "), Some((3, &b"VALUE "[..])));
        for odd in [&b"REMOVE k"[..], b"J x REMOVE k", b"J 1"] {
            assert_eq!(numbered(odd), None);
        }
    }
}
