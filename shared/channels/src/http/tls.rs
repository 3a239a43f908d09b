//! TLS as the whole process speaks it.

use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The TLS configuration of every HTTP client in this process: cryptography by ring, the system's certificates, HTTP/1.1.
///
/// Clones share what was read. To read the system's certificates is the longest part of a function's cold start, so that
/// happens once, when TLS is first asked for.
///
/// # Errors
/// When the system has no certificates that can be read.
pub fn tls() -> Result<ClientConfig, rustls::Error> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = TLS.get() {
        return Ok(config.clone());
    }
    let made = read()?;
    Ok(TLS.get_or_init(|| made).clone())
}

fn read() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
