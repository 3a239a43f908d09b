//! Calls to the Bot API, and what follows from every way in which they can fail.

use std::time::Duration;

use bytes::Bytes;
use channels::platform::{Accepted, Destination, File, Outlets, Part, SendError, SendFailure};
use channels::telegram::Telegram;
use channels::{Connection, Platform};
use desk::ids::{ReplyId, Ulid};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::bot_api::{Answer, BotApi, Request, ok, plain, refusal};
use crate::fixtures::{TOKEN, connection, connection_to, http, instruments};

fn part(text: &str) -> Part {
    Part { text: Some(text.to_owned()), files: vec![], links: vec![], reply_to: None }
}

fn file(content_type: &str, size: usize) -> File {
    File {
        name: "отчёт \"1\".bin".to_owned(),
        content_type: content_type.to_owned(),
        bytes: Bytes::from(vec![7; size]),
    }
}

async fn send(
    api: &BotApi,
    conversation: &str,
    part: &Part,
    file: Option<File>,
) -> Result<Accepted, SendError> {
    send_over(&connection_to(&api.url), conversation, part, file).await
}

async fn send_over(
    connection: &Connection,
    conversation: &str,
    part: &Part,
    file: Option<File>,
) -> Result<Accepted, SendError> {
    let to = Destination {
        conversation,
        correspondence: None,
        reply: ReplyId::new(Ulid::from_parts(1, 1)),
        number: 1,
        sender_name: None,
        automatic: false,
        written_at: Timestamp::UNIX_EPOCH,
        links: &[],
    };
    let outlets = Outlets { http: http(), mailer: None };
    Telegram.send(&outlets, connection, &to, part, file.into_iter().collect()).await
}

/// Sends a text to a server that gives one answer, and expects that to be a failure.
async fn failure(answer: Answer) -> SendError {
    let api = BotApi::start(vec![answer]).await;
    let error = send(&api, "7001", &part("hello"), None).await.unwrap_err();
    assert_eq!(api.requests().len(), 1, "{error}");
    error
}

fn sent(id: i64) -> Answer {
    ok(json!({ "message_id": id, "date": 1, "chat": { "id": 7001, "type": "private" } }))
}

#[tokio::test]
async fn a_text_is_sent_as_it_is() {
    let api = BotApi::start(vec![sent(900)]).await;
    let accepted = send(&api, "7001", &part("1 < 2 & *bold*"), None).await;
    assert_eq!(accepted, Ok(Accepted::by_all("900".to_owned())));
    let requests = api.requests();
    assert_eq!(requests[0].line, format!("POST /bot{TOKEN}/sendMessage HTTP/1.1"));
    assert!(requests[0].head.contains("user-agent: lambdesk/"));
    assert_eq!(requests[0].json(), json!({ "chat_id": 7001, "text": "1 < 2 & *bold*" }));
}

#[tokio::test]
async fn a_text_goes_where_the_question_came_from() {
    let api = BotApi::start(vec![sent(1)]).await;
    let answer = Part { reply_to: Some("55".to_owned()), ..part("hi") };
    for conversation in ["-1009001:12", "business:bc9:7001"] {
        send(&api, conversation, &answer, None).await.unwrap();
    }
    let reply = json!({ "message_id": 55, "allow_sending_without_reply": true });
    let requests: Vec<Value> = api.requests().iter().map(Request::json).collect();
    assert_eq!(
        requests,
        [
            json!({ "chat_id": -1009001, "message_thread_id": 12, "reply_parameters": reply, "text": "hi" }),
            json!({ "chat_id": 7001, "business_connection_id": "bc9", "reply_parameters": reply, "text": "hi" }),
        ]
    );
    let error = send(&api, "unparsed", &answer, None).await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Rejected, "no_conversation"));
}

