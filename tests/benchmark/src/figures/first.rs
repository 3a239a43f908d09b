//! The event that each function starts with: what it is there for, as a desk has it to do.

use std::io;
use std::sync::Arc;

use channels::Directory;
use channels::webchat::pass::Pass;
use desk::channel::Channel;
use desk::ids::VisitorId;
use serde_json::{Value, json};
use store::environment::{Environment as _, System};
use store::seal::SealingKey;

use super::functions::{batch, request};
use crate::aws::attributes;
use crate::mails::Mail;
use crate::rig::{KEY, Rig, Wrong};
use crate::stored::Stored;

/// The address that the desk receives mails at.
pub(super) const ADDRESS: &str = "support@desk.example";
/// The page that the chat is on.
const PAGE: &str = "https://shop.example";

/// A function's first event.
pub(super) struct First {
    /// The function.
    pub(super) name: &'static str,
    /// The event.
    pub(super) event: Value,
    /// What it asks of AWS and of the platform if it really does that; it may ask for more.
    pub(super) asks: &'static [&'static str],
}

/// Has a desk do what leaves work for each of its functions, and tells the events of that. The mail is the one that is in
/// the bucket.
pub(super) async fn first_events(rig: &Rig, stored: &Stored, mail: &Mail) -> Result<Vec<First>, Wrong> {
    rig.connects("email", json!({"address": ADDRESS})).await?;
    let chat = rig.connects("webchat", json!({"allowed_origins": [PAGE]})).await?;
    rig.answers(1, "It is on its way. Here is what the carrier says about it.").await?;
    rig.relayed().await?;
    let ticket = rig.desk.ticket_by_number(1).await?.ok_or("a ticket")?;
    let bearer = format!("Bearer {}", rig.token());
    let path = format!("/api/v1/tickets/{ticket}");
    let session = format!("/webchat/{chat}/session");
    let browser = [("content-type", "application/json"), ("origin", PAGE)];
    let first = |name, event, asks| First { name, event, asks };
    Ok(vec![
        first("relay", stream(stored, &format!("T#{ticket}"))?, &["SendMessageBatch"]),
        first("sender", queued(stored, "outbound")?, &["TransactWriteItems", "sendMessage"]),
        first("worker", queued(stored, "work")?, &["GetItem", "TransactWriteItems"]),
        first("clock", tick(), &["Query"]),
        first("api", request("GET", &path, None, &[("authorization", &bearer)]), &["GetItem"]),
        first("email", received(mail), &["GET", "PUT", "SendMessageBatch"]),
        first("webchat", request("POST", &session, Some("{}"), &browser), &["GetItem", "TransactWriteItems"]),
        first("live", connects(rig, &chat).await?, &["GetItem", "TransactWriteItems"]),
    ])
}

/// The oldest message of a queue.
fn queued(stored: &Stored, queue: &str) -> io::Result<Value> {
    let all = stored.queued(queue)?;
    let (group, body) = all.first().ok_or_else(|| io::Error::other(format!("nothing is in {queue}")))?;
    Ok(batch(0, group, body))
}

/// The table's stream as it tells of what the relay reads: a ticket's events, and the replies.
fn stream(stored: &Stored, ticket: &str) -> io::Result<Value> {
    let told = |(pk, sk, _): &(String, String, Value)| {
        pk == ticket && sk.starts_with("E#") || pk.starts_with("X#") && sk.starts_with("R#")
    };
    let records: Vec<Value> = stored
        .items()?
        .into_iter()
        .filter(told)
        .enumerate()
        .map(|(number, (pk, sk, body))| {
            json!({
                "eventID": number.to_string(), "eventName": "INSERT", "eventVersion": "1.1",
                "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:1:table/table/stream/2026-11-23T10:00:00.000",
                "dynamodb": {
                    "Keys": {"pk": {"S": pk}, "sk": {"S": sk}}, "NewImage": attributes(&pk, &sk, body),
                    "ApproximateCreationDateTime": 1_795_428_000.0, "SequenceNumber": (100 + number).to_string(),
                    "SizeBytes": 500, "StreamViewType": "NEW_IMAGE"
                }
            })
        })
        .collect();
    Ok(json!({"Records": records}))
}

/// What the topic says when SES has put a mail into the bucket.
fn received(mail: &Mail) -> Value {
    let pass = json!({"status": "PASS"});
    let told = json!({
        "notificationType": "Received",
        "mail": {"messageId": "m1", "source": mail.from, "destination": [ADDRESS]},
        "receipt": {
            "recipients": [ADDRESS], "spfVerdict": pass, "dkimVerdict": pass, "dmarcVerdict": pass,
            "action": {"type": "S3", "bucketName": "bucket", "objectKey": "mail/m1"}
        }
    });
    json!({"Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:us-east-1:1:mail:1",
        "Sns": {"Type": "Notification", "MessageId": "1", "Message": told.to_string()}
    }]})
}

/// The schedule's call of the clock. Nothing is due, as in nearly every minute.
fn tick() -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "1",
        "time": "2026-11-23T10:00:00Z", "region": "us-east-1", "resources": [], "detail": {}
    })
}

/// A browser opens a connection, with a visitor's token of a chat. It holds by the machine's clock, which the function goes by.
async fn connects(rig: &Rig, chat: &str) -> Result<Value, Wrong> {
    let key = Arc::new(SealingKey::new(&KEY).ok_or("a key of the right length")?);
    let directory = Directory::new(rig.desk.clone(), key);
    let known = directory.connection(&Channel::try_from("webchat")?, chat.parse()?).await?.ok_or("a chat")?;
    let system = System::new();
    let pass = Pass::new(&known.open, VisitorId::new(system.ulid()), None, None, system.now());
    let token = pass.sign(&known.open).ok_or("a secret of the chat")?;
    Ok(json!({
        "headers": {"Origin": PAGE}, "queryStringParameters": {"token": token},
        "requestContext": {"eventType": "CONNECT", "connectionId": "c", "domainName": "d", "stage": "s"}
    }))
}
