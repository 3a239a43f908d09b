//! A folder that the desk's user cannot write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use journey::mail::{Letter, MailServer, Office};
use journey::stage::Stage;
use journey::target::{Confinement, Receiving};
use serde_json::{Value, json};

use crate::report;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_named_and_nothing_in_it_is_lost() {
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let server = MailServer::start().await;
    let office = Office::open(&stage, &server, "support@shop.example", json!({})).await;
    stage.process().kill().await;
    let data = stage.process().data();
    let Some(unprivileged) = Confinement::unprivileged(&data) else {
        let why = "root may write everywhere, and there is no setpriv (util-linux) to be somebody else";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        report(&format!("SKIPPED read_only: {why}"));
        return;
    };
    stage.process().confine(Some(unprivileged));
    stage.process().restart().await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;

    // Files that are open stay open; those that would have to be made cannot be.
    allow(&data, false);
    let long = "It is broken. ".repeat(20_000);
    let letter = Letter::new("ann@example.org", &office.address, "Lamp", &long);
    assert_eq!(
        office.hand_in(letter.bytes()).await,
        503,
        "the original of a large mail is a file of its own"
    );
    assert!(stage.log().contains("a webhook could not be made durable"));
    anna.says("Anybody?").await;
    assert_eq!(stage.received(&ticket, 2).await, ["Hello?", "Anybody?"]);
    assert_eq!(office.tickets(&stage).await, Vec::<Value>::new());

    // The next start tells at once, whatever it is that cannot be written.
    stage.process().kill().await;
    refuses_to_start(&mut stage, &data).await;
    for part in ["", "objects", "lambdesk.db", "lock", "key"] {
        allow(&data, true);
        let part = data.join(part);
        let mode = if part.ends_with("key") { 0o000 } else { 0o500 };
        fs::set_permissions(&part, Permissions::from_mode(mode)).expect("a file of the desk");
        refuses_to_start(&mut stage, &data).await;
    }

    allow(&data, true);
    stage.process().restart().await;
    assert_eq!(stage.texts_received(&ticket).await, ["Hello?", "Anybody?"]);
    office.deliver(&letter).await;
    office.await_tickets(&stage, 1).await;
    assert!(!stage.log().contains("panicked"));
}

async fn refuses_to_start(stage: &mut Stage, data: &Path) {
    let (status, said) = stage.process().restart_in_vain().await;
    assert_eq!(status.code(), Some(1), "{said}");
    let folder = data.to_str().expect("a folder of ours");
    let what = format!("lambdesk: the data folder {folder} cannot be used: ");
    assert!(said.contains(&what) && said.contains("--data"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// Lets the owner write the folder and everything in it, or not.
fn allow(path: &Path, writing: bool) {
    let folder = path.is_dir();
    let mode = match (folder, writing) {
        (true, true) => 0o700,
        (true, false) => 0o500,
        (false, true) => 0o600,
        (false, false) => 0o400,
    };
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of the desk");
    if folder {
        for entry in fs::read_dir(path).expect("the folder is there") {
            allow(&entry.expect("the folder can be read").path(), writing);
        }
    }
}