#[tokio::test]
async fn a_file_is_sent_as_what_it_is() {
    let kinds = [
        ("image/jpeg", 10, "sendPhoto", "photo"),
        ("image/png; x=y", 10, "sendPhoto", "photo"),
        ("image/jpeg", 10 * 1024 * 1024 + 1, "sendDocument", "document"),
        ("image/gif", 10, "sendAnimation", "animation"),
        ("video/mp4", 10, "sendVideo", "video"),
        ("audio/mpeg", 10, "sendAudio", "audio"),
        ("audio/ogg", 10, "sendVoice", "voice"),
        ("application/pdf", 10, "sendDocument", "document"),
        ("no media type", 10, "sendDocument", "document"),
        ("image/svg+xml", 10, "sendDocument", "document"),
    ];
    for (content_type, size, method, field) in kinds {
        let api = BotApi::start(vec![sent(1)]).await;
        let part = Part {
            text: Some("see".to_owned()),
            files: vec![0],
            links: vec![],
            reply_to: Some("5".to_owned()),
        };
        send(&api, "7001", &part, Some(file(content_type, size))).await.unwrap();
        let request = &api.requests()[0];
        let text = request.text();
        assert_eq!(request.method(), method, "{content_type}");
        assert!(
            text.contains(&format!("name=\"{field}\"; filename=\"отчёт \\\"1\\\".bin\"")),
            "{content_type}"
        );
        assert!(
            text.contains("name=\"chat_id\"\r\n\r\n7001\r\n")
                && text.contains("name=\"caption\"\r\n\r\nsee\r\n")
        );
        assert!(text.contains("{\"message_id\":5,\"allow_sending_without_reply\":true}"));
        assert!(request.body.windows(size).any(|window| window.iter().all(|byte| *byte == 7)));
    }
    let api = BotApi::start(vec![sent(1)]).await;
    let error = send(&api, "7001", &Part { text: None, files: vec![0], links: vec![], reply_to: None }, None)
        .await
        .unwrap_err();
    assert_eq!(error.reason, "file_missing");
}

#[tokio::test]
async fn a_refusal_is_sorted_by_what_follows() {
    use SendFailure::{Rejected, Transient, Unauthorized, Uncertain, Unreachable};
    let table = [
        (refusal(403, "Forbidden: bot was blocked by the user"), Unreachable, "blocked"),
        (refusal(401, "Unauthorized: bot was blocked by the user"), Unreachable, "blocked"),
        (refusal(403, "Forbidden: user is deactivated"), Unreachable, "deactivated"),
        (refusal(403, "Forbidden: bot was kicked from the supergroup chat"), Unreachable, "kicked"),
        (refusal(403, "Forbidden: bot is not a member of the channel chat"), Unreachable, "kicked"),
        (refusal(403, "Forbidden: bot can't initiate conversation with a user"), Unreachable, "not_started"),
        (refusal(403, "Forbidden: bot can't send messages to bots"), Unreachable, "unreachable"),
        (refusal(403, "Forbidden: something new"), Unreachable, "unreachable"),
        (refusal(400, "Bad Request: chat not found"), Unreachable, "chat_not_found"),
        (refusal(400, "Bad Request: user not found"), Unreachable, "chat_not_found"),
        (refusal(400, "Bad Request: PEER_ID_INVALID"), Unreachable, "chat_not_found"),
        (refusal(400, "Bad Request: group is deactivated"), Unreachable, "deactivated"),
        (
            refusal(400, "Bad Request: not enough rights to send text messages to the chat"),
            Unreachable,
            "no_rights",
        ),
        (refusal(400, "Bad Request: message is too long"), Rejected, "rejected"),
        (refusal(400, "Bad Request: message text is empty"), Rejected, "rejected"),
        (refusal(418, "I'm a teapot"), Rejected, "rejected"),
        (refusal(413, "Request Entity Too Large"), Rejected, "too_large"),
        (refusal(401, "Unauthorized"), Unauthorized, "bad_token"),
        (refusal(404, "Not Found"), Unauthorized, "bad_token"),
        (refusal(409, "Conflict: terminated by other getUpdates request"), Transient, "conflict"),
        (refusal(500, "Internal Server Error"), Transient, "unavailable"),
        (refusal(502, "Bad Gateway"), Transient, "unavailable"),
        (plain(500, "<html>"), Transient, "unavailable"),
        (plain(502, "<html>"), Transient, "unavailable"),
        (plain(503, ""), Transient, "unavailable"),
        (plain(504, "<html>"), Uncertain, "unavailable"),
        (plain(520, "<html>"), Uncertain, "unavailable"),
        (plain(403, "<html>Access denied</html>"), Transient, "foreign_answer"),
        (plain(404, "<html>Not Found</html>"), Transient, "foreign_answer"),
        (plain(401, "<html>Sign in</html>"), Transient, "foreign_answer"),
        (plain(302, ""), Transient, "redirected"),
        (plain(413, "<html>"), Rejected, "too_large"),
        (plain(200, "<html>hello</html>"), Uncertain, "unreadable_answer"),
        (plain(200, ""), Uncertain, "unreadable_answer"),
        (ok(json!(true)), Uncertain, "unreadable_answer"),
        (ok(json!({ "message_id": "x" })), Uncertain, "unreadable_answer"),
        (Answer::Json(200, json!({ "ok": true })), Uncertain, "unreadable_answer"),
        (Answer::Json(200, json!({ "ok": false })), Uncertain, "unavailable"),
        (Answer::Reset, Uncertain, "broken"),
        (Answer::Bytes(Vec::new()), Uncertain, "broken"),
        (Answer::Bytes(b"garbage\r\n\r\n".to_vec()), Uncertain, "broken"),
        (
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"ok\":true".to_vec()),
            Uncertain,
            "broken",
        ),
        (
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_vec()),
            Uncertain,
            "too_large",
        ),
    ];
    for (answer, class, reason) in table {
        let shown = format!("{answer:?}");
        let error = failure(answer).await;
        assert_eq!((error.class, error.reason), (class, reason), "{shown}");
    }
}

