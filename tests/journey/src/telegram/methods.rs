//! The methods of the Bot API that send nothing.

use serde_json::{Value, json};

use super::account::{Account, Webhook};
use super::answer::Refusal;
use super::parameters::Parameters;

/// Every kind of update that a bot may ask for, as of Bot API 10.
const UPDATE_KINDS: [&str; 24] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
];

/// The largest file that a bot can download, in bytes.
const MAX_DOWNLOAD: usize = 20 * 1024 * 1024;

impl Account {
    /// Does what a method asks. `getUpdates` is not here, because it waits.
    pub(crate) fn call(&mut self, method: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        match method {
            "getMe" => {
                parameters.only(&[])?;
                Ok(self.me())
            }
            "setWebhook" => self.set_webhook(parameters),
            "deleteWebhook" => {
                parameters.only(&["drop_pending_updates"])?;
                self.webhook = None;
                if parameters.text("drop_pending_updates").as_deref() == Some("true") {
                    self.pending.clear();
                }
                Ok(json!(true))
            }
            "getWebhookInfo" => {
                parameters.only(&[])?;
                Ok(self.webhook_info())
            }
            "getFile" => self.get_file(parameters),
            "answerCallbackQuery" => self.answer_callback(parameters),
            "sendChatAction" => {
                parameters.only(&["business_connection_id", "chat_id", "message_thread_id", "action"])?;
                parameters.required("action")?;
                let chat = parameters.integer("chat_id")?.ok_or_else(|| Refusal::bad("chat_id is empty"))?;
                self.writable(chat)?;
                Ok(json!(true))
            }
            "setMyCommands" | "setMyDescription" | "setMyShortDescription" => Ok(json!(true)),
            method if method.starts_with("send") => self.send(method, parameters),
            _ => Err(Refusal::not_found()),
        }
    }

    fn set_webhook(&mut self, parameters: &Parameters) -> Result<Value, Refusal> {
        parameters.only(&[
            "url",
            "certificate",
            "ip_address",
            "max_connections",
            "allowed_updates",
            "drop_pending_updates",
            "secret_token",
        ])?;
        let url = parameters.text("url").unwrap_or_default();
        if url.is_empty() {
            self.webhook = None;
            return Ok(json!(true));
        }
        // A self-hosted server takes plain HTTP, too.
        let parsed = url::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        if parsed.is_none_or(|url| url.host_str().is_none()) {
            return Err(Refusal::bad("bad webhook: invalid webhook URL specified"));
        }
        let secret_token = parameters.text("secret_token");
        if let Some(secret) = &secret_token {
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if secret.is_empty() || secret.len() > 256 || !secret.bytes().all(valid) {
                return Err(Refusal::bad("secret token contains unallowed characters"));
            }
        }
        let max_connections = parameters.integer("max_connections")?.unwrap_or(40);
        if !(1..=100).contains(&max_connections) {
            return Err(Refusal::bad("max_connections must be from 1 to 100"));
        }
        self.allow(parameters)?;
        self.webhook = Some(Webhook { url, secret_token, max_connections });
        Ok(json!(true))
    }

    /// Keeps which kinds of updates the bot asks for; without the parameter the last ones stand.
    pub(crate) fn allow(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let Some(kinds) = parameters.object("allowed_updates")? else { return Ok(()) };
        let kinds: Vec<String> = serde_json::from_value(kinds)
            .map_err(|_| Refusal::bad("allowed_updates must be an Array of String"))?;
        if let Some(unknown) = kinds.iter().find(|kind| !UPDATE_KINDS.contains(&kind.as_str())) {
            return Err(Refusal::bad(format_args!("there are no updates of kind `{unknown}`")));
        }
        self.allowed = Some(kinds);
        Ok(())
    }

    fn webhook_info(&self) -> Value {
        let mut info = json!({
            "url": self.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
            "has_custom_certificate": false,
            "pending_update_count": self.pending.len(),
        });
        if let Some(webhook) = &self.webhook {
            info["max_connections"] = json!(webhook.max_connections);
        }
        if let Some(allowed) = &self.allowed {
            info["allowed_updates"] = json!(allowed);
        }
        info
    }

    fn get_file(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        parameters.only(&["file_id"])?;
        let id = parameters.required("file_id")?;
        let file = self
            .files
            .get(&id)
            .ok_or_else(|| Refusal::bad("wrong file_id or the file is temporarily unavailable"))?;
        if file.bytes.len() > MAX_DOWNLOAD {
            return Err(Refusal::bad("file is too big"));
        }
        Ok(json!({
            "file_id": id,
            "file_unique_id": format!("u{id}"),
            "file_size": file.bytes.len(),
            "file_path": file.path,
        }))
    }

    fn answer_callback(&mut self, parameters: &Parameters) -> Result<Value, Refusal> {
        parameters.only(&["callback_query_id", "text", "show_alert", "url", "cache_time"])?;
        let id = parameters.required("callback_query_id")?;
        if parameters.text("text").is_some_and(|text| text.encode_utf16().count() > 200) {
            return Err(Refusal::bad("MESSAGE_TOO_LONG"));
        }
        match self.callbacks.get_mut(&id) {
            Some(answered) => {
                *answered = true;
                Ok(json!(true))
            }
            None => Err(Refusal::bad("query is too old and response timeout expired or query ID is invalid")),
        }
    }
}
