//! Typed ids: a prefix that tells the kind and a ULID that sorts by the time of creation.

use std::fmt;
use std::str::FromStr;

pub use ulid::Ulid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that looks like `{prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV`")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// What each id of this kind starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id of this kind from a fresh ULID.
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The part after the prefix.
            pub const fn ulid(self) -> Ulid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { prefix: $prefix };
                let ulid = text.strip_prefix(concat!($prefix, "_")).ok_or_else(|| invalid.clone())?;
                let parsed = Ulid::from_str(ulid).map_err(|_| invalid.clone())?;
                // One id has one spelling, or two keys could name one object.
                if parsed.to_string() == ulid { Ok(Self(parsed)) } else { Err(invalid) }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

id_type!(/** A ticket. */ TicketId, "tkt");
id_type!(/** A contact: one person, on any number of channels. */ ContactId, "con");
id_type!(/** A connection: one account of the firm on one channel, such as a bot or a mailbox. */ ConnectionId, "cnx");
id_type!(/** A reply: one entry of the outbox. */ ReplyId, "rep");
id_type!(/** A file that came with a message or goes out with one. */ AttachmentId, "att");
id_type!(/** A team of agents. */ TeamId, "team");
id_type!(/** A person of the firm who works on tickets. */ AgentId, "agt");
id_type!(/** An SLA policy. */ PolicyId, "sla");
id_type!(/** A calendar of working hours. */ CalendarId, "cal");
id_type!(/** An API token. */ TokenId, "tok");
id_type!(/** A visitor of the firm's site: one conversation of its chat. */ VisitorId, "vis");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = TicketId::new(Ulid::from_parts(1_700_000_000_000, 42));
        assert_eq!(id.to_string().parse::<TicketId>(), Ok(id));
        assert!(id.to_string().to_lowercase().parse::<TicketId>().is_err());
        assert!(id.to_string().replace("tkt_", "con_").parse::<TicketId>().is_err());
        assert!(id.to_string().parse::<ContactId>().is_err());
        assert!("tkt_".parse::<TicketId>().is_err());
    }
}
