//! Time zones.

use std::iter;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "Europe/Berlin")]
pub struct Zone(TimeZone);

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone of the IANA database, such as Europe/Berlin")]
pub struct InvalidZone(String);

impl Zone {
    /// The name in the IANA database.
    pub fn as_str(&self) -> &str {
        // A zone that was looked up by its name has one.
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The time from `from` until `to`, cut where the offset of the wall clock changes.
    pub(super) fn stretches(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp, Offset)> {
        let mut start = from;
        iter::from_fn(move || {
            if start >= to {
                return None;
            }
            let change = self.0.following(start).next().map_or(to, |change| change.timestamp());
            let stretch = (start, change.min(to), self.0.to_offset(start));
            start = change;
            Some(stretch)
        })
    }
}

impl TryFrom<&str> for Zone {
    type Error = InvalidZone;

    fn try_from(name: &str) -> Result<Self, InvalidZone> {
        match TimeZone::get(name) {
            Ok(zone) if !zone.is_unknown() && zone.iana_name().is_some() => Ok(Self(zone)),
            _ => Err(InvalidZone(name.to_owned())),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(name: String) -> Result<Self, InvalidZone> {
        Self::try_from(name.as_str())
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.as_str().to_owned()
    }
}
