//! DNS itself.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup as Answer;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::RData;
use hickory_resolver::system_conf::read_system_conf;

use super::{Exchange, Lookup, NoAnswer};

/// How long one question to one server waits before it is asked again.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Looks records up, and keeps what it found for as long as the records allow.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

/// A resolver that cannot be set up, such as for want of a readable `/etc/resolv.conf`.
#[derive(Debug, thiserror::Error)]
#[error("DNS cannot be used: {0}")]
pub struct Unusable(#[source] NetError);

impl Resolver {
    /// Asks the servers that the system asks.
    ///
    /// # Errors
    /// When the system does not tell which ones.
    pub fn system() -> Result<Self, Unusable> {
        let (config, options) = read_system_conf().map_err(Unusable)?;
        Self::build(config, options)
    }

    /// Asks one server.
    ///
    /// # Errors
    /// When the resolver cannot be set up.
    pub fn at(server: SocketAddr) -> Result<Self, Unusable> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
            .map(|mut connection| {
                connection.port = server.port();
                connection
            })
            .to_vec();
        let server = NameServerConfig::new(server.ip(), true, connections);
        Self::build(ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default())
    }

    fn build(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, Unusable> {
        options.timeout = TIMEOUT;
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map(Self)
            .map_err(Unusable)
    }

    /// The resolver itself, for whoever verifies mails with it. Clones share what was found.
    pub fn hickory(&self) -> TokioResolver {
        self.0.clone()
    }
}

#[async_trait]
impl Lookup for Resolver {
    async fn txt(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let found = answered(self.0.txt_lookup(absolute(name)).await)?;
        let texts = found.iter().flat_map(Answer::answers).filter_map(|record| match &record.data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn mx(&self, domain: &str) -> Result<Vec<Exchange>, NoAnswer> {
        let found = answered(self.0.mx_lookup(absolute(domain)).await)?;
        let hosts = found.iter().flat_map(Answer::answers).filter_map(|record| match &record.data {
            RData::MX(mx) => {
                let host = mx.exchange.to_ascii().trim_end_matches('.').to_owned();
                Some(Exchange { preference: mx.preference, host })
            }
            _ => None,
        });
        Ok(hosts.collect())
    }
}

/// A name that no search list is tried with.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn answered(looked_up: Result<Answer, NetError>) -> Result<Option<Answer>, NoAnswer> {
    match looked_up {
        Ok(answer) => Ok(Some(answer)),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(None),
        Err(error) => Err(NoAnswer { detail: error.to_string() }),
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}
