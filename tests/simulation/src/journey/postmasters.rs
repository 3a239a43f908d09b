//! Servers of mail that tell what became of a mail of the desk: SES by its topic, others by mails.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{SUPPORT, Stage, mail, pause};
use crate::chance::Chance;
use crate::history::Report;
use crate::platform::{Delivered, Outcome};

/// Tells of mails that did not simply arrive, at once or after a while, and sometimes twice, until everybody has gone home.
pub async fn report_mails(stage: Stage, by_ses: bool, until: Instant, chance: Chance) {
    let mut seen = 0;
    while let Ok(mails) = tokio::time::timeout_at(until, stage.cloud.post.taken_after(seen)).await {
        seen += mails.len();
        for mail in mails.iter().filter(|mail| mail.outcome != Outcome::Arrives) {
            if mail.outcome == Outcome::Gone && chance.happens(200) {
                report(&stage, &chance, by_ses, mail, Outcome::Delayed).await;
            }
            report(&stage, &chance, by_ses, mail, mail.outcome).await;
        }
    }
    stage.cloud.post.settle();
}

async fn report(stage: &Stage, chance: &Chance, by_ses: bool, about: &Delivered, outcome: Outcome) {
    pause(chance, &[0, 2, 60, 900]).await;
    let place = stage.history.report(Report {
        mail: about.message_id.clone(),
        addresses: about.recipients.clone(),
        outcome,
        acknowledged: false,
    });
    stage.cloud.trace.note(&format!("{} is reported: {outcome:?}", about.message_id));
    // Only providers pass complaints on, and SES does it by its topic.
    let by_ses = by_ses || outcome == Outcome::Unwanted;
    let told = told_by_ses(about, outcome, place);
    let written = written(stage, about, outcome, place);
    for _ in 0..=u64::from(chance.happens(150)) {
        if by_ses {
            stage.cloud.tell_of_mail(&told);
        } else if !mail(stage, &written).await {
            continue;
        }
        stage.history.report_acknowledged(place);
    }
}

fn said(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        Outcome::Gone => ("failed", "5.1.1", "550 5.1.1 No such user here"),
        Outcome::Returned => ("failed", "4.2.2", "452 4.2.2 The mailbox is full"),
        _ => ("delayed", "4.4.1", "451 4.4.1 Not now"),
    }
}

fn told_by_ses(about: &Delivered, outcome: Outcome, number: usize) -> Value {
    let id = format!("<{}>", about.message_id);
    let mail = json!({
        "messageId": format!("0100-{}", about.message_id),
        "source": SUPPORT,
        "headers": [{"name": "Message-ID", "value": id}],
    });
    let feedback = format!("feedback-{number}");
    let addresses = about.recipients.iter();
    if outcome == Outcome::Unwanted {
        let people: Vec<Value> = addresses.map(|address| json!({"emailAddress": address})).collect();
        return json!({
            "eventType": "Complaint", "mail": mail,
            "complaint": {"feedbackId": feedback, "complainedRecipients": people},
        });
    }
    let (action, status, words) = said(outcome);
    let (kind, sub) =
        if outcome == Outcome::Gone { ("Permanent", "General") } else { ("Transient", "MailboxFull") };
    let people: Vec<Value> = addresses
        .map(|address| {
            let diagnostic = format!("smtp; {words}");
            json!({"emailAddress": address, "action": action, "status": status, "diagnosticCode": diagnostic})
        })
        .collect();
    json!({
        "eventType": "Bounce", "mail": mail,
        "bounce": {
            "bounceType": kind, "bounceSubType": sub, "feedbackId": feedback, "bouncedRecipients": people,
        },
    })
}

/// A delivery report as servers write it: <https://www.rfc-editor.org/rfc/rfc3464>.
fn written(stage: &Stage, about: &Delivered, outcome: Outcome, number: usize) -> String {
    let date = stage.cloud.hours.now().to_zoned(TimeZone::UTC);
    let date = jiff::fmt::rfc2822::to_string(&date).unwrap_or_default();
    let (action, status, words) = said(outcome);
    let people: String = about
        .recipients
        .iter()
        .map(|address| {
            format!(
                "\r\nFinal-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n\
                 Diagnostic-Code: smtp; {words}\r\n"
            )
        })
        .collect();
    let Delivered { message_id, subject, references, .. } = about;
    let references: Vec<String> = references.iter().map(|id| format!(" <{id}>")).collect();
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@people.example>\r\nTo: {SUPPORT}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <report.{number}@people.example>\r\n\
         Date: {date}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=border\r\n\r\n\
         --border\r\nContent-Type: text/plain\r\n\r\nThis is what became of your mail.\r\n\
         --border\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.people.example\r\n{people}\r\n\
         --border\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: <{SUPPORT}>\r\nSubject: {subject}\r\n\
         Message-ID: <{message_id}>\r\nReferences:{}\r\n\r\n--border--\r\n",
        references.concat(),
    )
}
