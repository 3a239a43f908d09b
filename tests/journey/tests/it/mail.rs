//! E-mail: a question, its answer, and everybody who should not get into the conversation.

mod undelivered;

use journey::mail::{Letter, MailServer, Office, send};
use journey::stage::{Stage, Target};
use journey::target::Receiving;
use serde_json::{Value, json};

use crate::files::{has_whole_text, upload};

const ANN: &str = "Ann Lee <ann@example.org>";

async fn office(more: Value) -> (Stage, MailServer, Office) {
    let stage = Stage::local(Receiving::Webhook).await;
    let server = MailServer::start().await;
    let office = Office::open(&stage, &server, "support@shop.example", more).await;
    (stage, server, office)
}

/// The only ticket of the office.
async fn only(stage: &Stage, office: &Office) -> String {
    let tickets = office.await_tickets(stage, 1).await;
    tickets[0]["id"].as_str().expect("a ticket has an id").to_owned()
}

/// The ticket that another one has to do with.
async fn related_to(stage: &Stage, ticket: &Value) -> Value {
    stage.desk.ticket(ticket["id"].as_str().expect("a ticket has an id")).await["related_to"].clone()
}

async fn answer(stage: &Stage, ticket: &str, text: &str) -> Value {
    stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": text})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_in_its_thread() {
    let (stage, server, office) = office(json!({})).await;
    let question = Letter::new(ANN, &office.address, "Broken lamp", "The lamp is broken.\n\n-- \nAnn Lee\n");
    office.receives(&question).await;
    let ticket = only(&stage, &office).await;
    let shown = stage.desk.ticket(&ticket).await;
    assert_eq!(shown["subject"], "Broken lamp");
    let event = &stage.desk.events_of(&ticket, "message_received").await[0];
    assert_eq!(event["content"]["text"], "The lamp is broken.");
    assert_eq!(event["content"]["author"], "Ann Lee");
    assert_eq!(event["content"]["letter"]["from"]["address"], "ann@example.org");

    let reply = answer(&stage, &ticket, "We send a new one.\nToday.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = &server.await_sent(1).await[0];
    assert_eq!(sent.to, ["ann@example.org"]);
    assert_eq!(sent.from, office.address);
    assert_eq!(sent.subject(), "Re: Broken lamp");
    assert_eq!(sent.header("In-Reply-To").as_deref(), Some(question.id()));
    assert!(sent.header("From").expect("a sender").starts_with("\"The Shop\""), "{:?}", sent.header("From"));
    assert!(sent.text().contains("We send a new one."), "{}", sent.text());
    assert!(sent.html().contains("We send a new one."), "{}", sent.html());

    let thanks = Letter::new(ANN, &office.address, "Re: Broken lamp", "Thank you!").answering(sent);
    office.receives(&thanks).await;
    assert_eq!(stage.received(&ticket, 2).await, ["The lamp is broken.", "Thank you!"]);
    stage.desk.await_ticket(&ticket, "it is open again", |ticket| ticket["status"] == "open").await;
    assert_eq!(office.tickets(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_mail_twice_is_one_message() {
    let (stage, server, office) = office(json!({})).await;
    let sales = Office::open(&stage, &server, "sales@shop.example", json!({})).await;
    let mail = Letter::new(ANN, "support@shop.example, sales@shop.example", "Both of you", "Hello");
    for _ in 0..3 {
        office.receives(&mail).await;
    }
    let ticket = only(&stage, &office).await;
    // Another department has a ticket of its own, which knows of the first.
    sales.receives(&mail).await;
    sales.receives(&mail).await;
    let other = only(&stage, &sales).await;
    assert_ne!(ticket, other);
    assert_eq!(stage.desk.ticket(&other).await["related_to"], ticket);
    // A later mail is proof that the repeated ones were worked on before it.
    office.receives(&Letter::new(ANN, &office.address, "Something else", "Later")).await;
    office.await_tickets(&stage, 2).await;
    assert_eq!(stage.texts_received(&ticket).await, ["Hello"]);
    assert_eq!(sales.tickets(&stage).await.len(), 1);
}

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
async fn a_long_text_is_kept_whole() {
    let (stage, _server, office) = office(json!({})).await;
    let long = (1..=40_000).map(|line| format!("This is line {line}.")).collect::<Vec<_>>().join("\n");
    office.receives(&Letter::new(ANN, &office.address, "A long story", &long)).await;
    let ticket = only(&stage, &office).await;
    has_whole_text(&stage.desk, &ticket, "message_received", &long).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_with_a_copy_joins_and_is_answered() {
    let (stage, server, office) = office(json!({})).await;
    let bob = "Bob <bob@example.org>";
    let question = Letter::new(ANN, &office.address, "Broken lamp", "It is broken.").with("Cc", bob);
    office.receives(&question).await;
    let ticket = only(&stage, &office).await;
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    assert_eq!(sent.to, ["ann@example.org", "bob@example.org"]);
    assert!(sent.header("Cc").expect("a copy").contains("bob@example.org"));

    let to_all = format!("{}, {ANN}", office.address);
    office.receives(&Letter::new(bob, &to_all, "Re: Broken lamp", "The red one.").answering(&sent)).await;
    assert_eq!(stage.received(&ticket, 2).await, ["It is broken.", "The red one."]);
    let next = stage.desk.ticket(&ticket).await["next_answer"].clone();
    assert_eq!(next["to"][0]["address"], "bob@example.org", "{next:#}");
    assert_eq!(next["cc"][0]["address"], "ann@example.org", "{next:#}");
    let reply = answer(&stage, &ticket, "Thank you, Bob.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(2).await.remove(1);
    assert_eq!(sent.to, ["bob@example.org", "ann@example.org"]);

    server.refuse("ann@example.org", "550 5.1.1 No such user");
    let reply = answer(&stage, &ticket, "It is on its way.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let event = &stage.desk.events_of(&ticket, "replied").await[2];
    assert_eq!(event["delivery_detail"]["reason"], "copies_refused", "{event:#}");
    assert_eq!(event["delivery_detail"]["detail"], "ann@example.org: 5.1.1 No such user", "{event:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_matter_in_an_old_thread_is_a_new_ticket() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    answer(&stage, &ticket, "Which one?").await;
    let sent = server.await_sent(1).await.remove(0);
    office
        .receives(&Letter::new(ANN, &office.address, "Invoice for May", "It is wrong.").answering(&sent))
        .await;
    let tickets = office.await_tickets(&stage, 2).await;
    assert_eq!(tickets[1]["subject"], "Invoice for May");
    assert_eq!(related_to(&stage, &tickets[1]).await, ticket);
    assert_eq!(tickets[1]["contact"], tickets[0]["contact"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_under_the_subject_of_an_acknowledgement_is_no_new_matter() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let number = stage.desk.ticket(&ticket).await["number"].clone();
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    // As acknowledgements are called, which repeat nothing of what the customer wrote.
    let numbered = format!("Re: [#{number}] The Shop");
    for (subject, text) in [(numbered.as_str(), "The red one."), ("AW: The Shop", "And the blue one.")] {
        office.receives(&Letter::new(ANN, &office.address, subject, text).answering(&sent)).await;
    }
    let texts = ["It is broken.", "The red one.", "And the blue one."];
    assert_eq!(stage.received(&ticket, 3).await, texts);
    assert_eq!(office.tickets(&stage).await.len(), 1);
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
async fn mails_come_by_smtp_too() {
    let stage = Stage::local(Receiving::Webhook).await;
    let Target::Local(local) = &stage.target else { panic!("this is about the desk in one process") };
    let server = MailServer::start().await;
    let office =
        Office::open(&stage, &server, "support@shop.example", json!({"plus_addressing": true})).await;
    let letter = Letter::new(ANN, &office.address, "By SMTP", "Dots:\n.\n..and more.");
    for _ in 0..2 {
        let answers =
            send(local.smtp(), "ann@example.org", "Support+anything@shop.example", &letter.bytes()).await;
        assert!(answers.last().expect("an answer").starts_with("250"), "{answers:?}");
    }
    let ticket = only(&stage, &office).await;
    assert_eq!(stage.received(&ticket, 1).await, ["Dots:\n.\n..and more."]);
    let answers = send(local.smtp(), "ann@example.org", "nobody@shop.example", &letter.bytes()).await;
    assert!(answers.iter().any(|answer| answer.starts_with("550 5.1.1")), "{answers:?}");
    let reply = answer(&stage, &ticket, "Thank you.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(server.await_sent(1).await[0].to, ["ann@example.org"]);
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

/// On AWS: SES puts mails into the bucket and tells by a topic, and takes the answers.
mod emulator {
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
        let reply =
            stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": "Which one?"})).await;
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

        let reply =
            stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": "On its way."})).await;
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
}
