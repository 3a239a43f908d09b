//! SES: it puts a mail into the bucket, and its topic invokes the receiver of mails, in any order, and again when that
//! fails; what fails each time is put with the dead letters.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use store::dead_letters::Function;
use store::queue::{Outgoing, Queue as _, QueueError};

use super::Cloud;
use crate::fault::{Ended, invoke};
use crate::journey::SUPPORT;

/// As the template has it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long Lambda waits before each try.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_mins(1), Duration::from_mins(2)];
/// How often SNS delivers a message once more, of 1000 times.
const REPEATED: u64 = 20;

impl Cloud {
    /// SES receives a mail for the desk: whoever sent it is told that it arrived.
    pub async fn receive_mail(self: &Arc<Self>, from: &str, id: &str, mail: Bytes) {
        let key = format!("mail/{id}");
        self.put_object(&key, mail).await;
        let passed = json!({"status": "PASS"});
        let told = json!({
            "notificationType": "Received",
            "mail": {"messageId": id, "source": from},
            "receipt": {
                "recipients": [SUPPORT],
                "spfVerdict": passed, "dkimVerdict": passed, "dmarcVerdict": passed,
                "action": {"type": "S3", "objectKey": key},
            },
        });
        self.tell_of_mail(&told);
    }

    /// SES tells something of a mail by its topic.
    pub fn tell_of_mail(self: &Arc<Self>, told: &Value) {
        let record = json!({"EventSource": "aws:sns", "Sns": {"Message": told.to_string()}});
        let event = json!({ "Records": [record] });
        for _ in 0..=u64::from(self.chance.happens(REPEATED)) {
            self.invoke_email(event.clone());
        }
    }

    /// Invokes the receiver of mails, which takes some tries.
    fn invoke_email(self: &Arc<Self>, event: Value) {
        let cloud = Arc::clone(self);
        self.invocations.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            if !cloud.tried(&event).await {
                let body = json!({"version": "1.0", "requestPayload": event}).to_string();
                let letter = Outgoing { body, group: None, deduplication: None };
                // The engine itself does not fail.
                let _kept = cloud.email.dead_letters().send(vec![letter]).await;
            }
            cloud.invocations.fetch_sub(1, Ordering::SeqCst);
        });
    }

    async fn tried(&self, event: &Value) -> bool {
        for pause in TRIES {
            tokio::time::sleep(pause + Duration::from_millis(self.chance.between(5, 40))).await;
            if self.take_mail(event).await {
                return true;
            }
        }
        false
    }

    /// One try. Whether it succeeded.
    async fn take_mail(&self, event: &Value) -> bool {
        let kept = self.pools.post.take(&self.chance, || self.new_post());
        let name = format!("post/{}", kept.number);
        let message = event.pointer("/Records/0/Sns/Message").and_then(Value::as_str).unwrap_or_default();
        let taken = invoke(name.clone(), TIMEOUT, async {
            let taken = kept.function.take(message).await.is_ok();
            self.faults.is_noted("answer of the event").await && taken
        });
        match taken.await {
            Ended::Done(taken) => {
                self.pools.post.give_back(kept);
                taken
            }
            Ended::Broken => false,
            Ended::Panicked => {
                self.complain(format!("{name} panicked on {message}"));
                false
            }
        }
    }
}

/// The receiver of mails, as whoever sends dead letters again invokes it. The account has its machines, and not the
/// other way round.
pub(super) struct EmailFunction(pub(super) Weak<Cloud>);

#[async_trait]
impl Function for EmailFunction {
    async fn invoke(&self, event: String) -> Result<(), QueueError> {
        let event = serde_json::from_str(&event).map_err(|error| QueueError::Invalid(error.to_string()))?;
        let cloud = self.0.upgrade().ok_or(QueueError::Unavailable("the account is gone".to_owned()))?;
        let account = Arc::clone(&cloud);
        cloud.faults.invocation(move || account.invoke_email(event)).await
    }
}
