//! What the disk and SQLite allow: each mail is written with a row for its ticket, in a commit of its own.
//!
//! Not what a desk could do without losing anything: nobody is looked up, no conversation found, nothing is parsed or
//! answered. But it is measured in the same minute on the same disk, so that a share of it says more of a desk than its
//! messages a second do.

use std::io;
use std::time::Instant;

use rusqlite::Connection;

use crate::local;
use crate::mails::Mail;

/// Mails written a second.
///
/// # Errors
/// When SQLite cannot write.
pub fn measure(mails: &[Mail]) -> io::Result<f64> {
    let folder = local::folder()?;
    let mut database = Connection::open(folder.path().join("floor.db")).map_err(io::Error::other)?;
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE mails (id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
             CREATE TABLE tickets (id INTEGER PRIMARY KEY, mail INTEGER NOT NULL, status TEXT NOT NULL);",
        )
        .map_err(io::Error::other)?;
    let begun = Instant::now();
    for mail in mails {
        write(&mut database, &mail.bytes).map_err(io::Error::other)?;
    }
    Ok(mails.len() as f64 / begun.elapsed().as_secs_f64())
}

fn write(database: &mut Connection, raw: &[u8]) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    transaction.prepare_cached("INSERT INTO mails (raw) VALUES (?1)")?.execute([raw])?;
    transaction
        .prepare_cached("INSERT INTO tickets (mail, status) VALUES (?1, 'new')")?
        .execute([transaction.last_insert_rowid()])?;
    transaction.commit()
}
