//! What is forged is refused; what is genuine and strange is kept and shown.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::{Line, Stage, Target};
use serde_json::{Value, json};

/// The largest body that a webhook takes, in bytes.
const LIMIT: usize = 10 * 1024 * 1024;

/// Where the desk takes a connection's webhooks.
fn webhook(stage: &Stage, connection: &str) -> String {
    format!("{}/webhooks/telegram/{connection}", stage.desk.base())
}

fn secret(line: &Line) -> String {
    let webhook = line.bot.webhook().expect("the desk set a webhook");
    webhook.secret_token.expect("a webhook has a secret")
}

pub(crate) async fn forged(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (url, secret) = (webhook(stage, &line.id), secret(&line));
    let anna = line.bot.customer("Anna");
    let body = anna.text("Forged").body.to_string();
    let post = async |url: &str, secret: Option<&str>, body: Vec<u8>| line.bot.post(url, secret, body).await;

    assert_eq!(post(&url, None, body.clone().into()).await, 401);
    assert_eq!(post(&url, Some(""), body.clone().into()).await, 401);
    assert_eq!(post(&url, Some("wrong"), body.clone().into()).await, 401);
    assert_eq!(post(&url, Some(&secret.to_uppercase()), body.clone().into()).await, 401);
    let other = stage.connect(json!({})).await;
    assert_eq!(post(&webhook(stage, &other.id), Some(&secret), body.clone().into()).await, 401);
    for unknown in ["cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"] {
        assert_eq!(
            post(&webhook(stage, unknown), Some(&secret), body.clone().into()).await,
            404,
            "{unknown}"
        );
    }
    let oversized = vec![b' '; LIMIT + 1];
    assert_eq!(post(&url, Some(&secret), oversized).await, 413);

    // A refusal says what is wrong, and nothing else.
    let refused = journey::client().post(&url).body(body.clone()).send().await.expect("the desk answers");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().await.expect("a problem");
    assert_eq!((&problem["status"], &problem["code"]), (&json!(401), &json!("unauthentic")));

    let (_, ticket) = stage.asked(&line, "Boris", "Genuine").await;
    assert_eq!(stage.texts_received(&ticket).await, ["Genuine"]);
    assert_eq!(stage.tickets_of(&line, &anna).await, Vec::<Value>::new());
}

/// Waits for an event that keeps an original which begins like this, in the conversation for what belongs nowhere.
/// The ticket, the event, and the whole original.
async fn kept(stage: &Stage, line: &Line, beginning: &[u8]) -> (String, Value, Vec<u8>) {
    let what = format!("{:?} is kept", String::from_utf8_lossy(beginning));
    eventually(&what, SOON, async || {
        let mut seen = Vec::new();
        for ticket in stage.tickets_in(line, "unparsed").await {
            let id = ticket["id"].as_str().expect("a ticket has an id");
            for event in stage.desk.events(id).await {
                if event["content"]["raw"].is_object() {
                    let bytes = original(stage, id, &event).await;
                    if bytes.starts_with(beginning) {
                        return Ok((id.to_owned(), event, bytes));
                    }
                }
                seen.push(event);
            }
        }
        Err(seen)
    })
    .await
}

/// The whole original of an event, wherever the desk says it is.
async fn original(stage: &Stage, ticket: &str, event: &Value) -> Vec<u8> {
    let url = event["content"]["raw"]["url"].as_str().expect("an original has an address");
    assert!(url.contains(ticket), "{url}");
    let url = format!("{}{url}", stage.desk.base());
    let client = journey::client();
    let mut response = client.get(&url).bearer_auth(stage.desk.token()).send().await.expect("an answer");
    if response.status() == 302 {
        let link = response.headers()["location"].to_str().expect("a link").to_owned();
        response = client.get(link).send().await.expect("an answer");
    }
    assert_eq!(response.status(), 200, "{url}");
    response.bytes().await.expect("all bytes").to_vec()
}

