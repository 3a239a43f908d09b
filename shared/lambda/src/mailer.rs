//! Mail by SES: [`SendRawEmail`](https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use channels::platform::{Finding, Mailer, SendError, SendFailure};
use serde::Deserialize;
use store::environment::Environment;

use crate::client::{Client, ONCE};
use crate::signed::{self, Call};
use crate::{Error, sdk};

/// How long SES may take: mails are large, and it reads them.
const TIMEOUT: Duration = Duration::from_secs(50);
/// The media type of what SES's older API is asked.
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
/// How long to wait when SES says that it is too fast and not how long.
const THROTTLED: Duration = Duration::from_secs(2);

/// Hands mails to SES.
#[derive(Clone)]
pub struct SesMailer {
    client: Client,
    config: SdkConfig,
    environment: Arc<dyn Environment>,
    events: Option<String>,
}

impl SesMailer {
    /// A mailer; `events` is the configuration set whose events tell what became of mails.
    pub fn new(config: SdkConfig, environment: Arc<dyn Environment>, events: Option<String>) -> Self {
        Self { client: Client::new(ONCE), config, environment, events }
    }

    fn form(&self, from: &str, recipients: &[String], mail: &[u8]) -> Vec<u8> {
        let mut form = "Action=SendRawEmail&Version=2010-12-01".to_owned();
        let mut field = |name: &str, value: &str| {
            let _ = write!(form, "&{name}=");
            form.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        };
        field("Source", from);
        for (position, recipient) in recipients.iter().enumerate() {
            field(&format!("Destinations.member.{}", position + 1), recipient);
        }
        if let Some(events) = &self.events {
            field("ConfigurationSetName", events);
        }
        field("RawMessage.Data", &BASE64.encode(mail));
        form.into_bytes()
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(
        &self,
        from: &str,
        recipients: &[String],
        mail: Vec<u8>,
    ) -> Result<Option<String>, SendError> {
        let call = Call {
            service: "ses",
            host: "email",
            method: "POST",
            path: "/",
            headers: FORM,
            body: self.form(from, recipients, &mail),
            timeout: TIMEOUT,
        };
        let asked = signed::call(&self.client, &self.config, &*self.environment, call).await;
        let response =
            asked.map_err(|error| failed(SendFailure::Transient, "not_signed", error.to_string()))?;
        let response = response.map_err(|error| {
            let class = if error.is_connect() { SendFailure::Transient } else { SendFailure::Uncertain };
            failed(class, "ses_unreachable", error.without_url().to_string())
        })?;
        let status = response.status();
        // The answer is lost, and the mail may be on its way.
        let text = response
            .text()
            .await
            .map_err(|error| failed(SendFailure::Uncertain, "no_answer", error.without_url().to_string()))?;
        if !status.is_success() {
            return Err(refusal(status.as_u16(), &text));
        }
        let id = element(&text, "MessageId")
            .ok_or_else(|| failed(SendFailure::Uncertain, "no_message_id", "SES told no id".to_owned()))?;
        let region = self.config.region().map(AsRef::as_ref).unwrap_or_default();
        // SES tells what stands before the `@`.
        let id = id.split('@').next().unwrap_or_default();
        Ok(Some(format!("{id}@{}", host(region))))
    }

    async fn examine(&self, domain: &str) -> Vec<Finding> {
        vec![self.account().await, self.identity(domain).await, self.rules().await]
            .into_iter()
            .map(|found| {
                found.unwrap_or_else(|error| Finding {
                    ok: false,
                    what: "SES can be asked.".to_owned(),
                    advice: Some(error.to_string()),
                })
            })
            .collect()
    }
}

/// What SES says of the account:
/// [`GetAccount`](https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html).
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AccountStatus {
    production_access_enabled: bool,
    sending_enabled: bool,
}

/// What SES says of a domain:
/// [`GetEmailIdentity`](https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html).
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Identity {
    verified_for_sending_status: bool,
    dkim_attributes: DkimAttributes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DkimAttributes {
    tokens: Vec<String>,
}

impl SesMailer {
    async fn account(&self) -> Result<Finding, Error> {
        let account: AccountStatus = self.get("/v2/email/account").await?.error_for_status()?.json().await?;
        let advice = match (account.sending_enabled, account.production_access_enabled) {
            (false, _) => Some("AWS has stopped the account's mails; the console of SES says why."),
            (true, false) => Some(
                "The account is in SES's sandbox: mails reach verified addresses only, 200 a day. Ask for production \
                 access in the console of SES.",
            ),
            (true, true) => None,
        };
        Ok(Finding {
            ok: advice.is_none(),
            what: "SES sends to everybody.".to_owned(),
            advice: advice.map(str::to_owned),
        })
    }

    async fn identity(&self, domain: &str) -> Result<Finding, Error> {
        let response = self.get(&format!("/v2/email/identities/{domain}")).await?;
        let what = format!("SES may send for {domain}.");
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            let advice =
                format!("Deploy with the parameter MailDomain={domain}, or verify the domain in SES.");
            return Ok(Finding { ok: false, what, advice: Some(advice) });
        }
        let identity: Identity = response.error_for_status()?.json().await?;
        let record = |token: &String| format!("{token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com");
        let records: Vec<_> = identity.dkim_attributes.tokens.iter().map(record).collect();
        let ok = identity.verified_for_sending_status;
        let advice = (!ok).then(|| format!("Add these records: {}.", records.join("; ")));
        Ok(Finding { ok, what, advice })
    }

    async fn rules(&self) -> Result<Finding, Error> {
        let form = b"Action=DescribeActiveReceiptRuleSet&Version=2010-12-01".to_vec();
        let call = Call {
            service: "ses",
            host: "email",
            method: "POST",
            path: "/",
            headers: FORM,
            body: form,
            timeout: sdk::ATTEMPT_TIMEOUT,
        };
        let response = signed::call(&self.client, &self.config, &*self.environment, call).await??;
        let text = response.error_for_status()?.text().await?;
        let ok = element(&text, "Name").is_some();
        let advice =
            "Run the command that the stack shows as ActivateMail, unless another set is to stay active.";
        Ok(Finding {
            ok,
            what: "A rule set of SES takes mails.".to_owned(),
            advice: (!ok).then(|| advice.to_owned()),
        })
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, Error> {
        let call = Call {
            service: "ses",
            host: "email",
            method: "GET",
            path,
            headers: &[],
            body: Vec::new(),
            timeout: sdk::ATTEMPT_TIMEOUT,
        };
        Ok(signed::call(&self.client, &self.config, &*self.environment, call).await??)
    }
}

/// What follows from a refusal:
/// [common errors](https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html).
fn refusal(status: u16, text: &str) -> SendError {
    let code = element(text, "Code").unwrap_or_default();
    let detail = element(text, "Message").unwrap_or_else(|| format!("SES answered {status}"));
    let (class, reason) = match code.as_str() {
        "Throttling" | "ThrottlingException" | "LimitExceeded" | "LimitExceededException" => {
            // A quota of the day comes back tomorrow; a rate at once.
            let wait = if detail.contains("Daily") { Duration::from_secs(3600) } else { THROTTLED };
            (SendFailure::Throttled(wait), "throttled")
        }
        "MessageRejected" if detail.contains("not verified") => {
            (SendFailure::Unauthorized, "address_not_verified")
        }
        "MessageRejected" | "InvalidParameterValue" => (SendFailure::Rejected, "message_rejected"),
        "MailFromDomainNotVerifiedException" | "MailFromDomainNotVerified" => {
            (SendFailure::Unauthorized, "address_not_verified")
        }
        "ConfigurationSetDoesNotExist" => (SendFailure::Unauthorized, "configuration_set_missing"),
        "AccountSendingPausedException" | "ConfigurationSetSendingPausedException" => {
            (SendFailure::Unauthorized, "sending_paused")
        }
        "AccessDenied" | "SignatureDoesNotMatch" | "InvalidClientTokenId" => {
            (SendFailure::Unauthorized, "denied")
        }
        _ if status >= 500 => (SendFailure::Transient, "ses_unavailable"),
        _ => (SendFailure::Rejected, "refused"),
    };
    failed(class, reason, detail)
}

fn failed(class: SendFailure, reason: &'static str, detail: String) -> SendError {
    SendError { class, reason, detail }
}

/// The text of an element in SES's answers, which have no attributes and no two elements of these names.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// What follows the `@` in the Message-ID that SES gives a mail of a region.
pub(crate) fn host(region: &str) -> String {
    match region {
        "us-east-1" => "email.amazonses.com".to_owned(),
        region => format!("{region}.amazonses.com"),
    }
}

impl std::fmt::Debug for SesMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SesMailer").field("events", &self.events).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    fn answer(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    }

    #[test]
    fn refusals_take_their_paths() {
        let class = |status, code: &str, message: &str| refusal(status, &answer(code, message)).class;
        assert_eq!(
            class(400, "Throttling", "Maximum sending rate exceeded."),
            SendFailure::Throttled(THROTTLED)
        );
        assert_eq!(
            class(400, "Throttling", "Daily message quota exceeded."),
            SendFailure::Throttled(Duration::from_secs(3600))
        );
        assert_eq!(
            class(400, "MessageRejected", "Email address is not verified."),
            SendFailure::Unauthorized
        );
        assert_eq!(class(400, "MessageRejected", "Content looks bad."), SendFailure::Rejected);
        assert_eq!(class(503, "ServiceUnavailable", "Later."), SendFailure::Transient);
        assert_eq!(refusal(500, "no XML").class, SendFailure::Transient);
        assert_eq!(refusal(400, &answer("X", "a &lt;b&gt; &amp;amp; c")).detail, "a <b> &amp; c");
    }

    /// What answers are made of, in any order, and anything.
    fn damaged() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::sample::select(vec![
                "<Error>",
                "<Code>",
                "</Code>",
                "<Message>",
                "</Message>",
                "Throttling",
                "MessageRejected",
                "Daily",
                "not verified",
                "AccessDenied",
                "&lt;",
                "&amp;",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_refusal_of_ses_is_never_taken_for_more_than_it_says(status in 300u16..600, text in damaged()) {
            let error = refusal(status, &text);
            prop_assert!(error.class != SendFailure::Uncertain, "{error:?}");
            prop_assert!(!error.detail.contains("<Code>") || text.contains("<Message>"), "{error:?}");
            if !text.contains("</Code>") {
                let class = if status >= 500 { SendFailure::Transient } else { SendFailure::Rejected };
                prop_assert_eq!(error.class, class);
            }
        }
    }
}
