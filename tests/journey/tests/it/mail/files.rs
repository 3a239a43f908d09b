//! What is long or large: texts, files, and the links in their place.

use journey::mail::Letter;
use serde_json::json;

use super::{ANN, office, only};
use crate::files::{has_whole_text, upload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_text_is_kept_whole() {
    let (stage, _server, office) = office(json!({})).await;
    let long = (1..=40_000).map(|line| format!("This is line {line}.")).collect::<Vec<_>>().join("\n");
    office.receives(&Letter::new(ANN, &office.address, "A long story", &long)).await;
    let ticket = only(&stage, &office).await;
    has_whole_text(&stage.desk, &ticket, "message_received", &long).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_both_ways() {
    let (stage, server, office) = office(json!({})).await;
    let body = "--b\nContent-Type: text/html; charset=utf-8\n\n<p>See <b>this</b>.</p><script>alert(1)</script>\
                <img src=\"http://tracker.example/x.png\"><img src=\"cid:lamp\">\n--b\n\
                Content-Type: image/gif; name=\"lamp.gif\"\nContent-ID: <lamp>\nContent-Disposition: inline\n\
                Content-Transfer-Encoding: base64\n\nR0lGODlhAQABAAAAADs=\n--b\nContent-Type: application/pdf; name=\"lamp.pdf\"\n\
                Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"lamp.pdf\"\n\n\
                JVBERi0xLjQK\n--b--\n";
    let letter = Letter::new(ANN, &office.address, "Lamp", body)
        .with("MIME-Version", "1.0")
        .with("Content-Type", "multipart/mixed; boundary=b");
    office.receives(&letter).await;
    let ticket = only(&stage, &office).await;
    let event = stage
        .desk
        .await_event(&ticket, "the file is there", |event| {
            event["content"]["attachments"][1]["state"] == "stored"
        })
        .await;
    assert_eq!(event["content"]["text"], "See this.");
    assert_eq!(event["content"]["attachments"][0]["kind"], "image");
    let file = &event["content"]["attachments"][1];
    assert_eq!(file["name"], "lamp.pdf");
    assert_eq!(file["size"], 9);
    let shown = format!("/tickets/{ticket}/events/{}/html", event["seq"]);
    let html = stage.desk.get(&shown).await;
    let html = html.as_str().expect("HTML");
    assert!(html.contains("<b>this</b>"), "{html}");
    assert!(!html.contains("script") && !html.contains(" src=\"http"), "{html}");
    assert!(html.contains("<img src=\"data:image/gif;base64,R0lGODlhAQABAAAAADs=\">"), "{html}");
    let with_images =
        stage.desk.ask(http::Method::GET, &format!("{shown}?remote_images=true"), None, &[]).await;
    let html = with_images.body.as_str().expect("HTML");
    assert!(html.contains(" src=\"http://tracker.example/x.png\""), "{html}");
    let policy = &with_images.headers["content-security-policy"];
    assert!(policy.to_str().expect("a policy").contains("img-src https: http: data:;"), "{policy:?}");
    let raw = stage.desk.get(&format!("/tickets/{ticket}/events/{}/raw", event["seq"])).await;
    assert_eq!(raw.as_str().expect("the original").as_bytes(), letter.bytes());

    let reply = json!({"text": "Back to you.", "attachments": [file["id"]]});
    let reply = stage.desk.post(&format!("/tickets/{ticket}/replies"), &reply).await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    assert_eq!(sent.files(), [("lamp.pdf".to_owned(), b"%PDF-1.4\n".to_vec())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_too_large_for_a_mail_is_fetched_by_a_link() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Film", "Send it, please.")).await;
    let ticket = only(&stage, &office).await;
    let film = bytes::Bytes::from(vec![7; 8 * 1024 * 1024]);
    let large = upload(&stage.desk, "Фильм 1.mp4", "video/mp4", &film).await;
    let small = upload(&stage.desk, "cover.txt", "text/plain", &bytes::Bytes::from_static(b"Cover\n")).await;
    let reply = json!({"text": "Here it is.", "attachments": [large, small]});
    let reply = stage.desk.post(&format!("/tickets/{ticket}/replies"), &reply).await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    assert_eq!(sent.files(), [("cover.txt".to_owned(), b"Cover\n".to_vec())]);
    let text = sent.text();
    assert!(text.contains("Фильм 1.mp4 (8.0 MB, at most until "), "{text}");
    let link = text.lines().find(|line| line.starts_with("http")).expect("a link").to_owned();
    assert!(sent.html().contains(&link.replace('&', "&amp;")), "{}", sent.html());

    let got = journey::client().get(&link).send().await.expect("an answer");
    assert_eq!(got.status(), 200);
    let named = got.headers()["content-disposition"].to_str().expect("a name").to_owned();
    assert!(named.starts_with("attachment;") && named.contains("%201.mp4"), "{named}");
    assert_eq!(got.bytes().await.expect("all bytes"), film);
    for forged in [link.replace("expires=1", "expires=2"), link.replace("key=", "key=x")] {
        assert_eq!(journey::client().get(&forged).send().await.expect("an answer").status(), 404);
    }
}
