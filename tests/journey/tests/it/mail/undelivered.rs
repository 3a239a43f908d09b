//! What becomes of answers that do not arrive.

use journey::mail::Letter;
use serde_json::{Value, json};

use super::{ANN, answer, office, only};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounce_fails_the_reply_and_the_address_is_written_to_no_more() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    let report = format!(
        "This is the mail system.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
         Final-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\n\n--b\nContent-Type: text/rfc822-headers\n\n\
         Message-ID: <{}>\nSubject: Re: Broken lamp\n\n--b--\n",
        sent.message_id()
    );
    let report = format!("--b\nContent-Type: text/plain\n\n{report}");
    let kind = "multipart/report; report-type=delivery-status; boundary=b";
    let bounce = Letter::new("MAILER-DAEMON@mx.example.org", &office.address, "Undelivered Mail", &report)
        .with("Return-Path", "<>")
        .with("MIME-Version", "1.0")
        .with("Content-Type", kind);
    office.receives(&bounce).await;
    let event = stage.desk.await_delivery(&ticket, &reply, "failed").await;
    assert_eq!(event["delivery_detail"]["reason"], "bounced");
    assert!(event["delivery_detail"]["detail"].as_str().expect("words").contains("no such user"));
    stage.desk.await_ticket(&ticket, "somebody must act", |ticket| ticket["status"] == "open").await;
    assert_eq!(office.tickets(&stage).await.len(), 1, "a report is no ticket");

    let gone = stage.desk.get("/suppressions/email").await;
    assert_eq!(gone["items"][0]["address"], "ann@example.org");
    let again = answer(&stage, &ticket, "Hello?").await;
    let event = stage.desk.await_delivery(&ticket, &again, "failed").await;
    assert_eq!(event["delivery_detail"]["reason"], "suppressed");
    assert_eq!(server.sent().len(), 1);
    stage.desk.delete("/suppressions/email/ann@example.org").await;
    let again = answer(&stage, &ticket, "Hello again?").await;
    stage.desk.await_delivery(&ticket, &again, "sent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delay_is_noted_and_opens_nothing() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let reply = json!({"text": "Solved.", "status": "solved"});
    let reply = stage.desk.post(&format!("/tickets/{ticket}/replies"), &reply).await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    let report = format!(
        "--b\nContent-Type: text/plain\n\nNot yet.\n\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ann@example.org\nAction: delayed\n\
         Status: 4.4.1\nDiagnostic-Code: smtp; 421 4.4.1 no answer\n\n--b\n\
         Content-Type: text/rfc822-headers\n\nMessage-ID: <{}>\n\n--b--\n",
        sent.message_id()
    );
    let kind = "multipart/report; report-type=delivery-status; boundary=b";
    let delay = Letter::new("MAILER-DAEMON@mx.example.org", &office.address, "Delayed", &report)
        .with("Return-Path", "<>")
        .with("MIME-Version", "1.0")
        .with("Content-Type", kind);
    for _ in 0..2 {
        office.receives(&delay).await;
    }
    let note =
        stage.desk.await_event(&ticket, "the delay is noted", |event| event["kind"] == "note_added").await;
    assert!(note["content"]["text"].as_str().expect("words").contains("no answer"), "{note:#}");
    let event = stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(event["delivery_detail"]["reason"], Value::Null);
    assert_eq!(stage.desk.ticket(&ticket).await["status"], "solved");
    assert_eq!(office.tickets(&stage).await.len(), 1, "a report is no ticket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_recipient_fails_the_reply() {
    let (stage, server, office) = office(json!({})).await;
    server.refuse("ann@example.org", "550 5.1.1 No such user here");
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let reply = answer(&stage, &ticket, "Which one?").await;
    let event = stage.desk.await_delivery(&ticket, &reply, "failed").await;
    assert!(event["delivery_detail"]["detail"].as_str().expect("words").contains("No such user here"));
    let gone = stage.desk.get("/suppressions/email").await;
    assert_eq!(gone["items"][0]["address"], "ann@example.org", "{gone:#}");
    assert_eq!(gone["items"][0]["reason"], "no_such_address");
}
