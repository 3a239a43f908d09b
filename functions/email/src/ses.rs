//! What SES tells by its topic: mails that came, and what became of mails that left.
//!
//! Mails: [the S3 action's notification](https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html).
//! Events: [event publishing](https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)
//! and [notifications](https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html), which differ in one name.

use channels::email::{Arrival, ReturnPath, Verdict, message_id};
use serde::Deserialize;
use serde_json::Value;

/// What SES tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A mail came.
    Received(Received),
    /// A mail of ours did not reach somebody.
    Undelivered(Undelivered),
    /// Something that changes nothing, such as a delivery.
    Other(String),
}

/// A mail that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The object that holds it.
    pub key: String,
    /// What SES saw.
    pub arrival: Arrival,
}

/// What became of a mail of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// SES's id of the report.
    pub id: String,
    /// SES's id of the mail.
    pub mail: String,
    /// The Message-ID that the mail had when it was handed over, without brackets.
    pub message_id: Option<String>,
    /// The address that it left from.
    pub source: String,
    /// Who was not reached.
    pub addresses: Vec<String>,
    /// Whether they never will be.
    pub permanent: bool,
    /// `bounced`, `complained`, or `rejected` where SES itself did not send it.
    pub reason: &'static str,
    /// Whether it may still arrive, or has arrived: many a notice of absence is reported as a passing bounce.
    pub delayed: bool,
    /// What the servers said.
    pub detail: String,
}