#[tokio::test]
async fn a_throttled_message_waits_as_long_as_telegram_says() {
    let throttled = |parameters: Value| {
        Answer::Json(
            429,
            json!({ "ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": parameters }),
        )
    };
    for (parameters, seconds) in [
        (json!({ "retry_after": 35 }), 35),
        (json!({ "retry_after": 0 }), 1),
        (json!({ "retry_after": 9_000_000 }), 3600),
        (json!({}), 5),
        (json!(null), 5),
    ] {
        assert_eq!(
            failure(throttled(parameters)).await.class,
            SendFailure::Throttled(Duration::from_secs(seconds))
        );
    }
    assert_eq!(failure(plain(429, "slow down")).await.class, SendFailure::Throttled(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_moved_group_tells_its_new_id() {
    let moved = Answer::Json(
        400,
        json!({ "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": { "migrate_to_chat_id": -1009001 } }),
    );
    let error = failure(moved).await;
    assert_eq!(error.class, SendFailure::Moved { conversation: "-1009001".to_owned() });
}

#[tokio::test]
async fn what_was_never_sent_is_transient() {
    // A port that was just free.
    let url = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let sent = send_over(&connection_to(&url), "7001", &part("hello"), None).await;
    let error = sent.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Transient, "unreachable"));
}

#[tokio::test]
async fn silence_after_sending_is_uncertain() {
    let error = failure(Answer::Hang).await;
    assert_eq!((error.class, error.reason), (SendFailure::Uncertain, "timeout"));
}

#[tokio::test]
async fn a_connection_that_cannot_call_waits_for_its_owner() {
    let mut without_token = connection();
    without_token.secrets.clear();
    for (connection, reason) in [
        (without_token, "no_token"),
        (connection_to("not a url"), "bad_api_url"),
        (connection_to("mailto:a@b"), "bad_api_url"),
    ] {
        let error = send_over(&connection, "7001", &part("x"), None).await.unwrap_err();
        assert_eq!((error.class, error.reason), (SendFailure::Unauthorized, reason));
    }
}

#[tokio::test]
async fn a_refusal_that_a_plainer_form_avoids_is_tried_again() {
    let api =
        BotApi::start(vec![refusal(400, "Bad Request: message to be replied not found"), sent(8)]).await;
    let answer = Part { reply_to: Some("5".to_owned()), ..part("hi") };
    assert_eq!(send(&api, "7001", &answer, None).await.unwrap().message, "8");
    assert_eq!(api.requests()[1].json(), json!({ "chat_id": 7001, "text": "hi" }));

    let api = BotApi::start(vec![refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), sent(9)]).await;
    let picture = Part { text: None, files: vec![0], links: vec![], reply_to: None };
    assert_eq!(send(&api, "7001", &picture, Some(file("image/png", 10))).await.unwrap().message, "9");
    let methods: Vec<String> = api.requests().iter().map(|request| request.method().to_owned()).collect();
    assert_eq!(methods, ["sendPhoto", "sendDocument"]);

    // Each is tried once.
    let api = BotApi::start(vec![refusal(400, "Bad Request: IMAGE_PROCESS_FAILED")]).await;
    assert!(send(&api, "7001", &picture, Some(file("image/png", 10))).await.is_err());
    assert_eq!(api.requests().len(), 2);
}

#[tokio::test]
async fn a_token_never_shows_in_an_error() {
    let echo = format!("Bad Request: cannot serve /bot{TOKEN}/sendMessage");
    let answers =
        [refusal(400, &echo), refusal(500, &echo), plain(502, &echo), Answer::Reset, plain(302, &echo)];
    for answer in answers {
        let api = BotApi::start(vec![answer]).await;
        let connection = connection_to(&api.url);
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            send_over(&connection, "7001", &part("x"), None).await,
            Telegram.fetch(&http(), &connection, "file", 100).await,
            Telegram.connect(&http(), &connection, None).await,
            Telegram.examine(&instruments(), &connection, None).await,
            Telegram.poll(&http(), &connection, None).await,
        );
        assert!(!shown.contains("very-secret"), "{shown}");
    }
    let refused = send_over(&connection_to("http://127.0.0.1:1"), "7001", &part("x"), None).await;
    assert!(!format!("{refused:?}").contains("very-secret"));
}

