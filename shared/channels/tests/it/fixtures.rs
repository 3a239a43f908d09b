//! Connections and bodies to test with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use channels::Connection;
use channels::http::Http;
use channels::platform::{Instruments, Outlets};
use object_store::memory::InMemory;
use serde_json::{Map, Value, json};
use store::blobs::{Blobs, NoLinks};
use store::seal::Secret;

pub(crate) const TOKEN: &str = "123456:AAF_very-secret-token";

pub(crate) fn http() -> Http {
    Http::new()
}

pub(crate) fn instruments() -> Instruments {
    Instruments { outlets: Outlets { http: http(), mailer: None }, dns: None }
}

/// An object store in memory.
pub(crate) fn blobs() -> Blobs {
    Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks))
}

/// The connection of the bot 42, which listens in groups.
pub(crate) fn connection() -> Connection {
    let mut settings = Map::new();
    settings.insert("bot_id".to_owned(), json!("42"));
    settings.insert("groups".to_owned(), json!(true));
    let secrets = [("token", TOKEN), ("secret_token", "s3cret_token-of_ours")];
    Connection {
        id: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        channel: "telegram".try_into().unwrap(),
        name: "Shop".to_owned(),
        settings,
        secrets: secrets.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
    }
}

/// The same connection, with its API elsewhere.
pub(crate) fn connection_to(api_url: &str) -> Connection {
    let mut connection = connection();
    connection.settings.insert("api_url".to_owned(), api_url.into());
    connection
}

/// Every update of `tests/fixtures/telegram`, by name.
pub(crate) fn updates() -> BTreeMap<String, Vec<u8>> {
    static UPDATES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(read_updates);
    UPDATES.clone()
}

fn read_updates() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

pub(crate) fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
