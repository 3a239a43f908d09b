//! What becomes of the files of a message.

use std::sync::atomic::Ordering;

use desk::message::Attachment;
use sha2::{Digest as _, Sha256};
use store::attachments::{FileState, StoredFile};
use store::queue::MAX_RECEIVES;

use crate::stage::{Stage, picture};
use crate::telegram::PICTURE;

/// More than is taken over of any file.
const HUGE: u64 = 50 * 1024 * 1024 + 1;

#[tokio::test]
async fn a_file_is_kept_once() {
    let stage = Stage::new().await;
    let declared = Attachment { content_type: Some("application/pdf".to_owned()), ..picture("one") };
    let (work, ids) = stage.sends(vec![declared]).await;
    assert!(stage.works(&work, 1).await);
    let file = stage.file(ids[0]).await.unwrap();
    assert_eq!((file.state, file.reason.as_deref()), (FileState::Stored, None));
    assert_eq!((file.name.as_str(), file.content_type.as_str()), ("one.png", "image/png"));
    assert_eq!(file.size, PICTURE.len() as u64);
    let sha256: String = Sha256::digest(PICTURE).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(file.sha256, Some(sha256));
    assert_eq!(stage.blobs.get(&file.key).await.unwrap(), PICTURE);
    assert_eq!(stage.telegram.called(), ["getFile", "one.png"]);

    assert!(stage.works(&work, 1).await, "the queue repeats itself");
    assert_eq!(stage.telegram.called(), [""; 0]);
    assert_eq!(stage.file(ids[0]).await, Some(file));
}

#[tokio::test]
async fn what_is_too_large_is_given_up_at_once() {
    let stage = Stage::new().await;
    let declared = Attachment { size: Some(HUGE), ..picture("one") };
    let (work, ids) = stage.sends(vec![declared, picture("two"), picture("three")]).await;
    stage.telegram.refuses(400, "Bad Request: file is too big");
    stage.telegram.has_a_file();
    stage.telegram.breaks("too_large");
    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.telegram.called(), ["getFile", "getFile", "one.png"], "the first is not asked for");
    for id in ids {
        let file = stage.file(id).await.unwrap();
        assert_eq!((file.state, file.reason.as_deref()), (FileState::Failed, Some("too_large")));
        assert_eq!(file.sha256, None);
    }
}

#[tokio::test]
async fn what_is_gone_is_given_up_at_once() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    stage.telegram.refuses(400, "Bad Request: wrong file_id");
    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.reason(ids[0]).await.as_deref(), Some("gone"));
}

#[tokio::test]
async fn where_nobody_may_go_nothing_is_fetched_from() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    stage.telegram.has_a_file();
    stage.telegram.breaks("forbidden_address");
    assert!(stage.works(&work, 1).await, "no other try can succeed");
    assert_eq!(stage.reason(ids[0]).await.as_deref(), Some("forbidden_address"));
}

#[tokio::test]
async fn what_fails_in_passing_is_tried_again_up_to_the_last_time() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one"), picture("two")]).await;
    stage.telegram.refuses(500, "Internal Server Error");
    assert!(!stage.works(&work, 1).await);
    assert_eq!(stage.file(ids[0]).await, None, "nothing is decided yet");
    assert_eq!(stage.file(ids[1]).await.unwrap().state, FileState::Stored, "the others are not kept away");
    assert_eq!(stage.telegram.called(), ["getFile", "getFile", "two.png"]);

    stage.telegram.breaks("timeout");
    assert!(!stage.works(&work, MAX_RECEIVES - 2).await);
    assert_eq!(stage.file(ids[0]).await, None);
    assert!(stage.works(&work, 3).await);
    assert_eq!(stage.file(ids[0]).await.unwrap().state, FileState::Stored);
    assert_eq!(stage.telegram.called(), ["getFile", "getFile", "one.png"], "only what is missing is fetched");
}

#[tokio::test]
async fn what_fails_to_the_end_is_noted_and_can_be_sent_again() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one"), picture("two")]).await;
    for version in 1..=2 {
        stage.telegram.breaks("timeout");
        assert!(!stage.works(&work, MAX_RECEIVES - 1).await, "it becomes a dead letter");
        let file = stage.file(ids[0]).await.unwrap();
        assert_eq!((file.state, file.reason.as_deref()), (FileState::Failed, Some("unavailable")));
        assert_eq!(file.version, version);
    }
    stage.telegram.called();

    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.telegram.called(), ["getFile", "one.png"], "the other one was had before");
    let file = stage.file(ids[0]).await.unwrap();
    assert_eq!((file.state, file.reason.as_deref(), file.version), (FileState::Stored, None, 3));
    assert_eq!(stage.blobs.get(&file.key).await.unwrap(), PICTURE);
}

#[tokio::test]
async fn a_token_that_was_revoked_costs_no_file() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    stage.telegram.refuses(401, "Unauthorized");
    assert!(!stage.works(&work, MAX_RECEIVES - 1).await, "it becomes a dead letter");
    assert_eq!(stage.reason(ids[0]).await.as_deref(), Some("unavailable"));
    assert!(stage.works(&work, 1).await, "which is sent again when the bot has another token");
    assert_eq!(stage.file(ids[0]).await.unwrap().state, FileState::Stored);
}

#[tokio::test]
async fn a_store_that_takes_nothing_costs_no_file() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    stage.store.full.store(true, Ordering::SeqCst);
    assert!(!stage.works(&work, MAX_RECEIVES - 1).await, "it becomes a dead letter");
    assert_eq!(stage.reason(ids[0]).await.as_deref(), Some("unavailable"));
    stage.store.full.store(false, Ordering::SeqCst);
    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.file(ids[0]).await.unwrap().state, FileState::Stored);
}

#[tokio::test]
async fn a_record_never_names_bytes_that_are_not_there() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    stage.store.full.store(true, Ordering::SeqCst);
    assert!(!stage.works(&work, 1).await);
    assert_eq!(stage.file(ids[0]).await, None);
    stage.store.full.store(false, Ordering::SeqCst);
    assert!(stage.works(&work, 2).await);
    assert_eq!(stage.blobs.get(&stage.file(ids[0]).await.unwrap().key).await.unwrap(), PICTURE);
}

#[tokio::test]
async fn what_a_visitor_announced_counts_when_it_is_there() {
    for (uploaded, reason) in [(Some(4), None), (Some(3), Some("not_uploaded")), (None, Some("not_uploaded"))]
    {
        let stage = Stage::new().await;
        let id = desk::ids::AttachmentId::new(stage.desk.environment().ulid());
        let announced = StoredFile::announced(
            id,
            "up/1".to_owned(),
            "a.txt".to_owned(),
            4,
            "text/plain",
            stage.desk.now(),
        );
        stage.desk.save_file(&announced.unwrap()).await.unwrap();
        if let Some(size) = uploaded {
            stage.blobs.put("up/1", vec![b'a'; size].into()).await.unwrap();
        }
        let (work, ids) = stage.sends(vec![Attachment { id: Some(id), ..picture("up/1") }]).await;
        assert_eq!(ids, [id]);
        assert!(stage.works(&work, 1).await);
        let file = stage.file(id).await.unwrap();
        assert_eq!(file.reason.as_deref(), reason, "{uploaded:?}");
        assert_eq!(file.state == FileState::Stored, reason.is_none());
        assert!(file.ticket.is_some(), "it is one of the ticket's");
    }
}
