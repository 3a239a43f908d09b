//! The table on DynamoDB.

mod attributes;
mod failure;
mod query;
mod write;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue};
use store::table::{Item, Key, Page, Query, Table, TableError, Write, limits};

pub(crate) use attributes::item;
use failure::{failure, invalid};

/// How often keys that DynamoDB left unprocessed are asked for again while nothing comes.
const BARREN_ROUNDS: u32 = 5;

/// A table on DynamoDB.
///
/// Keys `pk` and `sk`; indexes `views` (`views_pk`, `views_sk`) and `due` (`due_pk`, `due_sk`); expiry `expires_at`.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    name: String,
}

impl DynamoTable {
    /// The table called `name`. Connects to nothing yet.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    async fn get_some(
        &self,
        keys: KeysAndAttributes,
    ) -> Result<(Vec<Item>, Option<KeysAndAttributes>), TableError> {
        let output = self
            .client
            .batch_get_item()
            .request_items(&self.name, keys)
            .send()
            .await
            .map_err(|e| failure(&e))?;
        let found = output.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
        let items = found.into_iter().map(item).collect::<Result<_, _>>()?;
        Ok((items, output.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name))))
    }
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        limits::check_key(key)?;
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(attributes::key(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        output.item.map(item).transpose()
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        limits::check_keys(keys)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // DynamoDB refuses a key that is named twice.
        let distinct: HashSet<&Key> = keys.iter().collect();
        let batch = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(distinct.into_iter().map(attributes::key).collect()))
            .build()
            .map_err(invalid)?;
        let mut wanted = Some(batch);
        let mut items = Vec::new();
        let mut barren = 0;
        while let Some(keys) = wanted.take() {
            let (found, left) = self.get_some(keys).await?;
            // What exceeds 16 MB is left with progress made; what is throttled is left without.
            barren = if found.is_empty() { barren + 1 } else { 0 };
            items.extend(found);
            wanted = left.filter(|left| !left.keys.is_empty());
            if wanted.is_some() && barren > 0 {
                if barren == BARREN_ROUNDS {
                    return Err(TableError::Unavailable("keys are left unprocessed".to_owned()));
                }
                tokio::time::sleep(Duration::from_millis(25) * 2_u32.pow(barren)).await;
            }
        }
        Ok(items)
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        limits::check_query(&query)?;
        self.read_page(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        limits::check_writes(&writes)?;
        self.write_all(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        limits::check_key(key)?;
        let output = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(attributes::key(key)))
            .update_expression("ADD #value :one")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        let value = output.attributes.unwrap_or_else(HashMap::new).remove("value");
        match value {
            Some(AttributeValue::N(sum)) => sum.parse().map_err(invalid),
            _ => Err(TableError::Invalid(format!("the counter {} / {} is not a number", key.pk, key.sk))),
        }
    }
}
