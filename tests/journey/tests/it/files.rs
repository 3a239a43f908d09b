//! Files: from the customer into the object store, and from the agent to the customer.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use journey::client;
use journey::desk::{Desk, SOON};
use journey::eventually;
use journey::stage::Stage;
use journey::telegram::Fault;
use journey::webchat::Chat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::chat::ticket_of;

/// Bytes that begin as a JPEG picture and are like no others.
fn picture(seed: u8, size: usize) -> Bytes {
    let noise = (0..size).map(|position| seed.wrapping_mul(31).wrapping_add((position * 7 % 251) as u8));
    [0xff, 0xd8, 0xff, 0xe0].into_iter().chain(noise).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a file, wherever the desk says they are.
pub(crate) async fn content(desk: &Desk, id: &str) -> Bytes {
    let url = format!("{}/api/v1/attachments/{id}/content", desk.base());
    let mut response = client().get(url).bearer_auth(desk.token()).send().await.expect("an answer");
    if response.status() == 302 {
        let link = response.headers()["location"].to_str().expect("a link").to_owned();
        response = client().get(link).send().await.expect("an answer");
    }
    assert_eq!(response.status(), 200);
    response.bytes().await.expect("all bytes")
}

/// Waits until all files of a ticket's messages are stored.
async fn stored(desk: &Desk, ticket: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} files are stored"), SOON, async || {
        let events = desk.events_of(ticket, "message_received").await;
        let files: Vec<_> = events
            .iter()
            .filter_map(|event| event["content"]["attachments"].as_array())
            .flatten()
            .cloned()
            .collect();
        let done = files.iter().filter(|file| file["state"] == "stored").count();
        if done == count { Ok(files) } else { Err(files) }
    })
    .await
}

pub(crate) async fn an_album_is_one_ticket(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let anna = line.bot.customer("Anna");
    let pictures: Vec<_> = (1..=5u8).map(|seed| picture(seed, 20_000 + usize::from(seed))).collect();
    let caption = |position: usize| (position == 0).then_some("My damaged parcel");
    let updates: Vec<_> = pictures
        .iter()
        .enumerate()
        .map(|(position, bytes)| anna.photo(bytes, caption(position), Some("album-1")))
        .collect();
    join_all(updates.iter().map(|update| line.bot.deliver(update))).await;

    let ticket = stage.ticket_of(&line, &anna).await;
    let files = stored(&stage.desk, &ticket, 5).await;
    let events = stage.desk.events_of(&ticket, "message_received").await;
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event["data"]["album"] == "album-1"), "{events:#?}");
    assert_eq!(stage.tickets_of(&line, &anna).await.len(), 1);

    let mut wanted: Vec<_> = pictures.iter().map(|bytes| sha256(bytes)).collect();
    let mut found = Vec::new();
    for file in &files {
        let id = file["id"].as_str().expect("a file has an id");
        let view = stage.desk.get(&format!("/attachments/{id}")).await;
        let bytes = content(&stage.desk, id).await;
        assert_eq!(view["sha256"], sha256(&bytes));
        assert_eq!(view["size"], bytes.len());
        assert_eq!(view["content_type"], "image/jpeg");
        assert_eq!(view["ticket"], ticket);
        found.push(sha256(&bytes));
    }
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
}

