//! An item as a row.

use rusqlite::types::Type;
use rusqlite::{Row, ToSql};
use serde_json::{Map, Value};

use crate::table::{Item, Key, TableError};

/// The columns of an item, in the order that [`read`] and [`Columns::params`] have.
pub(super) const COLUMNS: &str = "pk, sk, views_pk, views_sk, due_pk, due_sk, expires_at, body";

/// An item whose body is text already, so that the writer spends no time on it.
pub(super) struct Columns {
    pub(super) key: Key,
    views: Option<Key>,
    due: Option<Key>,
    expires_at: Option<i64>,
    body: String,
    /// The attribute `version`, if it is a natural number.
    pub(super) version: Option<i64>,
}

impl Columns {
    pub(super) fn new(item: Item) -> Result<Self, TableError> {
        let version = item.body.get("version").and_then(Value::as_u64).map(u64::cast_signed);
        let body = text(&item.body)?;
        let Item { key, views, due, expires_at, .. } = item;
        Ok(Self { key, views, due, expires_at, body, version })
    }

    pub(super) fn params(&self) -> [&dyn ToSql; 8] {
        [
            &self.key.pk,
            &self.key.sk,
            part(&self.views, |key| &key.pk),
            part(&self.views, |key| &key.sk),
            part(&self.due, |key| &key.pk),
            part(&self.due, |key| &key.sk),
            &self.expires_at,
            &self.body,
        ]
    }
}

/// The body as text.
pub(super) fn text(body: &Map<String, Value>) -> Result<String, TableError> {
    serde_json::to_string(body).map_err(|error| TableError::Invalid(error.to_string()))
}

/// An item from a row that begins with [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        key: Key { pk: row.get(0)?, sk: row.get(1)? },
        views: place(row, 2)?,
        due: place(row, 4)?,
        expires_at: row.get(6)?,
        body: body(row, 7)?,
    })
}

/// The body in one column of a row.
pub(super) fn body(row: &Row<'_>, column: usize) -> rusqlite::Result<Map<String, Value>> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Key>> {
    let (pk, sk): (Option<String>, Option<String>) = (row.get(column)?, row.get(column + 1)?);
    Ok(pk.zip(sk).map(|(pk, sk)| Key { pk, sk }))
}

fn part(key: &Option<Key>, of: fn(&Key) -> &String) -> &dyn ToSql {
    match key {
        Some(key) => of(key),
        None => &rusqlite::types::Null,
    }
}
