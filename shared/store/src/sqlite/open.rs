//! Opening the file: what it must be, how connections to it are set up, and its schema.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Marks a file as ours, in SQLite's header: `LDSK`.
const APPLICATION_ID: i32 = 0x4c44_534b;
/// What leads from each version of the schema to the next. Only ever appended to.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("interruptions.sql"), include_str!("objects.sql")];
/// The version of the schema that they lead to.
const SCHEMA: u32 = MIGRATIONS.len() as u32;
/// How long to wait for another process, such as a backup, that holds the file.
const BUSY: Duration = Duration::from_secs(10);
/// Statements kept prepared per connection; more than there are.
const STATEMENTS: usize = 128;

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read or made.
    #[error("cannot open `{path}`: {reason}")]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// What SQLite or the system says.
        reason: String,
    },
    /// It cannot be written.
    #[error("`{0}` is read-only")]
    ReadOnly(PathBuf),
    /// It is no SQLite database, or one of another program.
    #[error("`{0}` is not a database of Lambdesk")]
    Foreign(PathBuf),
    /// A newer Lambdesk wrote it.
    #[error("`{path}` has schema version {found}; this Lambdesk knows {known}: update it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u32,
        /// The newest version that is understood.
        known: u32,
    },
}

/// Opens the connection that writes, and brings the schema up to date.
pub(super) fn for_writing(path: &Path) -> Result<Connection, OpenError> {
    let prepare = || {
        let mut connection = Connection::open(path)?;
        set_up(&connection)?;
        if connection.is_readonly("main")? {
            return Ok(Err(OpenError::ReadOnly(path.to_owned())));
        }
        Ok(migrate(&mut connection, path)?.map(|()| connection))
    };
    prepare().unwrap_or_else(|error: rusqlite::Error| {
        Err(match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign(path.to_owned()),
            Some(ErrorCode::ReadOnly) => OpenError::ReadOnly(path.to_owned()),
            _ => OpenError::Unopenable { path: path.to_owned(), reason: error.to_string() },
        })
    })
}

/// Opens a connection that only reads.
pub(super) fn for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_up(&connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans do not depend on what is bound. Else a statement with a bound limit is prepared anew whenever it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Negative: in KiB.
    connection.pragma_update(None, "cache_size", -16_384)
}

/// The inner result is ours to explain, the outer one SQLite's.
fn migrate(connection: &mut Connection, path: &Path) -> rusqlite::Result<Result<(), OpenError>> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Ok(Err(OpenError::Foreign(path.to_owned())));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The log is forced to the disk with every commit, not only at checkpoints.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;

    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > SCHEMA {
        return Ok(Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA }));
    }
    if found < SCHEMA {
        for (_, migration) in (0..).zip(MIGRATIONS).filter(|&(from, _)| from >= found) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(Ok(()))
}
