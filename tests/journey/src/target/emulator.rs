//! The desk as it is deployed, on the AWS emulator. One stack serves all journeys of a test run.

mod stack;

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::stack::Stack;
use super::signing::signed;
use crate::client;

static TURNS: RwLock<()> = RwLock::const_new(());

/// A journey's turn on the deployed desk.
#[derive(Debug)]
pub struct Emulator {
    stack: &'static Stack,
    client: reqwest::Client,
    _taken: Taken,
}

/// Beside whom a journey may use the deployed desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Beside all that change no settings of the whole desk.
    Shared,
    /// Beside none, because it changes them.
    Alone,
    /// Beside everybody: it takes long, and nothing disturbs it.
    Aside,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held, not read")]
enum Taken {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
    Aside,
}

impl Emulator {
    /// Waits for a turn; the first one deploys the desk.
    pub async fn take(turn: Turn) -> Self {
        let taken = match turn {
            Turn::Shared => Taken::Shared(TURNS.read().await),
            Turn::Alone => Taken::Alone(TURNS.write().await),
            Turn::Aside => Taken::Aside,
        };
        let stack = tokio::task::spawn_blocking(|| {
            static STACK: OnceLock<Stack> = OnceLock::new();
            STACK.get_or_init(Stack::deploy)
        });
        Self { stack: stack.await.expect("the desk is deployed"), client: client(), _taken: taken }
    }

    /// The base URL of the API.
    pub fn url(&self) -> &str {
        self.stack.text("api_base_url")
    }

    /// The first API token.
    pub fn token(&self) -> &str {
        &self.stack.token
    }

    /// Does what the minute's schedule does, now.
    pub async fn tick(&self) {
        let answer = self.stack.invoke(&self.client, "Clock", &json!({})).await;
        assert!(answer.get("errorMessage").is_none(), "the clock failed: {answer:#}");
    }

    /// Does what the chat's gateway does that tells of a connection. The answer.
    pub async fn tell_live(&self, event: &Value) -> Value {
        self.stack.invoke(&self.client, "Live", event).await
    }

    /// Puts a body of any kind into a queue, by its name in the template: one of a group's, or into a queue without groups.
    pub async fn enqueue(&self, queue: &str, group: Option<&str>, body: &str) {
        let mut content = json!({"MessageBody": body});
        if let Some(group) = group {
            content["MessageGroupId"] = json!(group);
            content["MessageDeduplicationId"] = json!(digest(body.as_bytes()));
        }
        self.sqs("SendMessage", queue, content).await;
    }

    /// How many messages wait in a queue, and how many are hidden: in hand, or resting until they are tried again.
    pub async fn waiting(&self, queue: &str) -> (u64, u64) {
        let counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let answer = self.sqs("GetQueueAttributes", queue, json!({"AttributeNames": counted})).await;
        let [waiting, hidden] = counted.map(|name| {
            let count = answer["Attributes"][name].as_str().and_then(|text| text.parse().ok());
            count.expect("the queue tells how many it holds")
        });
        (waiting, hidden)
    }

