//! The chat of the firm's site.

use bytes::Bytes;
use http::Method;
use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::target::Receiving;
use journey::webchat::{Chat, Visitor, upload};
use serde_json::{Value, json};

/// Waits for the only ticket of a visitor and returns its id.
pub(crate) async fn ticket_of(stage: &Stage, visitor: &Visitor) -> String {
    let ticket = eventually("the visitor has a ticket", SOON, async || {
        let mut tickets = stage.desk.list("/tickets?channel=webchat").await;
        tickets.retain(|ticket| ticket["conversation"] == visitor.conversation());
        <[Value; 1]>::try_from(tickets)
    })
    .await;
    let [ticket] = ticket;
    ticket["id"].as_str().expect("a ticket has an id").to_owned()
}

async fn await_texts(visitor: &Visitor, wanted: &[&str]) {
    eventually("the conversation is complete", SOON, async || {
        let texts = visitor.texts().await;
        if texts == wanted { Ok(()) } else { Err(texts) }
    })
    .await;
}

pub(crate) async fn answered(stage: &Stage) {
    let desk = &stage.desk;
    let chat = Chat::connect(desk, json!({"title": "Ask us"})).await;
    let visitor = chat.visitor(json!({})).await;
    assert_eq!(visitor.session["title"], "Ask us");
    visitor.says("1", "Where is my parcel?").await;
    visitor.says("1", "Where is my parcel?").await;
    let ticket = ticket_of(stage, &visitor).await;
    assert_eq!(desk.ticket(&ticket).await["class"], "chat");
    await_texts(&visitor, &["Where is my parcel?"]).await;

    desk.post(&format!("/tickets/{ticket}/notes"), &json!({"text": "She is impatient."})).await;
    let reply = desk.reply(&ticket, "It left this morning.").await;
    await_texts(&visitor, &["Where is my parcel?", "It left this morning."]).await;
    desk.await_delivery(&ticket, &reply, "delivered").await;
    let page = visitor.page(None).await;
    visitor.post("read", json!({"cursor": page["cursor"]})).await;
    desk.await_delivery(&ticket, &reply, "read").await;
    let cursor = page["cursor"].as_str().expect("a page has a cursor").to_owned();
    assert_eq!(visitor.page(Some(&cursor)).await["items"], json!([]));

    visitor.says("2", "Thanks").await;
    eventually("what is new comes after the cursor", SOON, async || {
        let page = visitor.page(Some(&cursor)).await;
        if page["items"][0]["text"] == "Thanks" { Ok(()) } else { Err(page) }
    })
    .await;
    let other = chat.visitor(json!({})).await;
    assert_eq!(other.page(Some(&cursor)).await["items"], json!([]), "a visitor sees their own conversation");
    let forged = chat.ask(Method::GET, "messages", Some("e30.e30"), None).await;
    assert_eq!((forged.status, &forged.body["code"]), (401, &json!("invalid_token")));
}

