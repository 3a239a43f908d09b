//! Input that was once meant well: whatever happens to it on its way, every parser takes it, and keeps what it promises.

mod answers;
mod chat;
mod mails;
mod records;
mod updates;

use std::sync::LazyLock;

use desk::inbound::Inbound;
use jiff::Timestamp;
use store::blobs::Blobs;
use store::envelope::Envelope;

use crate::fixtures;

static BLOBS: LazyLock<Blobs> = LazyLock::new(fixtures::blobs);

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Runs what waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What happened gets through the queue as it is.
fn passes_on(inbound: &Inbound) {
    assert!(!inbound.key.is_empty() && !inbound.thread.conversation.is_empty(), "{inbound:?}");
    let (checked, unpacked) = at_once(async {
        let packed = Envelope::pack(inbound.clone(), &BLOBS).await.unwrap();
        (packed.check(true), Envelope::unpack(&packed.body, &BLOBS).await.unwrap())
    });
    assert_eq!(checked, Ok(()));
    assert_eq!(unpacked.as_ref(), Some(&(inbound.clone(), false)));
}