/// A message that SES never sends.
#[derive(Debug, thiserror::Error)]
#[error("not a message of SES: {0}")]
pub struct Strange(#[from] serde_json::Error);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(alias = "eventType", default)]
    notification_type: String,
    #[serde(default)]
    mail: Mail,
    receipt: Option<Receipt>,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    reject: Option<Reject>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Mail {
    message_id: String,
    source: String,
    common_headers: CommonHeaders,
    headers: Vec<Header>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CommonHeaders {
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default)]
    spf_verdict: Status,
    #[serde(default)]
    dkim_verdict: Status,
    #[serde(default)]
    dmarc_verdict: Status,
    #[serde(default)]
    action: Action,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Action {
    object_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Recipient>,
    #[serde(default)]
    feedback_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<Recipient>,
    #[serde(default)]
    feedback_id: String,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
struct Reject {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    #[serde(default)]
    email_address: String,
    #[serde(default)]
    action: Option<String>,
    diagnostic_code: Option<String>,
    status: Option<String>,
}

/// Reads a message of SES's topic.
///
/// # Errors
/// When it is none.
pub fn read(message: &str) -> Result<Told, Strange> {
    let told: Notification = serde_json::from_str(message)?;
    Ok(match (told.receipt, told.bounce, told.complaint, told.reject) {
        (Some(receipt), ..) => received(told.mail, receipt, told.notification_type),
        (_, Some(bounce), ..) => Told::Undelivered(bounced(told.mail, bounce)),
        (_, _, Some(complaint), _) => Told::Undelivered(complained(told.mail, complaint)),
        (_, _, _, Some(reject)) => Told::Undelivered(rejected(told.mail, reject)),
        _ => Told::Other(told.notification_type),
    })
}

fn received(mail: Mail, receipt: Receipt, kind: String) -> Told {
    let Some(key) = receipt.action.object_key else { return Told::Other(kind) };
    let envelope_from = match mail.source.as_str() {
        "" | "<>" => ReturnPath::Null,
        source => ReturnPath::Address(source.to_owned()),
    };
    let arrival = Arrival {
        envelope_from: Some(envelope_from),
        recipients: receipt.recipients,
        spf: verdict(&receipt.spf_verdict),
        dkim: verdict(&receipt.dkim_verdict),
        dmarc: verdict(&receipt.dmarc_verdict),
        stamped: true,
    };
    Told::Received(Received { key, arrival })
}

/// `GRAY` means that there was nothing to check.
fn verdict(status: &Status) -> Verdict {
    match status.status.as_str() {
        "PASS" => Verdict::Pass,
        "FAIL" => Verdict::Fail,
        "PROCESSING_FAILED" => Verdict::TempError,
        _ => Verdict::None,
    }
}

fn bounced(mail: Mail, bounce: Bounce) -> Undelivered {
    let words: Vec<String> = bounce
        .bounced_recipients
        .iter()
        .filter_map(|recipient| {
            let said = recipient.diagnostic_code.as_ref().or(recipient.status.as_ref())?;
            Some(format!("{}: {said}", recipient.email_address))
        })
        .collect();
    let detail = if words.is_empty() {
        format!("{} {}", bounce.bounce_type, bounce.bounce_sub_type)
    } else {
        words.join("; ")
    };
    let by_the_account = bounce.bounce_sub_type == "OnAccountSuppressionList";
    let delayed = bounce.bounce_type == "Transient" && !is_final(&bounce);
    Undelivered {
        id: bounce.feedback_id,
        message_id: own_id(&mail),
        source: sender(&mail.source),
        mail: mail.message_id,
        addresses: addresses(bounce.bounced_recipients),
        // What only the account's own list says is no word of the address's server.
        permanent: bounce.bounce_type == "Permanent" && !by_the_account,
        reason: "bounced",
        delayed,
        detail,
    }
}

/// Whether a passing bounce says that this mail will not arrive, however it may be with the next one.
fn is_final(bounce: &Bounce) -> bool {
    let about_the_mail = ["MessageTooLarge", "ContentRejected", "AttachmentRejected"];
    about_the_mail.contains(&bounce.bounce_sub_type.as_str())
        || bounce.bounced_recipients.iter().any(|recipient| recipient.action.as_deref() == Some("failed"))
}

fn rejected(mail: Mail, reject: Reject) -> Undelivered {
    Undelivered {
        id: format!("reject-{}", mail.message_id),
        message_id: own_id(&mail),
        source: sender(&mail.source),
        mail: mail.message_id,
        addresses: Vec::new(),
        permanent: false,
        reason: "rejected",
        delayed: false,
        detail: format!("SES did not send it: {}.", reject.reason.trim_end_matches('.')),
    }
}

fn complained(mail: Mail, complaint: Complaint) -> Undelivered {
    let kind = complaint.complaint_feedback_type.unwrap_or_else(|| "abuse".to_owned());
    Undelivered {
        id: complaint.feedback_id,
        message_id: own_id(&mail),
        source: sender(&mail.source),
        mail: mail.message_id,
        addresses: addresses(complaint.complained_recipients),
        permanent: true,
        reason: "complained",
        delayed: false,
        detail: format!("The recipient reported the mail to their provider: {kind}."),
    }
}

fn addresses(recipients: Vec<Recipient>) -> Vec<String> {
    recipients.into_iter().map(|recipient| recipient.email_address).filter(|it| !it.is_empty()).collect()
}

/// The address that a mail left from: reports name it as the mail did, with the sender's name or without.
fn sender(source: &str) -> String {
    let address =
        source.rsplit_once('<').map_or(source, |(_, address)| address.trim_end().trim_end_matches('>'));
    address.trim().to_owned()
}

fn own_id(mail: &Mail) -> Option<String> {
    let header = mail.headers.iter().find(|header| header.name.eq_ignore_ascii_case("message-id"));
    let id = header.and_then(|header| header.value.as_str()).or(mail.common_headers.message_id.as_deref())?;
    message_id(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_received_mail_tells_its_object_and_what_was_checked() {
        let message = json!({
            "notificationType": "Received",
            "mail": {"messageId": "m1", "source": "", "headers": []},
            "receipt": {
                "recipients": ["support+x@shop.example"],
                "spfVerdict": {"status": "PASS"}, "dkimVerdict": {"status": "GRAY"},
                "dmarcVerdict": {"status": "FAIL"}, "dmarcPolicy": "reject",
                "action": {"type": "S3", "bucketName": "b", "objectKey": "mail/m1"},
            },
        });
        let Told::Received(received) = read(&message.to_string()).unwrap() else { panic!("a mail") };
        assert_eq!(received.key, "mail/m1");
        let Arrival { envelope_from, recipients, spf, dkim, dmarc, .. } = received.arrival;
        assert_eq!(envelope_from, Some(ReturnPath::Null));
        assert_eq!(recipients, ["support+x@shop.example"]);
        assert_eq!((spf, dkim, dmarc), (Verdict::Pass, Verdict::None, Verdict::Fail));
    }

    #[test]
    fn bounces_and_complaints_are_read_in_both_forms() {
        for kind in ["notificationType", "eventType"] {
            let message = json!({
                kind: "Bounce",
                "mail": {
                    "messageId": "0100", "source": "support@shop.example",
                    "headers": [{"name": "Message-ID", "value": "<own@shop.example> > >"}],
                },
                "bounce": {
                    "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f1",
                    "bouncedRecipients": [{
                        "emailAddress": "ann@example.org", "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 no such user",
                    }],
                },
            });
            let Told::Undelivered(report) = read(&message.to_string()).unwrap() else { panic!("a report") };
            assert_eq!((report.id.as_str(), report.mail.as_str(), report.permanent), ("f1", "0100", true));
            assert_eq!(report.message_id.as_deref(), Some("own@shop.example"));
            assert_eq!(report.addresses, ["ann@example.org"]);
            assert_eq!(report.detail, "ann@example.org: smtp; 550 no such user");
        }
        let complaint = json!({
            "eventType": "Complaint",
            "mail": {"messageId": "0100", "source": "support@shop.example"},
            "complaint": {"feedbackId": "f2", "complainedRecipients": [{"emailAddress": "ann@example.org"}]},
        });
        let Told::Undelivered(report) = read(&complaint.to_string()).unwrap() else { panic!("a report") };
        assert_eq!((report.reason, report.permanent), ("complained", true));
    }

    #[test]
    fn a_bounce_says_no_more_than_it_knows() {
        let read = |kind: &str, sub: &str, recipient: Value| {
            let message = json!({
                "eventType": "Bounce",
                "mail": {"messageId": "0100", "source": "support@shop.example"},
                "bounce": {
                    "bounceType": kind, "bounceSubType": sub, "feedbackId": "f1",
                    "bouncedRecipients": [recipient],
                },
            });
            let Ok(Told::Undelivered(report)) = read(&message.to_string()) else { panic!("a report") };
            (report.permanent, report.delayed)
        };
        let ann = json!({"emailAddress": "ann@example.org"});
        let failed = json!({"emailAddress": "ann@example.org", "action": "failed", "status": "4.2.2"});
        assert_eq!(read("Permanent", "General", ann.clone()), (true, false));
        assert_eq!(read("Permanent", "OnAccountSuppressionList", ann.clone()), (false, false));
        assert_eq!(read("Transient", "General", ann.clone()), (false, true));
        assert_eq!(read("Transient", "MailboxFull", ann.clone()), (false, true));
        assert_eq!(read("Transient", "MailboxFull", failed), (false, false));
        assert_eq!(read("Transient", "MessageTooLarge", ann), (false, false));
    }

    #[test]
    fn what_ses_itself_refuses_did_not_arrive() {
        let message = json!({
            "eventType": "Reject",
            "mail": {"messageId": "0100", "source": "support@shop.example"},
            "reject": {"reason": "Bad content"},
        });
        let Told::Undelivered(report) = read(&message.to_string()).unwrap() else { panic!("a report") };
        assert_eq!((report.reason, report.permanent, report.delayed), ("rejected", false, false));
        assert_eq!((report.id.as_str(), report.mail.as_str()), ("reject-0100", "0100"));
        assert_eq!(report.detail, "SES did not send it: Bad content.");
    }

    #[test]
    fn everything_else_changes_nothing() {
        for message in [
            json!({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "…"}),
            json!({"eventType": "Delivery", "mail": {"messageId": "1"}, "delivery": {}}),
            json!({"notificationType": "Received", "receipt": {"action": {"type": "SNS"}}, "mail": {}}),
            json!({}),
        ] {
            assert!(matches!(read(&message.to_string()), Ok(Told::Other(_))), "{message}");
        }
        assert!(read("Successfully validated SNS topic for Amazon SES event publishing.").is_err());
    }

    #[test]
    fn a_report_is_about_the_address_with_or_without_its_name() {
        for source in
            ["support@shop.example", "Shop <support@shop.example>", "\"A <b>\" <support@shop.example> "]
        {
            let message = json!({
                "eventType": "Bounce", "bounce": {"bounceType": "Permanent", "feedbackId": "f"},
                "mail": {"messageId": "0100", "source": source},
            });
            let Told::Undelivered(report) = read(&message.to_string()).unwrap() else { panic!("a report") };
            assert_eq!(report.source, "support@shop.example");
        }
    }
}
