//! Doubles of Entra, Azure's directory of users, and of the services that give managed
//! identities their tokens. Each answer holds another token: `hush-token-1`, `-2`, …

use super::{Answer, Asked, Double};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a double takes as the secret of a service principal.
pub const CLIENT_SECRET: &str = "hush-client-secret";

/// What it takes as the token of another directory.
pub const ASSERTION: &str = "hush-assertion";

/// What a managed identity's service wants to hear.
pub const IDENTITY_HEADER: &str = "hush-identity-header";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Entra's token endpoint: "Microsoft identity platform and the OAuth 2.0 client credentials
/// flow". Knows the tenant `tenant` and the application `app`.
pub fn directory() -> Double {
    let count = AtomicUsize::new(0);
    Double::start(move |asked| token_of(asked, count.fetch_add(1, Ordering::SeqCst) + 1))
}

fn token_of(asked: &Asked, nth: usize) -> Answer {
    let refused = |code: &str, text: &str| {
        let text = format!("{text}\\r\\nTrace ID: 1-2-3\\r\\nTimestamp: 1970-01-01");
        let body = format!(r#"{{"error":"{code}","error_description":"{text}"}}"#);
        (if code == "invalid_client" { 401 } else { 400 }, body)
    };
    if asked.method != "POST" || asked.path != "/tenant/oauth2/v2.0/token" {
        return refused("invalid_request", "AADSTS90002: Tenant not found.");
    }
    let form = asked.header("content-type") == "application/x-www-form-urlencoded";
    if !form || asked.field("grant_type") != "client_credentials" {
        return refused(
            "invalid_request",
            "AADSTS900144: The request body is wrong.",
        );
    }
    if asked.field("scope") != "https://storage.azure.com/.default" {
        return refused("invalid_scope", "AADSTS70011: The scope is not valid.");
    }
    if asked.field("client_id") != "app" {
        return refused("unauthorized_client", "AADSTS700016: No such application.");
    }
    let by_secret = asked.field("client_secret") == CLIENT_SECRET;
    let by_token = asked.field("client_assertion") == ASSERTION
        && asked.field("client_assertion_type") == ASSERTION_TYPE;
    if !by_secret && !by_token {
        return refused(
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
        );
    }
    let body =
        format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"hush-token-{nth}"}}"#);
    (200, body)
}

/// The metadata service of a machine: "How to use managed identities for Azure resources on
/// an Azure VM to acquire an access token". Tokens end an hour after 1970 began.
pub fn machine(has_identity: bool) -> Double {
    let count = AtomicUsize::new(0);
    Double::start(move |asked| {
        let right = asked.method == "GET"
            && asked.path == "/metadata/identity/oauth2/token"
            && asked.header("metadata") == "true"
            && asked.field("api-version") == "2018-02-01"
            && asked.field("resource").trim_end_matches('/') == "https://storage.azure.com";
        if !right {
            return (500, String::new());
        }
        if !has_identity {
            let text = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
            return (400, text.to_owned());
        }
        let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(
            r#"{{"access_token":"hush-token-{nth}","client_id":"","expires_in":"3600","expires_on":"3600","not_before":"0","resource":"https://storage.azure.com","token_type":"Bearer"}}"#
        );
        (200, body)
    })
}

/// The same of App Service: "How to use managed identities for App Service and Azure
/// Functions". Its address goes into `IDENTITY_ENDPOINT`.
pub fn app_service() -> Double {
    let count = AtomicUsize::new(0);
    Double::start(move |asked| {
        let right = asked.method == "GET"
            && asked.field("api-version") == "2019-08-01"
            && asked.field("resource").trim_end_matches('/') == "https://storage.azure.com";
        if asked.header("x-identity-header") != IDENTITY_HEADER {
            return (403, String::new());
        }
        if !right {
            return (400, String::new());
        }
        let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(
            r#"{{"access_token":"hush-token-{nth}","expires_on":"3600","resource":"https://storage.azure.com","token_type":"Bearer","client_id":"app"}}"#
        );
        (200, body)
    })
}
