//! The settings of a connection in the making: what the caller says, checked against what the channel takes.

use std::collections::BTreeMap;

use channels::directory::place;
use channels::platform::{Setting, SettingKind};
use channels::{Connection, Platform};
use desk::ids::{ConnectionId, TeamId};
use serde_json::{Map, Value};
use store::connections::StoredConnection;
use store::seal::{Sealed, Secret};

use crate::Shared;
use crate::problem::{Invalid, Problem};

/// The setting of a chat that names a connection for mails.
const EMAIL_CONNECTION: &str = "email_connection";
/// The most seconds that a setting takes: a day.
const MAX_SECONDS: u64 = 24 * 60 * 60;
/// The longest value, in bytes.
const MAX_VALUE: usize = 8 * 1024;

/// Settings that every channel has.
const COMMON: [Setting; 3] = [
    Setting {
        name: "api_url",
        about: "The base URL of the platform's API, where it is not the platform's own.",
        kind: SettingKind::Url,
        required: false,
    },
    Setting {
        name: "team",
        about: "The team that new tickets go to.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "sender_name",
        about: "Who customers see as the sender: `brand`, `team` or `agent`.",
        kind: SettingKind::Text,
        required: false,
    },
];

/// The settings of a connection in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Settings that are no secrets.
    pub(super) settings: Map<String, Value>,
    /// Settings that are secrets.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// The names of secrets that were made up just now.
    made_up: Vec<&'static str>,
}

impl Draft {
    /// The settings of a connection as it stands. A secret that does not open is left out: the caller must give it
    /// anew.
    pub(super) fn of(api: &Shared, stored: &StoredConnection) -> Self {
        let secrets = stored.secrets.iter().filter_map(|(name, sealed)| {
            Some((name.clone(), api.key.open(&place(stored.id, name), sealed).ok()?))
        });
        Self { settings: stored.settings.clone(), secrets: secrets.collect(), made_up: Vec::new() }
    }

    /// The connection, ready to be used.
    pub(super) fn open(self, stored: &StoredConnection) -> Connection {
        Connection {
            id: stored.id,
            channel: stored.channel.clone(),
            name: stored.name.clone(),
            settings: self.settings,
            secrets: self.secrets,
        }
    }

    /// Takes over what the caller says; `null` removes. Secrets that are ours to choose are made up where absent.
    pub(super) async fn merge(
        mut self,
        api: &Shared,
        platform: &dyn Platform,
        given: Map<String, Value>,
    ) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut code = "invalid_settings";
        for (name, value) in given {
            let known = platform.settings().iter().chain(&COMMON).find(|setting| setting.name == name);
            let told = match known {
                None => {
                    code = "unknown_setting";
                    Err(format!("there is no setting `{name}`; there are {}", names(platform)))
                }
                Some(setting) => self.set(api, setting, value).await?,
            };
            if let Err(detail) = told {
                let pointer = format!("/settings/{}", name.replace('~', "~0").replace('/', "~1"));
                wrong.push(Invalid { pointer, detail });
            }
        }
        for setting in platform.settings() {
            let there = self.settings.contains_key(setting.name) || self.secrets.contains_key(setting.name);
            if there || wrong.iter().any(|wrong| wrong.pointer.ends_with(&format!("/{}", setting.name))) {
                continue;
            }
            if setting.kind == SettingKind::OwnSecret {
                let secret = Secret::new(api.desk.environment().secret());
                self.secrets.insert(setting.name.to_owned(), secret);
                self.made_up.push(setting.name);
            } else if setting.required {
                let pointer = format!("/settings/{}", setting.name);
                wrong.push(Invalid { pointer, detail: format!("is needed: {}", setting.about) });
            }
        }
        if wrong.is_empty() { Ok(self) } else { Err(Problem::invalid_many(code, wrong)) }
    }

    /// Sets one. The inner error is what to tell the caller about the value.
    async fn set(
        &mut self,
        api: &Shared,
        setting: &Setting,
        value: Value,
    ) -> Result<Result<(), String>, Problem> {
        if value.is_null() {
            self.settings.shift_remove(setting.name);
            self.secrets.remove(setting.name);
            return Ok(Ok(()));
        }
        if let Err(detail) = check(setting, &value) {
            return Ok(Err(detail));
        }
        if setting.name == "team" && !is_team(api, &value).await? {
            return Ok(Err("there is no such team".to_owned()));
        }
        if setting.name == EMAIL_CONNECTION && !is_email(api, &value).await? {
            return Ok(Err("there is no such e-mail connection".to_owned()));
        }
        match (setting.kind, value) {
            (SettingKind::Secret | SettingKind::OwnSecret, Value::String(secret)) => {
                self.secrets.insert(setting.name.to_owned(), Secret::new(secret));
            }
            (SettingKind::SecretList, value) => {
                self.secrets.insert(setting.name.to_owned(), Secret::new(value.to_string()));
            }
            (_, value) => {
                self.settings.insert(setting.name.to_owned(), value);
            }
        }
        Ok(Ok(()))
    }

    /// The secrets that were made up, for the one answer that tells them.
    pub(super) fn made_up_secrets(&self) -> Map<String, Value> {
        let told = self.made_up.iter().filter_map(|name| {
            let secret = self.secrets.get(*name)?;
            Some(((*name).to_owned(), Value::from(secret.expose())))
        });
        told.collect()
    }
}