pub(crate) async fn both_ways(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let anna = line.bot.customer("Anna");
    let invoice = Bytes::from([b"%PDF-1.7\n".as_slice(), &[7; 3000]].concat());
    line.bot.deliver(&anna.document("Rechnung №1.pdf", "application/pdf", &invoice)).await;
    let ticket = stage.ticket_of(&line, &anna).await;
    let file = stored(desk, &ticket, 1).await.remove(0);
    assert_eq!(file["name"], "Rechnung №1.pdf");
    assert_eq!(content(desk, file["id"].as_str().expect("an id")).await, invoice);

    // What the platform says of a file, such as that it is too large for bots, decides about it.
    line.bot.fail("getFile", None, Fault::Refused(400, "Bad Request: file is too big"));
    line.bot.deliver(&anna.document("film.mp4", "video/mp4", &invoice)).await;
    desk.await_event(&ticket, "the file is given up", |event| {
        event["content"]["attachments"][0]["name"] == "film.mp4"
            && event["content"]["attachments"][0]["state"] == "failed"
    })
    .await;

    let photo = picture(9, 50_000);
    let label = Bytes::from_static(b"Return label\n");
    let photo_id = upload(desk, "label.jpg", "image/jpeg", &photo).await;
    let label_id = upload(desk, "Наклейка.txt", "text/plain", &label).await;
    let reply = json!({"text": "Print this label", "attachments": [photo_id, label_id]});
    let reply = desk.post(&format!("/tickets/{ticket}/replies"), &reply).await;
    desk.await_delivery(&ticket, &reply, "sent").await;

    let sent = line.bot.sent(anna.chat());
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert_eq!((sent[0].kind.as_str(), sent[0].text.as_deref()), ("photo", Some("Print this label")));
    assert_eq!(sent[0].file.as_ref().expect("a photo").bytes, photo);
    assert_eq!(sent[1].kind, "document");
    let document = sent[1].file.as_ref().expect("a document");
    assert_eq!((document.name.as_str(), &document.bytes), ("Наклейка.txt", &label));
}

/// What fits into no item of a table, and the longest text that the site chat takes, which does.
pub(crate) async fn a_long_text_is_kept_whole(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let anna = line.bot.customer("Anna");
    let long = format!("My story: {}", "жили-были ".repeat(30_000));
    let update = anna.text(&long);
    line.bot.deliver(&update).await;
    let ticket = stage.ticket_of(&line, &anna).await;
    has_whole_text(desk, &ticket, "message_received", &long).await;
    let longer = format!("{long}, the end");
    line.bot.deliver(&anna.edit(update.message, &longer)).await;
    has_whole_text(desk, &ticket, "message_edited", &longer).await;
    // As long as may be, of signs of which JSON makes more than what a queue takes.
    let strange = "\u{1}".repeat(40_000);
    anna.says(&strange).await;
    assert!(stage.received(&ticket, 2).await[1] == strange, "it is whole");

    let chat = Chat::connect(desk, json!({})).await;
    let visitor = chat.visitor(json!({})).await;
    let smiles = "😀".repeat(10_000);
    visitor.says("1", &smiles).await;
    let ticket = ticket_of(stage, &visitor).await;
    let said = &desk.events_of(&ticket, "message_received").await[0]["content"];
    assert_eq!((&said["text"], &said["attachments"]), (&json!(smiles), &json!(null)), "as long as may be");
    assert_eq!(visitor.texts().await, [smiles]);
}

/// Waits until an event shows the beginning of a text and has all of it as a file.
pub(crate) async fn has_whole_text(desk: &Desk, ticket: &str, kind: &str, whole: &str) {
    let file = eventually("the text is a file", SOON, async || {
        let events = desk.events_of(ticket, kind).await;
        let file = events.first().map(|event| event["content"]["attachments"][0].clone());
        file.filter(|file| file["state"] == "stored").ok_or(events)
    })
    .await;
    assert_eq!((&file["name"], &file["content_type"]), (&json!("message.txt"), &json!("text/plain")));
    assert_eq!(content(desk, file["id"].as_str().expect("an id")).await, whole.as_bytes());
    let shown = desk.events_of(ticket, kind).await[0]["content"]["text"].clone();
    let shown = shown.as_str().expect("a text").strip_suffix('…').expect("it is cut");
    assert!(shown.len() > 30_000 && whole.starts_with(shown), "{shown}");
}

/// Announces a file and uploads it with the signed form.
pub(crate) async fn upload(desk: &Desk, name: &str, content_type: &str, bytes: &Bytes) -> String {
    let announced = json!({"name": name, "size": bytes.len(), "content_type": content_type});
    let made = desk.ask(Method::POST, "/attachments", Some(&announced), &[]).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let response = journey::webchat::upload(&made.body, bytes).await.expect("an answer");
    let (status, text) = (response.status(), response.text().await.unwrap_or_default());
    assert!(status.is_success(), "{status} {text}");
    made.body["id"].as_str().expect("a file has an id").to_owned()
}
