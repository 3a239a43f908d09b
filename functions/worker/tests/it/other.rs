//! Pressed buttons, the search for contacts, and what is no work at all.

use desk::channel::Channel;
use desk::event::{Actor, Event};
use desk::ids::{ContactId, Ulid};
use desk::inbound::Happened;
use desk::message::MessageContent;
use store::envelope::Work;
use store::queue::MAX_RECEIVES;

use crate::stage::{Stage, connection, picture};

fn hello() -> Happened {
    let content = MessageContent::text("Hello");
    Happened::Message { id: "1".to_owned(), content, album: None }
}

/// A button is pressed in a conversation. The work that follows.
async fn pressed(stage: &Stage) -> Work {
    stage.happens("update:1", hello()).await;
    let button = Happened::Button { callback: "cb-1".to_owned(), id: None, data: "yes".to_owned() };
    let (ticket, event) = stage.happens("update:2", button).await;
    Work::Acknowledge { ticket, seq: event.seq }
}

#[tokio::test]
async fn a_press_is_acknowledged() {
    let stage = Stage::new().await;
    let work = pressed(&stage).await;
    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.telegram.called(), ["answerCallbackQuery cb-1"]);
}

#[tokio::test]
async fn a_press_is_acknowledged_again_only_where_that_may_help() {
    let stage = Stage::new().await;
    let work = pressed(&stage).await;
    for receives in 1..=MAX_RECEIVES {
        stage.telegram.refuses(500, "Internal Server Error");
        assert!(!stage.works(&work, receives).await, "at the end it is a dead letter");
    }
    for description in ["Bad Request: query is too old", "Bad Request: query ID is invalid"] {
        stage.telegram.refuses(400, description);
        assert!(stage.works(&work, 1).await, "{description}");
    }
    assert_eq!(stage.telegram.called().len(), usize::try_from(MAX_RECEIVES).unwrap() + 2);
}

#[tokio::test]
async fn whoever_wrote_is_found() {
    let stage = Stage::new().await;
    let (_, Event { actor, .. }) = stage.happens("update:1", hello()).await;
    let Actor::Contact { id } = actor else { panic!("{actor:?}") };
    let found = async || {
        let hits = stage.search.find("mill", None, 10).await.unwrap().items;
        hits.into_iter().map(|hit| hit.contact).collect::<Vec<ContactId>>()
    };
    assert_eq!(found().await, []);
    for _ in 0..2 {
        assert!(stage.works(&Work::IndexContact { contact: id }, 1).await);
        assert_eq!(found().await, [id]);
    }
    let nobody = ContactId::new(Ulid::from_parts(1, 1));
    assert!(stage.works(&Work::IndexContact { contact: nobody }, 1).await);
}

#[tokio::test]
async fn work_of_a_connection_that_is_gone_is_done() {
    let stage = Stage::new().await;
    let (work, ids) = stage.sends(vec![picture("one")]).await;
    let bot = stage.desk.connection(&Channel::try_from("telegram").unwrap(), connection()).await.unwrap();
    stage.desk.delete_connection(&bot.unwrap()).await.unwrap();
    assert!(stage.works(&work, 1).await);
    assert_eq!(stage.file(ids[0]).await, None);
    assert_eq!(stage.telegram.called(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_understands_is_never_done() {
    let stage = Stage::new().await;
    for receives in 1..=MAX_RECEIVES {
        assert!(!stage.works_on(r#"{"do":"dance"}"#.to_owned(), receives).await);
    }
}
