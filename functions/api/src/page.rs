//! Lists in pages: `{items, next_cursor}`.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use store::seal::SealingKey;
use utoipa::{IntoParams, ToSchema};

use crate::parameters::parsed;
use crate::problem::Problem;

/// The most entries of a page.
const MOST: usize = 100;
/// The entries of a page when nobody says how many.
const USUAL: usize = 25;
/// The length of a cursor's signature, in bytes of base64.
const SIGNATURE: usize = 43;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The entries, in order.
    pub(crate) items: Vec<T>,
    /// What to hand in as `cursor` for the entries that follow; `null` at the end.
    pub(crate) next_cursor: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many entries, 1 to 100; 25 by default.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1, maximum = 100)]
    pub(crate) limit: Option<usize>,
    /// Where an earlier page ended.
    #[serde(default)]
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// How many entries are asked for.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            _ => {
                let detail = format!("The parameter `limit` is a number from 1 to {MOST}.");
                Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail))
            }
        }
    }

    /// The position in `list` where the page begins; `None` for the first page.
    pub(crate) fn position(&self, key: &SealingKey, list: &str) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(|cursor| open(key, list, cursor)).transpose()
    }

    /// The page of a list that is small enough to be read whole. `name` tells an entry's position, which orders them.
    pub(crate) fn cut<T>(
        &self,
        key: &SealingKey,
        list: &str,
        entries: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Problem> {
        let (limit, position) = (self.limit()?, self.position(key, list)?);
        let mut rest =
            entries.into_iter().filter(|entry| position.as_ref().is_none_or(|after| name(entry) > *after));
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = rest.next().and(items.last()).map(name);
        Ok(Page { items, next_cursor: next.map(|next| cursor(key, list, &next)) })
    }
}

/// A cursor for a position in a list.
///
/// Signed for its list, because a position that is not one of the list's own is for the engines to misunderstand.
pub(crate) fn cursor(key: &SealingKey, list: &str, position: &str) -> String {
    BASE64.encode(format!("{}{position}", key.sign(&purpose(list), position)))
}

fn open(key: &SealingKey, list: &str, cursor: &str) -> Result<String, Problem> {
    let invalid = || {
        let detail = "The cursor does not come from this list; begin without one.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail)
    };
    let bytes = BASE64.decode(cursor).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (signature, position) = text.split_at_checked(SIGNATURE).ok_or_else(invalid)?;
    if key.verify(&purpose(list), position, signature) { Ok(position.to_owned()) } else { Err(invalid()) }
}

fn purpose(list: &str) -> String {
    format!("cursor of {list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let key = SealingKey::new(&[7; 32]).unwrap();
        let cursor = cursor(&key, "tickets", "2026-01-01#tkt_1");
        assert_eq!(open(&key, "tickets", &cursor).unwrap(), "2026-01-01#tkt_1");
        assert!(open(&key, "contacts", &cursor).is_err());
        for wrong in ["", "*", "AAAA", &cursor[1..], &format!("{cursor}A"), &"ä".repeat(50)] {
            assert!(open(&key, "tickets", wrong).is_err(), "{wrong}");
        }
    }
}
