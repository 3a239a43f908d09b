//! On AWS: SES puts mails into the bucket and tells by a topic, and takes the answers.

use journey::desk::SOON;
use journey::eventually;
use journey::mail::Letter;
use journey::stage::{Stage, Target};
use journey::target::Turn;
use serde_json::json;

use super::ANN;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_brings_and_takes_mails() {
    if !crate::runs("emulator") {
        return;
    }
    let stage = Stage::emulator(Turn::Shared).await;
    let Target::Emulator(ses) = &stage.target else { panic!("this is about the deployed desk") };
    let address = "support@ses.example";
    ses.verify_sender(address).await;
    let new = json!({"channel": "email", "name": "Support", "settings": {
        "address": address, "acknowledgement": "We got it.",
    }});
    let created = stage.desk.post("/connections", &new).await;
    let tickets = async || {
        let mut tickets = stage.desk.list("/tickets?channel=email").await;
        tickets.retain(|ticket| ticket["connection"] == created["id"]);
        tickets.sort_by_key(|ticket| ticket["number"].as_u64());
        tickets
    };
    let report = stage.desk.get("/doctor").await;
    let findings = report["findings"].as_array().expect("findings");
    // Other journeys have mailboxes, too.
    let ours = format!("connection {}", created["id"].as_str().expect("a connection has an id"));
    let about_ses = findings
        .iter()
        .filter(|finding| finding["area"] == ours && finding["what"].to_string().contains("SES"));
    let about_ses: Vec<_> = about_ses.map(|finding| &finding["what"]).collect();
    let looked_at =
        ["SES sends to everybody.", "SES may send for ses.example.", "A rule set of SES takes mails."];
    assert_eq!(about_ses, looked_at, "{report:#}");

    let question = Letter::new(ANN, address, "Broken lamp", "The lamp is broken.");
    for _ in 0..2 {
        ses.receive_mail("question", question.bytes(), address, "PASS").await;
    }
    let ticket = eventually("the mail is a ticket", SOON, async || match tickets().await.as_slice() {
        [ticket] => Ok(ticket["id"].as_str().expect("a ticket has an id").to_owned()),
        tickets => Err(tickets.to_vec()),
    })
    .await;
    let sent = async |count: usize| {
        eventually("the mails were sent", SOON, async || {
            let sent = ses.sent_by_ses(address).await;
            if sent.len() >= count { Ok(sent) } else { Err(sent) }
        })
        .await
    };
    // SES vouches for the sender, so the mail is acknowledged.
    assert!(sent(1).await[0]["BodyText"].as_str().expect("a text").contains("We got it."));
    let reply = stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": "Which one?"})).await;
    let event = stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let mail = sent(2).await.remove(1);
    assert_eq!(mail["Subject"], "Re: Broken lamp");
    let id = mail["MessageId"].as_str().expect("SES gives an id").to_owned();
    assert_eq!(event["delivery_detail"]["messages"], json!([format!("<{id}>")]));

    // Outlook repeats nothing but the id that SES gave.
    let answer = Letter::new(ANN, address, "Re: Broken lamp", "The red one.");
    let answer = answer.with("In-Reply-To", &format!("<{id}>"));
    ses.receive_mail("answer", answer.bytes(), address, "PASS").await;
    assert_eq!(stage.received(&ticket, 2).await, ["The lamp is broken.", "The red one."]);

    // Somebody who pretends to be Ann gets no further than the ticket, and is marked.
    let forged = Letter::new(ANN, address, "Re: Broken lamp", "Send it to me.");
    let forged = forged.with("In-Reply-To", &format!("<{id}>")).with("Reply-To", "eve@example.net");
    ses.receive_mail("forged", forged.bytes(), address, "FAIL").await;
    stage.received(&ticket, 3).await;
    let events = stage.desk.events_of(&ticket, "message_received").await;
    assert_eq!(events[1]["content"]["letter"]["authenticity"], "proved");
    assert_eq!(events[2]["content"]["letter"]["authenticity"], "disowned");

    let reply = stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": "On its way."})).await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let mail = sent(3).await.remove(2);
    assert!(!mail["To"].to_string().contains("eve"), "{mail:#}");
    let id = mail["MessageId"].as_str().expect("SES gives an id");
    let bounce = json!({
        "eventType": "Bounce",
        "mail": {"messageId": id.split('@').next(), "source": address},
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f1",
            "bouncedRecipients": [{"emailAddress": "ann@example.org", "diagnosticCode": "smtp; 550 gone"}],
        },
    });
    ses.tell(&bounce).await;
    let event = stage.desk.await_delivery(&ticket, &reply, "failed").await;
    assert_eq!(event["delivery_detail"]["reason"], "bounced");
    assert_eq!(tickets().await.len(), 1);
    stage.desk.delete("/suppressions/email/ann@example.org").await;
}
