//! The ports against an emulator of AWS, at the URL that `LAMBDESK_EMULATOR` holds.

#![expect(clippy::unwrap_used, reason = "tests")]

mod account;
mod differential;
mod failures;
mod invoke;
mod key;
mod objects;
mod queue;
mod requests;
mod table;

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use reqwest::Client;
use store::environment::{Environment as _, System};

/// The configuration for the emulator; `None`, loudly, where there is none. Where `CI` is set there must be one.
async fn emulator() -> Option<SdkConfig> {
    #[expect(clippy::print_stderr, reason = "a test that did not run must be seen")]
    let Ok(endpoint) = std::env::var("LAMBDESK_EMULATOR") else {
        assert!(std::env::var_os("CI").is_none(), "LAMBDESK_EMULATOR does not name an emulator of AWS");
        eprintln!("SKIPPED: LAMBDESK_EMULATOR does not name an emulator of AWS");
        return None;
    };
    let credentials = session(&endpoint).await;
    let loader = lambda::sdk::loader().endpoint_url(endpoint).region(Region::new("us-east-1"));
    Some(loader.credentials_provider(credentials).load().await)
}

/// A client of the tests' own.
fn client() -> Client {
    Client::builder().tls_backend_preconfigured(channels::http::tls().unwrap()).build().unwrap()
}

/// Credentials with a session token, as functions have them.
async fn session(endpoint: &str) -> Credentials {
    let scope = "Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=none";
    let response = client().post(endpoint);
    let response = response
        .header("authorization", format!("AWS4-HMAC-SHA256 {scope}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("Action=GetSessionToken&Version=2011-06-15");
    let xml = response.send().await.unwrap().text().await.unwrap();
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let (id, secret, token) = (element("AccessKeyId"), element("SecretAccessKey"), element("SessionToken"));
    Credentials::new(id, secret, Some(token), None, "the tests")
}

/// A name that no other run has, in small letters.
fn fresh(name: &str) -> String {
    format!("{name}-{}", System::new().ulid()).to_lowercase()
}