/// Seals secrets for their places.
pub(super) fn seal(
    api: &Shared,
    id: ConnectionId,
    secrets: &BTreeMap<String, Secret>,
) -> BTreeMap<String, Sealed> {
    let seal = |(name, secret): (&String, &Secret)| {
        (name.clone(), api.key.seal(api.desk.environment(), &place(id, name), secret))
    };
    secrets.iter().map(seal).collect()
}

/// Whether a value is of the kind that a setting takes. The text never repeats the value, which may be a secret.
fn check(setting: &Setting, value: &Value) -> Result<(), String> {
    let text = value.as_str();
    let fits = match setting.kind {
        SettingKind::Flag => value.is_boolean(),
        SettingKind::Seconds => value.as_u64().is_some_and(|seconds| seconds <= MAX_SECONDS),
        SettingKind::Text => text.is_some_and(|text| text.len() <= MAX_VALUE),
        SettingKind::Secret | SettingKind::OwnSecret => {
            text.is_some_and(|text| (1..=MAX_VALUE).contains(&text.len()))
        }
        SettingKind::Url => text.is_some_and(is_base_url),
        SettingKind::List => is_list(value, Value::is_string),
        SettingKind::SecretList => is_list(value, Value::is_object),
    };
    let fits = fits && (setting.name != "sender_name" || matches!(text, Some("brand" | "team" | "agent")));
    if fits {
        return Ok(());
    }
    let wanted = match setting.kind {
        SettingKind::Flag => "true or false",
        SettingKind::Seconds => "a whole number of seconds from 0 to 86400",
        SettingKind::Text if setting.name == "sender_name" => "`brand`, `team` or `agent`",
        SettingKind::Text => "a text of at most 8 KB",
        SettingKind::Secret | SettingKind::OwnSecret => "a text of 1 byte to 8 KB",
        SettingKind::Url => "a base URL with https or http, without user, query or fragment",
        SettingKind::List => "a list of texts, of at most 8 KB in all",
        SettingKind::SecretList => "a list of objects, of at most 8 KB in all",
    };
    Err(format!("must be {wanted}"))
}

fn is_list(value: &Value, entry: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(entry)) && value.to_string().len() <= MAX_VALUE
}

fn is_base_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

async fn is_team(api: &Shared, value: &Value) -> Result<bool, Problem> {
    let Some(id) = value.as_str().and_then(|text| text.parse::<TeamId>().ok()) else { return Ok(false) };
    Ok(api.desk.setting::<desk::settings::Team>(&id.to_string()).await?.is_some())
}

async fn is_email(api: &Shared, value: &Value) -> Result<bool, Problem> {
    let Some(id) = value.as_str().and_then(|text| text.parse::<ConnectionId>().ok()) else {
        return Ok(false);
    };
    let known = api.desk.connection_by_id(id).await?;
    Ok(known.is_some_and(|known| known.channel.as_str() == "email"))
}

/// The names of all settings of a channel, for people.
fn names(platform: &dyn Platform) -> String {
    let names: Vec<_> = platform.settings().iter().chain(&COMMON).map(|setting| setting.name).collect();
    names.join(", ")
}