#[tokio::test]
async fn a_token_leads_nowhere_else() {
    let api = BotApi::start(vec![sent(1)]).await;
    let mut connection = connection_to(&format!("{}/base/?query#fragment", api.url));
    connection.secrets.insert("token".to_owned(), store::seal::Secret::new("1:a/../../x?y#z"));
    send_over(&connection, "7001", &part("x"), None).await.unwrap();
    assert_eq!(api.requests()[0].line, "POST /base/bot1:a%2F..%2F..%2Fx%3Fy%23z/sendMessage HTTP/1.1");
}

#[tokio::test]
async fn a_button_is_acknowledged() {
    let acknowledge = async |answer| {
        let api = BotApi::start(vec![answer]).await;
        Telegram.acknowledge(&http(), &connection_to(&api.url), "q1").await
    };
    assert_eq!(acknowledge(ok(json!(true))).await, Ok(()));
    assert_eq!(
        acknowledge(refusal(400, "Bad Request: query is too old and response timeout expired")).await,
        Ok(())
    );
    assert!(acknowledge(refusal(500, "Internal Server Error")).await.unwrap_err().transient);
}

fn stored(path: &str) -> Answer {
    ok(json!({ "file_id": "F", "file_unique_id": "u", "file_size": 5, "file_path": path }))
}

#[tokio::test]
async fn a_file_is_fetched() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 5\r\n\r\nhello".to_vec();
    let api = BotApi::start(vec![stored("photos/file 1?.jpg"), Answer::Bytes(bytes)]).await;
    let fetched = Telegram.fetch(&http(), &connection_to(&api.url), "F", 5).await.unwrap();
    assert_eq!((fetched.bytes.as_ref(), fetched.name.as_deref()), (&b"hello"[..], Some("file 1?.jpg")));
    assert_eq!(fetched.content_type.as_deref(), Some("image/jpeg"));
    let requests = api.requests();
    assert_eq!(requests[0].json(), json!({ "file_id": "F" }));
    assert_eq!(requests[1].line, format!("GET /file/bot{TOKEN}/photos/file%201%3F.jpg HTTP/1.1"));
}

#[tokio::test]
async fn a_file_that_cannot_be_fetched_tells_why() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3E9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1001)
    );
    let no_length = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001));
    let table = [
        (vec![refusal(400, "Bad Request: file is too big")], false, "too_large"),
        (vec![refusal(400, "Bad Request: invalid file_id")], false, "gone"),
        (
            vec![refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")],
            true,
            "unavailable",
        ),
        (vec![refusal(401, "Unauthorized")], true, "bad_token"),
        (vec![refusal(429, "Too Many Requests")], true, "throttled"),
        (vec![plain(502, "<html>")], true, "unavailable"),
        (vec![Answer::Reset], true, "broken"),
        (vec![ok(json!({ "file_path": "a", "file_size": 1001 }))], false, "too_large"),
        (vec![ok(json!({}))], false, "bad_path"),
        (vec![stored("../../etc/passwd")], false, "bad_path"),
        (vec![stored("https://example.com/x")], false, "bad_path"),
        (vec![stored("/var/lib/telegram-bot-api/1/file")], true, "local_path"),
        (vec![refusal(403, "Forbidden")], false, "refused"),
        (vec![plain(403, "<html>Blocked by the firewall")], true, "foreign_answer"),
        (vec![stored("a"), refusal(404, "Not Found")], true, "unavailable"),
        (vec![stored("a"), plain(302, "")], true, "unavailable"),
        (vec![stored("a"), Answer::Reset], true, "broken"),
        (vec![stored("a"), plain(200, &"x".repeat(1001))], false, "too_large"),
        (vec![stored("a"), Answer::Bytes(chunked.into())], false, "too_large"),
        (vec![stored("a"), Answer::Bytes(no_length.into())], false, "too_large"),
    ];
    for (answers, transient, reason) in table {
        let shown = format!("{answers:?}");
        let api = BotApi::start(answers).await;
        let error = Telegram.fetch(&http(), &connection_to(&api.url), "F", 1000).await.unwrap_err();
        assert_eq!((error.transient, error.reason), (transient, reason), "{shown}");
    }
}
