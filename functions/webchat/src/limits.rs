//! How often a visitor, and everybody behind one address, may do something.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use store::buckets::{Bucket, take};

use crate::Webchat;
use crate::problem::Problem;

/// What is limited.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    /// Beginning a session.
    Session,
    /// Sending a message.
    Message,
    /// Announcing a file.
    Upload,
}

impl Deed {
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Message => "message",
            Self::Upload => "upload",
        }
    }

    /// What one visitor may do.
    const fn of_visitor(self) -> Bucket {
        match self {
            Self::Session => Bucket { holds: 30, refill: Duration::from_secs(10) },
            Self::Message => Bucket { holds: 20, refill: Duration::from_secs(3) },
            Self::Upload => Bucket { holds: 10, refill: Duration::from_secs(20) },
        }
    }

    /// What everybody behind one address may do together: an office, or a mobile network.
    const fn of_address(self) -> Bucket {
        match self {
            Self::Session => Bucket { holds: 100, refill: Duration::from_secs(2) },
            Self::Message => Bucket { holds: 100, refill: Duration::from_millis(500) },
            Self::Upload => Bucket { holds: 50, refill: Duration::from_secs(4) },
        }
    }
}

impl Webchat {
    /// Lets a deed through, or tells how long to wait.
    pub(crate) async fn limit(
        &self,
        deed: Deed,
        visitor: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<(), Problem> {
        let word = deed.word();
        let visitor = visitor.map(|visitor| (format!("{word}:{visitor}"), deed.of_visitor()));
        let address = from.map(|from| (format!("{word}-from:{}", network(from)), deed.of_address()));
        for (name, bucket) in visitor.into_iter().chain(address) {
            take(&*self.index, self.desk.now(), &name, bucket).await?.map_err(Problem::too_many)?;
        }
        Ok(())
    }
}

/// The address as far as one customer of a provider has it to themselves: with IPv6 that is 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
    }
}
