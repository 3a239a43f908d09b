//! The desk as it is deployed, on the AWS emulator. One stack serves all journeys of a test run.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::local::root;
use super::signing::signed;
use crate::{client, eventually};

/// How the emulator is started unless `LAMBDESK_EMULATOR_UP` tells.
const UP: &str = ".venv/bin/python tests/emulator/up.py";
/// How long the deployed desk may take to answer for the first time.
const START: Duration = Duration::from_secs(60);

static TURNS: RwLock<()> = RwLock::const_new(());

/// What is deployed.
#[derive(Debug)]
struct Stack {
    told: Value,
    token: String,
    /// Holds the emulator: it ends when this side of its standard input is closed, however that comes about.
    _emulator: Option<Child>,
}

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
            STACK.get_or_init(deploy)
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

    /// Puts a body of any kind into the inbound queue.
    pub async fn enqueue_inbound(&self, group: &str, deduplication: &str, body: &str) {
        let content =
            json!({"MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": deduplication});
        self.sqs("SendMessage", "InboundQueue", content).await;
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

    /// Makes a request about a queue, by its name in the template.
    async fn sqs(&self, operation: &str, queue: &str, mut content: Value) -> Value {
        content["QueueUrl"] = self.stack.told["queues"][queue].clone();
        let target = format!("AmazonSQS.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let url = format!("{}/", self.stack.text("endpoint"));
        let body = content.to_string().into_bytes();
        let request = signed("POST", "sqs", self.stack.text("region"), &url, &headers, body);
        let response = self.client.execute(request).await.expect("the emulator answers");
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        assert!(status.is_success(), "{queue} refused: {status} {text}");
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

    /// Does what Lambda does with a mail that its receiver failed at each time: what that was invoked with is put with the
    /// dead letters.
    pub async fn give_up_mail(&self, name: &str, mail: Vec<u8>, recipient: &str) {
        let told = self.store_mail(name, mail, recipient, "PASS").await;
        let record = json!({"EventSource": "aws:sns", "Sns": {"Message": told.to_string()}});
        let letter = json!({
            "version": "1.0",
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": {"Records": [record]},
        });
        self.sqs("SendMessage", "EmailDeadLetters", json!({"MessageBody": letter.to_string()})).await;
    }

    /// Puts a mail into the bucket, as SES does. Returns what SES tells.
    async fn store_mail(&self, name: &str, mail: Vec<u8>, recipient: &str, dmarc: &str) -> Value {
        let key = format!("mail/{name}");
        let url = format!("{}/{}/{key}", self.stack.text("endpoint"), self.output("BucketName"));
        let hash: String =
            <sha2::Sha256 as sha2::Digest>::digest(&mail).iter().map(|byte| format!("{byte:02x}")).collect();
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

impl Stack {
    fn text(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap_or_else(|| panic!("the stack tells no `{name}`: {:#}", self.told))
    }

    /// Invokes a function by its name in the template.
    async fn invoke(&self, client: &reqwest::Client, function: &str, event: &Value) -> Value {
        let name = self.told["functions"][function]
            .as_str()
            .unwrap_or_else(|| panic!("the stack has no function `{function}`: {:#}", self.told));
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.text("endpoint"));
        let request =
            signed("POST", "lambda", self.text("region"), &url, &[], event.to_string().into_bytes());
        let response = client.execute(request).await.expect("the emulator answers");
        let status = response.status();
        let text = response.text().await.expect("an invocation has an answer");
        assert!(status.is_success(), "{function}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

/// Starts the emulator, deploys the template, and makes the first token.
fn deploy() -> Stack {
    let (told, emulator) = match std::env::var("LAMBDESK_STACK") {
        // Somebody started it for us.
        Ok(line) => (line, None),
        Err(_) => start(),
    };
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    let mut stack = Stack { told, token: String::new(), _emulator: emulator };
    // A runtime of its own: this is called once, from whichever test comes first.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    stack.token = runtime.block_on(async {
        let client = client();
        let health = format!("{}/health", stack.text("api_base_url"));
        eventually("the deployed desk answers", START, async || match client.get(&health).send().await {
            Ok(response) if response.status() == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        let made = stack.invoke(&client, "ApiFunction", &json!({"command": "create-token"})).await;
        made["token"].as_str().unwrap_or_else(|| panic!("there is no token in {made:#}")).to_owned()
    });
    stack
}

fn start() -> (String, Option<Child>) {
    let command = std::env::var("LAMBDESK_EMULATOR_UP").unwrap_or_else(|_| UP.to_owned());
    let mut words = command.split_whitespace();
    let mut child = Command::new(words.next().expect("the command names a program"))
        .args(words)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{command}` does not start: {error}"));
    let output = child.stdout.take().expect("the output is a pipe");
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("the emulator tells what it deployed");
    assert!(line.starts_with('{'), "`{command}` did not deploy the desk; it said: {line}");
    (line, Some(child))
}
