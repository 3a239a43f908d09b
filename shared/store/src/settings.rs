//! What the owner configures: one partition, read whole with one query and kept for a short while.

use std::sync::{Arc, PoisonError, RwLock};

use desk::calendar::{Calendar, Zone};
use desk::ids::{CalendarId, PolicyId, Ulid};
use desk::settings::{Agent, General, Settings, Team};
use desk::sla::Policy;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, Key, Query, TableError, Write};
use crate::tickets::Listed;

/// How long a process trusts the settings that it has read.
const TRUST: SignedDuration = SignedDuration::from_secs(20);
/// How long after a change some function may still go by the settings of before: one that trusts what it has read, and
/// takes its time over it.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(2);
/// How often the active tickets are gone through after a change.
const ROUNDS: u8 = 2;
/// The kind of due items that changed settings are, until all tickets have followed.
pub const DUE: &str = "settings";
/// The shard of that item; there is only one.
pub const DUE_SHARD: u8 = 0;
/// The partition of all settings that decisions read.
const PARTITION: &str = "desk";

/// The settings that a process has read.
#[derive(Debug, Default)]
pub struct SettingsCache {
    read: RwLock<Option<(Timestamp, Arc<Settings>)>>,
}

/// A kind of setting that there can be many of.
pub trait Setting: Serialize + DeserializeOwned + Send + Sync {
    /// The word for it in keys.
    const KIND: &'static str;

    /// The id of this one.
    fn id(&self) -> String;
}

macro_rules! setting {
    ($type:ty, $kind:literal, $id:expr) => {
        impl Setting for $type {
            const KIND: &'static str = $kind;

            fn id(&self) -> String {
                let id: fn(&Self) -> _ = $id;
                id(self).to_string()
            }
        }
    };
}

setting!(Policy, "sla_policy", |policy| policy.id);
setting!(Calendar, "calendar", |calendar| calendar.id());
setting!(Team, "team", |team| team.id);
setting!(Agent, "agent", |agent| agent.id);

/// A setting with the count of its writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versioned<T> {
    /// Counts the writes.
    pub version: u64,
    /// The setting.
    pub value: T,
}

