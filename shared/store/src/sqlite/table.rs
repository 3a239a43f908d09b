//! [`Table`] on SQLite.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use serde_json::{Map, Value};

use super::item::{self, COLUMNS, Columns};
use super::{Shared, TableName, changes};
use crate::table::limits::{check_key, check_keys, check_query, check_writes};
use crate::table::{Condition, Index, Item, Key, Page, Query, Table, TableError, VIEWS_PROJECTION, Write};

/// One table of the file.
#[derive(Clone)]
pub struct SqliteTable {
    shared: Arc<Shared>,
    name: TableName,
}

impl SqliteTable {
    pub(super) fn new(shared: Arc<Shared>, name: TableName) -> Self {
        Self { shared, name }
    }
}

#[async_trait]
impl Table for SqliteTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        check_key(key)?;
        let (name, key) = (self.name, key.clone());
        self.shared.readers.run_here(move |connection| Ok(get(connection, name, &key)?)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        check_keys(keys)?;
        let name = self.name;
        let keys: HashSet<Key> = keys.iter().cloned().collect();
        self.shared
            .readers
            .run_here(move |connection| {
                let found = keys.iter().filter_map(|key| get(connection, name, key).transpose());
                Ok(found.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        check_query(&query)?;
        let name = self.name;
        self.shared.readers.run(move |connection| Ok(select(connection, name, &query)?)).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        check_writes(&writes)?;
        let prepared: Vec<Prepared> = writes.into_iter().map(Prepared::new).collect::<Result<_, _>>()?;
        let (name, fed) = (self.name, self.shared.fed);
        let wake = Arc::clone(&self.shared.changes);
        self.shared.writer.run(Some(wake), move |connection| write(connection, name, fed, &prepared)).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        check_key(key)?;
        let (name, fed, key) = (self.name, self.shared.fed, key.clone());
        let wake = Arc::clone(&self.shared.changes);
        self.shared.writer.run(Some(wake), move |connection| increment(connection, name, fed, &key)).await
    }
}

fn get(connection: &Connection, name: TableName, key: &Key) -> rusqlite::Result<Option<Item>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM items WHERE tbl = ?1 AND pk = ?2 AND sk = ?3"))?
        .query_row(params![name.number(), key.pk, key.sk], item::read)
        .optional()
}

fn select(connection: &Connection, name: TableName, query: &Query) -> rusqlite::Result<Page> {
    let (columns, pk, sk) = match query.index {
        Index::Primary => (COLUMNS, "pk", "sk"),
        Index::Views => ("pk, sk, views_pk, views_sk, NULL, NULL, NULL, body", "views_pk", "views_sk"),
        Index::Due => ("pk, sk, NULL, NULL, due_pk, due_sk, NULL, '{}'", "due_pk", "due_sk"),
    };
    let (table, limit) = (name.number(), i64::try_from(query.limit).unwrap_or(i64::MAX));
    // One more than asked for tells whether there are more.
    let fetched = limit.saturating_add(1);
    let mut sql = format!("SELECT {columns} FROM items WHERE tbl = ?1 AND {pk} = ?2");
    let mut values: Vec<&dyn ToSql> = vec![&table, &query.partition];
    let (low, high) = bounds(query);
    for (bound, open, closed) in [(&low, ">", ">="), (&high, "<", "<=")] {
        let (operator, value) = match bound {
            Bound::Excluded(value) => (open, value),
            Bound::Included(value) => (closed, value),
            Bound::Unbounded => continue,
        };
        values.push(value);
        sql.push_str(&format!(" AND {sk} {operator} ?{}", values.len()));
    }
    values.push(&fetched);
    let direction = if query.descending { "DESC" } else { "ASC" };
    sql.push_str(&format!(" ORDER BY {sk} {direction} LIMIT ?{}", values.len()));

    let mut statement = connection.prepare_cached(&sql)?;
    let mut items = statement.query_map(&*values, item::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = items.len() > query.limit;
    items.truncate(query.limit);
    if query.index == Index::Views {
        for item in &mut items {
            item.body.retain(|name, _| VIEWS_PROJECTION.contains(&name.as_str()));
        }
    }
    Ok(Page { items, more })
}

/// The range of sort keys to read, with `after` merged in: of two bounds on one side SQLite might seek by the worse.
fn bounds(query: &Query) -> (Bound<&String>, Bound<&String>) {
    let closed = |key: Option<_>| key.map_or(Bound::Unbounded, Bound::Included);
    let (from, to, after) = (query.from.as_ref(), query.to.as_ref(), query.after.as_ref());
    match after {
        Some(after) if query.descending && to.is_none_or(|to| after <= to) => {
            (closed(from), Bound::Excluded(after))
        }
        Some(after) if !query.descending && from.is_none_or(|from| after >= from) => {
            (Bound::Excluded(after), closed(to))
        }
        _ => (closed(from), closed(to)),
    }
}

/// A write that is ready for the writer.
enum Prepared {
    Put(Columns, Condition),
    Delete(Key, Condition),
}

impl Prepared {
    fn new(write: Write) -> Result<Self, TableError> {
        Ok(match write {
            Write::Put(item, condition) => Self::Put(Columns::new(item)?, condition),
            Write::Delete(key, condition) => Self::Delete(key, condition),
        })
    }

    const fn condition(&self) -> (&Key, Condition) {
        match self {
            Self::Put(columns, condition) => (&columns.key, *condition),
            Self::Delete(key, condition) => (key, *condition),
        }
    }
}

/// A stored item, as far as conditions look.
struct Stored {
    row: i64,
    version: Option<i64>,
}

fn write(
    connection: &Connection,
    name: TableName,
    fed: &[&str],
    writes: &[Prepared],
) -> Result<(), TableError> {
    let mut stored = Vec::with_capacity(writes.len());
    let mut failed = Vec::new();
    for (position, write) in writes.iter().enumerate() {
        let (key, condition) = write.condition();
        let found = find(connection, name, key)?;
        let holds = match condition {
            Condition::Any => true,
            Condition::Absent => found.is_none(),
            Condition::Version(version) => {
                found.as_ref().is_some_and(|found| found.version == Some(version.cast_signed()))
            }
        };
        if !holds {
            failed.push(position);
        }
        stored.push(found);
    }
    if !failed.is_empty() {
        return Err(TableError::ConditionFailed(failed));
    }
    for (write, stored) in writes.iter().zip(stored) {
        match (write, stored) {
            (Prepared::Put(columns, _), Some(stored)) => replace(connection, &stored, columns)?,
            (Prepared::Put(columns, _), None) => insert(connection, name, fed, columns)?,
            (Prepared::Delete(..), Some(stored)) => {
                connection.prepare_cached("DELETE FROM items WHERE rowid = ?1")?.execute([stored.row])?;
            }
            (Prepared::Delete(..), None) => {}
        }
    }
    Ok(())
}

fn find(connection: &Connection, name: TableName, key: &Key) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached("SELECT rowid, version FROM items WHERE tbl = ?1 AND pk = ?2 AND sk = ?3")?
        .query_row(params![name.number(), key.pk, key.sk], |row| {
            Ok(Stored { row: row.get(0)?, version: row.get(1)? })
        })
        .optional()
}

fn insert(connection: &Connection, name: TableName, fed: &[&str], columns: &Columns) -> rusqlite::Result<()> {
    let number = name.number();
    let mut insert = connection.prepare_cached(&format!(
        "INSERT INTO items ({COLUMNS}, tbl, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    ))?;
    let own: [&dyn ToSql; 2] = [&number, &columns.version];
    insert.execute(rusqlite::params_from_iter(columns.params().into_iter().chain(own)))?;
    let told = fed.iter().any(|start| columns.key.sk.starts_with(start));
    match name {
        TableName::Main if told => changes::record(connection, columns),
        TableName::Main | TableName::Index => Ok(()),
    }
}

fn replace(connection: &Connection, stored: &Stored, columns: &Columns) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(&format!(
        "UPDATE items SET ({COLUMNS}) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8), version = ?9 WHERE rowid = ?10"
    ))?;
    let own: [&dyn ToSql; 2] = [&columns.version, &stored.row];
    update.execute(rusqlite::params_from_iter(columns.params().into_iter().chain(own)))?;
    Ok(())
}

fn increment(connection: &Connection, name: TableName, fed: &[&str], key: &Key) -> Result<u64, TableError> {
    let found = connection
        .prepare_cached("SELECT rowid, body FROM items WHERE tbl = ?1 AND pk = ?2 AND sk = ?3")?
        .query_row(params![name.number(), key.pk, key.sk], |row| Ok((row.get(0)?, item::body(row, 1)?)))
        .optional()?;
    let Some((row, mut body)) = found else {
        let body = Map::from_iter([("value".to_owned(), Value::from(1))]);
        let counter = Item { key: key.clone(), views: None, due: None, expires_at: None, body };
        insert(connection, name, fed, &Columns::new(counter)?)?;
        return Ok(1);
    };
    let value = body.get("value").map_or(Some(0), Value::as_u64).and_then(|value| value.checked_add(1));
    let value = value
        .ok_or_else(|| TableError::Invalid(format!("the item {} / {} is not a counter", key.pk, key.sk)))?;
    body.insert("value".to_owned(), Value::from(value));
    let row: i64 = row;
    connection
        .prepare_cached("UPDATE items SET body = ?1 WHERE rowid = ?2")?
        .execute(params![item::text(&body)?, row])?;
    Ok(value)
}
