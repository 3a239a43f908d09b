//! Options and commands.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use url::Url;

/// Lambdesk: the help desk for a small business. Without a command it starts the desk in this process.
#[derive(Debug, Parser)]
#[command(name = "lambdesk", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) serve: Serve,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How to start the desk.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "LAMBDESK_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Folder for everything that the desk keeps.
    #[arg(long, env = "LAMBDESK_DATA", default_value = "./data")]
    pub(crate) data: PathBuf,

    /// URL by which platforms reach this desk, such as <https://desk.example.com>. Without it, channels that can are
    /// asked for news instead (long polling).
    #[arg(long, env = "LAMBDESK_PUBLIC_URL", hide_env_values = true, value_parser = web_address)]
    pub(crate) public_url: Option<String>,

    /// Address to take mail on by SMTP, such as 127.0.0.1:2525; without it none is taken that way. There is no TLS:
    /// on the Internet, put a mail server before it.
    #[arg(long, env = "LAMBDESK_SMTP")]
    pub(crate) smtp: Option<SocketAddr>,

    /// DNS server to ask about senders of mail and domains, instead of the system's. For tests.
    #[arg(long, env = "LAMBDESK_DNS", hide = true)]
    pub(crate) dns: Option<SocketAddr>,

    /// IANA time zone of the working hours that a new desk starts with.
    #[arg(long, env = "LAMBDESK_TIME_ZONE", default_value = "UTC")]
    pub(crate) time_zone: String,

    /// An API token with all rights, for scripts. Without it one is made at the first start and printed once.
    #[arg(long, env = "LAMBDESK_API_TOKEN", hide_env_values = true, hide = true)]
    pub(crate) api_token: Option<String>,

    /// Seconds between two sweeps of the clock. For tests: deadlines are kept to the minute otherwise, as on AWS.
    #[arg(long, env = "LAMBDESK_TICK_SECONDS", default_value_t = 60, hide = true)]
    pub(crate) tick_seconds: u64,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Looks after messages that could not be processed.
    DeadLetters {
        #[command(flatten)]
        desk: Remote,

        #[command(subcommand)]
        what: DeadLetters,
    },
    /// Checks a desk: settings, webhooks, queues, clock, limits; and says what to do.
    Doctor {
        #[command(flatten)]
        desk: Remote,
    },
}

/// The desk to talk to.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// URL of the desk.
    #[arg(long, env = "LAMBDESK_URL", default_value = "http://127.0.0.1:8080", global = true)]
    pub(crate) url: String,

    /// API token with the scope `operations`.
    #[arg(long, env = "LAMBDESK_API_TOKEN", hide_env_values = true, default_value = "", global = true)]
    pub(crate) token: String,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Lists them, oldest first.
    List {
        /// Only those of one queue: inbound, outbound, work or relay.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Shows one with its content.
    Show {
        /// The queue.
        queue: String,
        /// The id, as `list` shows it.
        id: String,
    },
    /// Sends them back to where they failed.
    Redrive {
        /// The queue.
        queue: String,
        /// Only this one; all of the queue without it.
        id: Option<String>,
    },
}

/// An address of the web as it was written, without a slash at its end: paths are put behind it.
fn web_address(text: &str) -> Result<String, String> {
    let url: Url =
        text.parse().map_err(|error| format!("{error}; it looks like https://desk.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err("it looks like https://desk.example.com".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_one_of_the_web() {
        assert_eq!(web_address("https://desk.example/").as_deref(), Ok("https://desk.example"));
        assert_eq!(web_address("http://10.0.0.1:8080/desk").as_deref(), Ok("http://10.0.0.1:8080/desk"));
        for text in
            ["desk.example", "desk.example:8080", "ftp://desk.example", "https://desk.example?a=1", ""]
        {
            assert!(web_address(text).is_err(), "{text}");
        }
    }
}