pub(crate) async fn strange(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (url, secret) = (webhook(stage, &line.id), secret(&line));

    let malformed = b"{\"update_id\": 1, \"message\": {".to_vec();
    assert_eq!(line.bot.post(&url, Some(&secret), malformed.clone()).await, 200);
    let (_, event, original_bytes) = kept(stage, &line, b"{\"update_id\": 1, ").await;
    assert!(event["content"]["reason"].is_string(), "{event:#}");
    assert_eq!(original_bytes, malformed);

    let invalid = b"{\"update_id\": 2, \"text\": \"\xff\xfe\"}".to_vec();
    assert_eq!(line.bot.post(&url, Some(&secret), invalid.clone()).await, 200);
    let (.., original_bytes) = kept(stage, &line, b"{\"update_id\": 2, ").await;
    // An HTTP API on AWS hands JSON on as text, and replaces what is none.
    if matches!(stage.target, Target::Local(_)) {
        assert_eq!(original_bytes, invalid, "the original is what the platform sent");
    }

    // A kind of update that nobody knows yet belongs to the conversation that it names.
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let update =
        anna.update("hologram", 0, json!({"chat": {"id": anna.chat(), "type": "private"}, "depth": 3}));
    assert_eq!(line.bot.post(&url, Some(&secret), update.body.to_string()).await, 200);
    let strange =
        |event: &Value| event["content"]["reason"].as_str().is_some_and(|why| why.contains("hologram"));
    let event = stage.desk.await_event(&ticket, "the unknown kind is kept", strange).await;
    assert_eq!(original(stage, &ticket, &event).await, update.body.to_string().into_bytes());
    let replay = format!("/tickets/{ticket}/events/{}/replay", event["seq"]);
    let answer = stage.desk.ask(http::Method::POST, &replay, None, &[]).await;
    assert_eq!((answer.status, &answer.body["code"]), (409, &json!("still_not_understood")));

    anna.says("Still here").await;
    assert_eq!(stage.received(&ticket, 3).await.last().map(String::as_str), Some("Still here"));
}

pub(crate) async fn bottomless(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (url, secret) = (webhook(stage, &line.id), secret(&line));
    let brackets = vec![b'['; LIMIT];
    let status = line.bot.post(&url, Some(&secret), brackets.clone()).await;
    // A platform between may have a lower limit than the desk.
    assert!(status == 200 || (400..500).contains(&status), "{status}");
    if status == 200 {
        let (_, event, original_bytes) = kept(stage, &line, b"[[[[").await;
        assert!(event["content"]["reason"].is_string(), "{event:#}");
        assert!(original_bytes == brackets, "the original is whole");
    }
    stage.asked(&line, "Anna", "Nothing is lost").await;
}

pub(crate) async fn logs_hold_no_secrets(stage: &Stage) {
    let line = stage.connect(json!({"greeting": "canary-greeting"})).await;
    let anna = line.bot.customer("canary-name");
    line.bot.deliver(&anna.start(Some("canary_payload"))).await;
    anna.says("canary-question").await;
    let ticket = stage.ticket_of(&line, &anna).await;
    stage.received(&ticket, 2).await;
    line.bot.fail("send", None, journey::telegram::Fault::Internal);
    let reply = stage.desk.reply(&ticket, "canary-answer").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    stage.desk.post(&format!("/tickets/{ticket}/notes"), &json!({"text": "canary-note"})).await;
    let (url, secret) = (webhook(stage, &line.id), secret(&line));
    line.bot.post(&url, Some(&secret), "{\"canary-malformed").await;
    kept(stage, &line, b"{\"canary-malformed").await;
    let revoked = line.bot.token();
    line.bot.revoke_token();
    stage.desk.reply(&ticket, "canary-held").await;
    let path = format!("/connections/{}", line.id);
    eventually("the connection is broken", SOON, async || {
        let connection = stage.desk.get(&path).await;
        let text = connection.to_string();
        assert!(!text.contains(&revoked) && !text.contains(&secret), "the API returns no secret: {text}");
        if connection["health"]["state"] == "broken" { Ok(()) } else { Err(connection) }
    })
    .await;

    let log = stage.log();
    assert!(!log.is_empty(), "the desk logs");
    let secrets = [
        "canary-greeting",
        "canary-name",
        "canary_payload",
        "canary-question",
        "canary-answer",
        "canary-note",
        "canary-malformed",
        "canary-held",
        revoked.as_str(),
        secret.as_str(),
        stage.desk.token(),
    ];
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the log holds `{secret}`");
    }
}
