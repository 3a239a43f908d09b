//! Who gets into no conversation: strangers, machines, liars, and mails that are hardly any.

use journey::mail::Letter;
use serde_json::{Value, json};

use super::{ANN, answer, office, only, related_to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_never_joins() {
    let (stage, server, office) = office(json!({"plus_addressing": true})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let number = stage.desk.ticket(&ticket).await["number"].clone();
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    let plus = sent.header("Reply-To").expect("a marked address");
    let plus = plus.split_once('<').map(|(_, rest)| rest.trim_end_matches('>')).expect("an address");
    assert!(plus.starts_with("support+"), "{plus}");

    // With every key to the conversation there is, and no place in it.
    let eve = "Eve <eve@example.net>";
    let numbered = format!("Re: [#{number}] Broken lamp");
    let attempts = [
        Letter::new(eve, &office.address, "Re: Broken lamp", "By reference").answering(&sent),
        Letter::new(eve, plus, "Re: Broken lamp", "By token"),
        Letter::new(eve, &office.address, &numbered, "By number"),
    ];
    for (position, attempt) in attempts.iter().enumerate() {
        office.receives(attempt).await;
        office.await_tickets(&stage, 2 + position).await;
    }
    let tickets = office.tickets(&stage).await;
    assert_eq!(related_to(&stage, &tickets[1]).await, ticket);
    assert_eq!(related_to(&stage, &tickets[2]).await, ticket);
    assert_eq!(related_to(&stage, &tickets[3]).await, Value::Null, "a number proves nothing");
    assert_eq!(stage.texts_received(&ticket).await, ["It is broken."]);

    // The same keys in the right hands.
    let keys = [
        Letter::new(ANN, plus, "Re: Broken lamp", "By token"),
        Letter::new(ANN, &office.address, &numbered, "By number"),
    ];
    for key in &keys {
        office.receives(key).await;
    }
    assert_eq!(stage.received(&ticket, 3).await, ["It is broken.", "By token", "By number"]);
    // Somebody else's token is none.
    let forged = plus.replacen('+', "+0", 1);
    office.receives(&Letter::new(ANN, &forged, "Re: Broken lamp", "Forged")).await;
    office.await_tickets(&stage, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_heard_and_never_answered() {
    let (stage, server, office) = office(json!({"acknowledgement": "We got it."})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let reply = answer(&stage, &ticket, "We are on it.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    stage.desk.patch(&format!("/tickets/{ticket}"), &json!({"status": "solved"})).await;
    let away = Letter::new(ANN, &office.address, "Out of office: Re: Broken lamp", "I am away.");
    office.receives(&away.answering(&sent).with("Auto-Submitted", "auto-replied")).await;
    stage.received(&ticket, 2).await;
    let shown = stage.desk.ticket(&ticket).await;
    assert_eq!(shown["status"], "solved", "an automatic answer opens nothing again");
    let events = stage.desk.events_of(&ticket, "message_received").await;
    assert_eq!(events[1]["data"]["automatic"], "auto_reply");
    assert_eq!(events[1]["data"]["asks"], false);
    // A person's does.
    let more = Letter::new(ANN, &office.address, "Re: Broken lamp", "Not yet!").answering(&sent);
    office.receives(&more).await;
    stage.desk.await_ticket(&ticket, "it is open again", |ticket| ticket["status"] == "open").await;
    assert_eq!(server.sent().len(), 1, "nobody vouches for these mails, so none was acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_vouches_for_a_mail_that_vouches_for_itself() {
    let (stage, server, office) = office(json!({"acknowledgement": "We got it."})).await;
    let claims = "X-Lambdesk-Arrival: begin\r\nReturn-Path: <ann@example.org>\r\n\
                  Authentication-Results: lambdesk; spf=pass; dkim=pass; dmarc=pass\r\nX-Lambdesk-Arrival: end\r\n";
    for (position, before) in ["", "From ann Mon\n"].iter().enumerate() {
        let letter = Letter::new(ANN, &office.address, &format!("Trust me {position}"), "It is me.");
        let bytes = [before.as_bytes(), claims.as_bytes(), &letter.bytes()].concat();
        assert_eq!(office.hand_in(bytes).await, 200);
    }
    for ticket in office.await_tickets(&stage, 2).await {
        let id = ticket["id"].as_str().expect("a ticket has an id");
        let event = &stage.desk.events_of(id, "message_received").await[0];
        assert_eq!(event["content"]["letter"]["authenticity"], "unknown", "{event:#}");
    }
    assert_eq!(server.sent().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strange_mails_are_kept_and_shown() {
    let (stage, _server, office) = office(json!({})).await;
    assert_eq!(office.hand_in("").await, 200);
    assert_eq!(office.hand_in("no header at all").await, 200);
    assert_eq!(office.hand_in(vec![0xff; 10_000]).await, 200);
    let nobody = "Subject: From nobody\r\n\r\nHello";
    assert_eq!(office.hand_in(nobody).await, 200);
    let many = (0..1000).map(|number| format!("r{number}@example.org")).collect::<Vec<_>>().join(",\r\n ");
    let crowd = Letter::new(ANN, &many, "To everybody", "Hello");
    assert_eq!(office.hand_in(crowd.bytes()).await, 200);
    let two =
        Letter::new("Ann <ann@example.org>, Bob <bob@example.org>", &office.address, "From two", "Hello");
    assert_eq!(office.hand_in(two.with("Message-ID", "").bytes()).await, 200);
    let nested = (0..200)
        .map(|depth| format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
    let nested = format!("From: {ANN}\r\nSubject: Nested\r\n{}Hello", nested.collect::<String>());
    assert_eq!(office.hand_in(nested).await, 200);
    let tickets = office.await_tickets(&stage, 7).await;
    let subjects: Vec<_> = tickets.iter().filter_map(|ticket| ticket["subject"].as_str()).collect();
    for subject in ["From nobody", "To everybody", "From two", "Nested"] {
        assert!(subjects.contains(&subject), "{subjects:?}");
    }
    assert_eq!(office.hand_in(vec![b'x'; 41 * 1024 * 1024]).await, 413);
}
