//! The global settings by which git-lfs finds the agent, for every repository at once.
//!
//! Git-lfs makes a URL of its own of one that it does not know: `s3://bucket/x` becomes
//! `https://s3///bucket/x.git/info/lfs`, so that a setting for `https://s3` is one for every
//! bucket there is. What has `pail::` in front stays as it is, and has neither host nor path
//! to git-lfs: one setting serves them all. `docs/guide/lfs.md` has what follows from that.

/// The name of the agent in git-lfs's settings.
const AGENT: &str = "pail";

/// The program.
pub const PROGRAM: &str = "git-lfs-pail";

/// Keys and values that are to stand in the global configuration for these schemes.
#[must_use]
pub fn all<S: AsRef<str>>(schemes: &[S]) -> Vec<(String, &'static str)> {
    let mut out = vec![(format!("lfs.customtransfer.{AGENT}.path"), PROGRAM)];
    let forms = schemes
        .iter()
        .map(|scheme| format!("https://{}", scheme.as_ref()));
    let wrapped = schemes.iter().any(|scheme| scheme.as_ref() == "pail");
    for form in forms.chain(wrapped.then(|| "pail::".to_owned())) {
        out.push((format!("lfs.{form}.standalonetransferagent"), AGENT));
        // No server answers there.
        out.push((format!("lfs.{form}.locksverify"), "false"));
    }
    for scheme in schemes {
        // Git-lfs takes the scheme for a host, which it asks by ssh before it asks the agent.
        out.push((
            format!("lfs.ssh://{}.sshtransfer", scheme.as_ref()),
            "never",
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_own_and_pail_one_more() {
        let keys: Vec<_> = all(&["s3", "pail"])
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(
            keys,
            [
                "lfs.customtransfer.pail.path",
                "lfs.https://s3.standalonetransferagent",
                "lfs.https://s3.locksverify",
                "lfs.https://pail.standalonetransferagent",
                "lfs.https://pail.locksverify",
                "lfs.pail::.standalonetransferagent",
                "lfs.pail::.locksverify",
                "lfs.ssh://s3.sshtransfer",
                "lfs.ssh://pail.sshtransfer",
            ]
        );
        assert_eq!(all(&["gs"]).len(), 4);
    }
}