/// The work of bringing all tickets in line with changed settings, as far as it has come.
///
/// The active tickets are gone through twice: soon after the change, and once no function goes by the settings of before
/// any more, for the tickets that one moved meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recomputation {
    /// Counts the writes, for as long as the desk stands.
    pub version: u64,
    /// How many rounds are left.
    pub rounds: u8,
    /// When to go on with the work.
    pub from: Timestamp,
    /// Where the list of active tickets is to be read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Desk {
    /// The settings, at most some seconds old.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn settings(&self) -> Result<Arc<Settings>, TableError> {
        let now = self.now();
        {
            let read = self.settings.read.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, settings)) = &*read
                && now.duration_since(*at).abs() < TRUST
            {
                return Ok(Arc::clone(settings));
            }
        }
        self.reload_settings().await
    }

    /// The settings as they now stand.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn reload_settings(&self) -> Result<Arc<Settings>, TableError> {
        let settings = Arc::new(self.read_settings().await?);
        let mut read = self.settings.read.write().unwrap_or_else(PoisonError::into_inner);
        *read = Some((self.now(), Arc::clone(&settings)));
        Ok(settings)
    }

    async fn read_settings(&self) -> Result<Settings, TableError> {
        let mut settings = Settings::default();
        let mut after = None;
        loop {
            let page =
                self.table.query(Query::partition(keys::setting_partition(PARTITION)).after(after)).await?;
            after = page.items.last().map(|last| last.key.sk.clone());
            for item in page.items {
                match item.key.sk.split_once('#').map(|(kind, _)| kind) {
                    Some(Policy::KIND) => settings.policies.push(item.read::<Versioned<_>>()?.value),
                    Some(Calendar::KIND) => settings.calendars.push(item.read::<Versioned<_>>()?.value),
                    Some(Team::KIND) => settings.teams.push(item.read::<Versioned<_>>()?.value),
                    Some(Agent::KIND) => settings.agents.push(item.read::<Versioned<_>>()?.value),
                    Some("general") => settings.general = item.read::<Versioned<_>>()?.value,
                    _ => {}
                }
            }
            if !page.more {
                break;
            }
        }
        settings.policies.sort_by_key(|policy| (policy.position, policy.id));
        Ok(settings)
    }

    /// One setting.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn setting<T: Setting>(&self, id: &str) -> Result<Option<Versioned<T>>, TableError> {
        self.table.get(&key(T::KIND, id)).await?.map(Item::read).transpose()
    }

    /// Settings of one kind, by their ids, beyond the id `after`.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn list_settings<T: Setting>(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Versioned<T>>, TableError> {
        let query = Query::partition(keys::setting_partition(PARTITION))
            .begins_with(&format!("{}#", T::KIND))
            .after(after.map(|id| key(T::KIND, id).sk))
            .limit(limit);
        let page = self.table.query(query).await?;
        let items = page.items.into_iter().map(Item::read).collect::<Result<Vec<Versioned<T>>, _>>()?;
        let next = items.last().filter(|_| page.more).map(|last| last.value.id());
        Ok(Listed { items, next })
    }

    /// Writes a setting that was read at the version before; a new one has version 1. `companions` go along.
    ///
    /// With `recompute`, all active tickets are brought in line soon after.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when somebody else wrote it, or the table is unavailable.
    pub async fn save_setting<T: Setting>(
        &self,
        setting: &Versioned<T>,
        recompute: bool,
        companions: Vec<Write>,
    ) -> Result<(), TableError> {
        let condition =
            if setting.version == 1 { Condition::Absent } else { Condition::Version(setting.version - 1) };
        let key = key(T::KIND, &setting.value.id());
        let mut writes = vec![Write::Put(Item::new(key, setting)?, condition)];
        writes.extend(companions);
        self.change_settings(writes, recompute).await
    }

    /// Removes a setting.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when somebody else wrote it, or the table is unavailable.
    pub async fn delete_setting<T: Setting>(
        &self,
        id: &str,
        version: u64,
        recompute: bool,
    ) -> Result<(), TableError> {
        let write = Write::Delete(key(T::KIND, id), Condition::Version(version));
        self.change_settings(vec![write], recompute).await
    }

    /// The settings of the whole desk.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn general(&self) -> Result<Versioned<General>, TableError> {
        let found = self.table.get(&key("general", "@")).await?;
        Ok(found.map(Item::read).transpose()?.unwrap_or(Versioned { version: 0, value: General::default() }))
    }

    /// Writes the settings of the whole desk, read at the version before.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when somebody else wrote them, or the table is unavailable.
    pub async fn save_general(&self, general: &Versioned<General>) -> Result<(), TableError> {
        let condition =
            if general.version == 1 { Condition::Absent } else { Condition::Version(general.version - 1) };
        self.change_settings(vec![Write::Put(Item::new(key("general", "@"), general)?, condition)], true)
            .await
    }

    /// Installs what a new desk starts with, unless it was installed before.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn install_defaults(&self, time_zone: Zone) -> Result<(), TableError> {
        if self.general().await?.version > 0 {
            return Ok(());
        }
        let hours = CalendarId::new(self.environment.ulid());
        let calendar = Calendar::default_hours(hours, time_zone);
        let ids = std::array::from_fn(|_| PolicyId::new(self.environment.ulid()));
        let policies = desk::sla::default_policies(ids, hours);
        let general = Versioned { version: 1, value: General::default() };
        let mut writes = vec![Write::Put(Item::new(key("general", "@"), &general)?, Condition::Absent)];
        writes.push(put_new(calendar)?);
        for policy in policies {
            writes.push(put_new(policy)?);
        }
        match self.table.write(writes).await {
            // Another process was faster.
            Err(TableError::ConditionFailed(_)) => Ok(()),
            done => done,
        }
    }

    async fn change_settings(&self, writes: Vec<Write>, recompute: bool) -> Result<(), TableError> {
        if recompute {
            self.write_and_recompute(writes).await?;
        } else {
            self.table.write(writes).await?;
        }
        self.reload_settings().await?;
        Ok(())
    }

    async fn write_and_recompute(&self, writes: Vec<Write>) -> Result<(), TableError> {
        for attempt in 1.. {
            let found = self.found_recomputation().await?;
            let version = found.map_or(1, |found| found.version + 1);
            let work = Recomputation { version, rounds: ROUNDS, from: self.now(), cursor: None };
            let writes: Vec<Write> = writes.iter().cloned().chain([put_recomputation(&work)?]).collect();
            let work_at = writes.len() - 1;
            match self.table.write(writes).await {
                // The clock has come further, or something else was changed.
                Err(TableError::ConditionFailed(at)) if at == [work_at] => {
                    self.yield_to_others(attempt).await?;
                }
                done => return done,
            }
        }
        Err(TableError::Conflict)
    }

    /// What is still to be done so that all tickets follow the latest change of settings; `None` when nothing is by now.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn recomputation(&self) -> Result<Option<Recomputation>, TableError> {
        let found = self.found_recomputation().await?;
        Ok(found.filter(|work| work.rounds > 0 && work.from <= self.now()))
    }

    async fn found_recomputation(&self) -> Result<Option<Recomputation>, TableError> {
        self.table.get(&recomputation_key()).await?.map(Item::read).transpose()
    }

    /// Notes how far the tickets have followed; without a cursor the round is over. Returns the work as it now stands.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when settings changed again meanwhile, or the table is unavailable.
    pub async fn save_recomputation(
        &self,
        done: Recomputation,
        cursor: Option<String>,
    ) -> Result<Recomputation, TableError> {
        let version = done.version + 1;
        let work = if cursor.is_some() {
            Recomputation { version, cursor, ..done }
        } else {
            let from = self.now().saturating_add(FORGOTTEN).unwrap_or(Timestamp::MAX);
            Recomputation { version, rounds: done.rounds.saturating_sub(1), from, cursor }
        };
        self.table.write(vec![put_recomputation(&work)?]).await?;
        Ok(work)
    }
}

fn put_recomputation(work: &Recomputation) -> Result<Write, TableError> {
    let key = recomputation_key();
    let mut item = Item::new(key.clone(), work)?;
    item.due = (work.rounds > 0).then(|| keys::due(DUE, Ulid::nil(), work.from, &key));
    let condition = if work.version == 1 { Condition::Absent } else { Condition::Version(work.version - 1) };
    Ok(Write::Put(item, condition))
}

fn put_new<T: Setting>(value: T) -> Result<Write, TableError> {
    let key = key(T::KIND, &value.id());
    Ok(Write::Put(Item::new(key, &Versioned { version: 1, value })?, Condition::Absent))
}

fn key(kind: &str, id: &str) -> Key {
    keys::setting(PARTITION, &format!("{kind}#{id}"))
}

fn recomputation_key() -> Key {
    keys::setting("recomputation", "@")
}