pub(crate) async fn file(stage: &Stage) {
    let desk = &stage.desk;
    let chat = Chat::connect(desk, json!({})).await;
    let visitor = chat.visitor(json!({})).await;
    let bytes = Bytes::from_static(b"\x89PNG\r\n\x1a\nnot really a picture");
    // Longer than what an event holds of a name.
    let name = format!("{}.png", "😀".repeat(200));
    let file = json!({"name": name, "size": bytes.len(), "content_type": "image/png"});
    let announced = visitor.post("attachments", file).await;
    let uploaded = upload(&announced, &bytes).await.expect("the store answers");
    assert!(uploaded.status().is_success(), "{uploaded:?}");
    let id = announced["id"].clone();
    visitor.post("messages", json!({"client_id": "1", "text": "Look", "attachments": [id]})).await;

    let ticket = ticket_of(stage, &visitor).await;
    desk.await_event(&ticket, "the file belongs to the ticket", |event| {
        event["content"]["attachments"][0]["state"] == "stored"
            && event["content"]["attachments"][0]["id"] == id
    })
    .await;
    let page = visitor.page(None).await;
    let link = page["items"][0]["attachments"][0]["url"].as_str().expect("a file has a link").to_owned();
    let download = journey::client().get(link).send().await.expect("the file can be fetched");
    assert_eq!(download.bytes().await.expect("the file is whole"), bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_connections_are_told_at_once() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Polling).await;
    let desk = &stage.desk;
    let chat = Chat::connect(desk, json!({})).await;
    let visitor = chat.visitor(json!({})).await;
    let (mut one, mut two) = (visitor.socket().await, visitor.socket().await);
    one.send(&json!({"type": "ping"})).await;
    assert_eq!(one.frame().await["type"], "pong");
    visitor.says("1", "Where is my parcel?").await;
    assert_eq!(two.frame().await["type"], "reload", "the other window learns of it");
    let ticket = ticket_of(&stage, &visitor).await;

    desk.ask(Method::POST, &format!("/tickets/{ticket}/typing"), None, &[]).await;
    assert_eq!(two.frame().await["type"], "typing");
    desk.reply(&ticket, "It left this morning.").await;
    for socket in [&mut one, &mut two] {
        let frame = socket.frame_of("message").await;
        assert_eq!(frame["item"]["text"], "It left this morning.");
        let page = visitor.page(None).await;
        assert_eq!(page["items"][1]["id"], frame["item"]["id"]);
    }
    desk.reply(&ticket, &"x".repeat(32_000)).await;
    desk.reply(&ticket, &"\"".repeat(20_000)).await;
    one.frame_of("message").await;
    assert_eq!(one.frame().await["type"], "reload", "what is too large for a frame is asked for");

    one.send(&json!({"type": "typing"})).await;
    eventually("the agent sees that the visitor writes", SOON, async || {
        let typing = desk.get(&format!("/tickets/{ticket}/typing")).await;
        if typing["customer"] == true { Ok(()) } else { Err(typing) }
    })
    .await;

    // What came while nobody was connected is asked for.
    let cursor = visitor.page(None).await["cursor"].as_str().expect("a page has a cursor").to_owned();
    drop((one, two));
    let reply = desk.reply(&ticket, "Still there?").await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    let _again = visitor.socket().await;
    assert_eq!(visitor.page(Some(&cursor)).await["items"][0]["text"], "Still there?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_needs_a_token_of_its_own_chat() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Polling).await;
    let chat = Chat::connect(&stage.desk, json!({})).await;
    let visitor = chat.visitor(json!({})).await;
    let other = Chat::connect(&stage.desk, json!({})).await.visitor(json!({})).await;
    for token in ["", "e30.e30", other.token(), &format!("{}A", visitor.token())] {
        assert_eq!(visitor.socket_with(token).await.closed().await, 4401, "{token}");
    }
    let live = visitor.session["live"].as_str().expect("the desk offers connections");
    let refused = journey::client()
        .get(format!("{}?token={}", live.replacen("ws", "http", 1), visitor.token()))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("origin", "https://evil.example")
        .send()
        .await
        .expect("the desk answers");
    assert_eq!(refused.status(), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_finds_a_shop_with_a_chat() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Polling).await;
    let get = async |path: &str| {
        let url = format!("{}{path}", stage.desk.base());
        journey::client().get(url).send().await.expect("the desk answers").text().await.expect("a page")
    };
    let page = get("/").await;
    let connections = stage.desk.list("/connections").await;
    let [demo] = connections.as_slice() else { panic!("{connections:#?}") };
    let id = demo["id"].as_str().expect("a connection has an id");
    assert_eq!((&demo["channel"], &demo["name"]), (&json!("webchat"), &json!("Demo")));
    assert!(page.contains(&format!("data-connection=\"{id}\"")), "{page}");
    assert!(page.contains(stage.desk.base()), "it shows how to answer at this very desk");
    assert!(get("/webchat/widget.js").await.contains("lambdesk"));
}

mod emulator {
    use journey::stage::Target;
    use journey::target::Turn;

    use super::*;

    /// The emulator's gateway goes by a name that leads nowhere: what it tells is told to the function itself.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_gateway_tells_of_open_connections() {
        if !crate::runs("emulator") {
            return;
        }
        let stage = Stage::emulator(Turn::Shared).await;
        let Target::Emulator(emulator) = &stage.target else { panic!("this is about the deployed desk") };
        let chat = Chat::connect(&stage.desk, json!({"allowed_origins": ["https://shop.example"]})).await;
        let visitor = chat.visitor(json!({})).await;
        visitor.says("1", "Where is my parcel?").await;
        let ticket = ticket_of(&stage, &visitor).await;
        let told = async |kind: &str, more: Value| {
            let mut event = json!({"requestContext": {
                "eventType": kind, "connectionId": visitor.conversation(), "domainName": "127.0.0.1:1", "stage": "live",
            }});
            for (name, value) in more.as_object().into_iter().flatten() {
                event[name] = value.clone();
            }
            emulator.tell_live(&event).await["statusCode"].clone()
        };
        let opening = |token: &str, origin: &str| json!({"queryStringParameters": {"token": token}, "headers": {"Origin": origin}});
        let shop = "https://shop.example";
        assert_eq!(told("CONNECT", opening("e30.e30", shop)).await, 401);
        assert_eq!(told("CONNECT", opening(visitor.token(), "https://evil.example")).await, 403);
        assert_eq!(told("CONNECT", opening(visitor.token(), shop)).await, 200);
        assert_eq!(told("MESSAGE", json!({"body": r#"{"type":"ping"}"#})).await, 200);
        assert_eq!(told("MESSAGE", json!({"body": r#"{"type":"typing"}"#})).await, 200);
        eventually("the agent sees that the visitor writes", SOON, async || {
            let typing = stage.desk.get(&format!("/tickets/{ticket}/typing")).await;
            if typing["customer"] == true { Ok(()) } else { Err(typing) }
        })
        .await;
        assert_eq!(told("DISCONNECT", json!({})).await, 200);
    }
}