    /// The queues, by their names in the template.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        let queues = self.stack.told["queues"].as_object();
        queues.expect("the stack tells its queues").keys().map(String::as_str)
    }

    /// Has a queue hide for so long, in whole seconds, what is taken from it from now on. Returns how long it did before.
    pub async fn hide_for(&self, queue: &str, time: Duration) -> Duration {
        const HIDES: &str = "VisibilityTimeout";
        let before = self.sqs("GetQueueAttributes", queue, json!({"AttributeNames": [HIDES]})).await;
        let before = before["Attributes"][HIDES].as_str().and_then(|seconds| seconds.parse().ok());
        let content = json!({"Attributes": {HIDES: time.as_secs().to_string()}});
        self.sqs("SetQueueAttributes", queue, content).await;
        Duration::from_secs(before.expect("the queue tells how long it hides"))
    }

    /// Makes a request about a queue, by its name in the template.
    async fn sqs(&self, operation: &str, queue: &str, mut content: Value) -> Value {
        content["QueueUrl"] = self.stack.told["queues"][queue].clone();
        self.json("sqs", &format!("AmazonSQS.{operation}"), &content).await
    }

    /// Puts an item into the table, as DynamoDB writes it, past the desk.
    pub async fn put_item(&self, item: Value) {
        let content = json!({"TableName": self.stack.told["tables"]["Table"], "Item": item});
        self.json("dynamodb", "DynamoDB_20120810.PutItem", &content).await;
    }

    /// Makes a request of AWS's JSON protocol.
    async fn json(&self, service: &str, target: &str, content: &Value) -> Value {
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
        let url = format!("{}/", self.stack.text("endpoint"));
        let body = content.to_string().into_bytes();
        let request = signed("POST", service, self.stack.text("region"), &url, &headers, body);
        let response = self.client.execute(request).await.expect("the emulator answers");
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        assert!(status.is_success(), "{target} of {content} refused: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Has AWS fail the functions from now on: one request in `1 / rate`, drawn from `seed`. Returns how many there
    /// were of each fault until now, and of requests.
    pub async fn strike(&self, rate: f64, seed: u64) -> Value {
        let url = format!("{}/_proxy", self.stack.text("proxy"));
        let before = self.client.get(&url).send().await.expect("the proxy answers");
        let before = before.json().await.expect("the proxy tells what it did");
        let set = self.client.post(&url).json(&json!({"rate": rate, "seed": seed})).send().await;
        assert!(set.expect("the proxy answers").status().is_success());
        before
    }

    /// Does what SES does with a mail: puts it into the bucket, and tells so by the topic. `dmarc` is SES's verdict.
    pub async fn receive_mail(&self, name: &str, mail: Vec<u8>, recipient: &str, dmarc: &str) {
        let told = self.store_mail(name, mail, recipient, dmarc).await;
        self.tell(&told).await;
    }

    /// Does what Lambda does with what SES tells of a mail: has the receiver take it, once.
    ///
    /// # Errors
    /// What the receiver failed with: it is to be told again.
    pub async fn hand_mail(&self, name: &str, mail: Vec<u8>, recipient: &str) -> Result<(), Value> {
        let told = self.store_mail(name, mail, recipient, "PASS").await;
        let answer = self.stack.invoke(&self.client, "Email", &notification(&told)).await;
        if answer.get("errorMessage").is_none() { Ok(()) } else { Err(answer) }
    }

    /// Does what Lambda does with a mail that its receiver failed at each time: what that was invoked with is put with the
    /// dead letters.
    pub async fn give_up_mail(&self, name: &str, mail: Vec<u8>, recipient: &str) {
        let told = self.store_mail(name, mail, recipient, "PASS").await;
        let letter = json!({
            "version": "1.0",
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": notification(&told),
        });
        self.enqueue("EmailDeadLetters", None, &letter.to_string()).await;
    }

    /// Puts a mail into the bucket, as SES does. Returns what SES tells.
    async fn store_mail(&self, name: &str, mail: Vec<u8>, recipient: &str, dmarc: &str) -> Value {
        let key = format!("mail/{name}");
        let url = format!("{}/{}/{key}", self.stack.text("endpoint"), self.output("BucketName"));
        let hash = digest(&mail);
        let headers = [("x-amz-content-sha256", hash.as_str())];
        let put = signed("PUT", "s3", self.stack.text("region"), &url, &headers, mail);
        let response = self.client.execute(put).await.expect("the emulator answers");
        assert!(response.status().is_success(), "{:?}", response.text().await);
        json!({
            "notificationType": "Received",
            "mail": {"messageId": name, "source": "someone@example.org", "destination": [recipient]},
            "receipt": {
                "recipients": [recipient], "spfVerdict": {"status": "PASS"}, "dkimVerdict": {"status": "PASS"},
                "dmarcVerdict": {"status": dmarc},
                "action": {"type": "S3", "bucketName": self.output("BucketName"), "objectKey": key},
            },
        })
    }

    /// Has SES tell something by the topic.
    pub async fn tell(&self, message: &Value) {
        let fields = [
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("TopicArn", self.output("MailTopicArn")),
            ("Message", &message.to_string()),
        ];
        self.query("sns", &fields).await;
    }

    /// Lets SES send from an address.
    pub async fn verify_sender(&self, address: &str) {
        let fields =
            [("Action", "VerifyEmailIdentity"), ("Version", "2010-12-01"), ("EmailAddress", address)];
        self.query("ses", &fields).await;
    }

    /// The mails that SES sent from an address.
    pub async fn sent_by_ses(&self, address: &str) -> Vec<Value> {
        let url = format!("{}/_ministack/ses/messages", self.stack.text("endpoint"));
        let answer = self.client.get(&url).send().await.expect("the emulator answers");
        let answer: Value = answer.json().await.expect("its mails are JSON");
        let accounts = answer["messages"].as_object().expect("mails by account");
        let mails = accounts.values().filter_map(Value::as_array).flatten();
        mails.filter(|mail| mail["Source"] == address).cloned().collect()
    }

    /// What the deployed stack tells under a name.
    fn output(&self, name: &str) -> &str {
        let output = self.stack.told["outputs"][name].as_str();
        output.unwrap_or_else(|| panic!("the stack has no output `{name}`: {:#}", self.stack.told))
    }

    /// Makes a request of AWS's query protocol.
    async fn query(&self, service: &str, fields: &[(&str, &str)]) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let url = format!("{}/", self.stack.text("endpoint"));
        let request =
            signed("POST", service, self.stack.text("region"), &url, &headers, form.finish().into_bytes());
        let response = self.client.execute(request).await.expect("the emulator answers");
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        assert!(status.is_success(), "{service} refused: {status} {text}");
    }

    /// Everything that the emulator and the functions have written to its output.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.stack.text("log")).expect("the emulator has a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What a function is invoked with when SES tells something by the topic.
fn notification(told: &Value) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": told.to_string()}}]})
}

/// The SHA-256 of bytes, as AWS writes it.
fn digest(bytes: &[u8]) -> String {
    <sha2::Sha256 as sha2::Digest>::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
