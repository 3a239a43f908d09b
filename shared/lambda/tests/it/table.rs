use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use lambda::DynamoTable;
use serde_json::json;
use store::table::{Condition, Item, Key, Page, Query, Table, TableError, VIEWS_PROJECTION, Write};

use crate::{emulator, fresh};

fn keys(hash: &str, range: &str) -> Vec<KeySchemaElement> {
    [(hash, KeyType::Hash), (range, KeyType::Range)]
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap())
        .into()
}

fn index(name: &str, projection: Projection) -> GlobalSecondaryIndex {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(keys(&format!("{name}_pk"), &format!("{name}_sk"))))
        .projection(projection)
        .build()
        .unwrap()
}

/// A table like the one in the template.
pub(crate) async fn create(config: &SdkConfig) -> DynamoTable {
    let name = fresh("table");
    let attributes = ["pk", "sk", "views_pk", "views_sk", "due_pk", "due_sk"].map(|name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    });
    let views = Projection::builder()
        .projection_type(ProjectionType::Include)
        .set_non_key_attributes(Some(VIEWS_PROJECTION.map(str::to_owned).into()));
    let due = Projection::builder().projection_type(ProjectionType::KeysOnly);
    let stream =
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
    let client = Client::new(config);
    client
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.into()))
        .set_key_schema(Some(keys("pk", "sk")))
        .global_secondary_indexes(index("views", views.build()))
        .global_secondary_indexes(index("due", due.build()))
        .stream_specification(stream.build().unwrap())
        .send()
        .await
        .unwrap();
    DynamoTable::new(client, name)
}

/// The emulator's table. Of a transaction it counts the request's JSON where DynamoDB counts the items, and so refuses
/// one that is just small enough.
struct Emulated(DynamoTable);

#[async_trait]
impl Table for Emulated {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.0.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.0.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        self.0.query(query).await
    }

    async fn write(&self, mut writes: Vec<Write>) -> Result<(), TableError> {
        match self.0.write(writes.clone()).await {
            Err(TableError::Invalid(text))
                if text.contains("ValidationException: Transaction request exceeds") =>
            {
                let rest = writes.split_off(writes.len() / 2);
                self.0.write(writes).await?;
                self.0.write(rest).await
            }
            answer => answer,
        }
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.0.increment(key).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_keeps_its_contract() {
    let Some(config) = emulator().await else { return };
    store::conformance::table(Arc::new(Emulated(create(&config).await)), "run-").await;
}

/// DynamoDB answers with at most 1 MB; a page goes on until it is full.
#[tokio::test]
async fn a_page_may_take_several_answers() {
    let Some(config) = emulator().await else { return };
    let table = create(&config).await;
    let text = "x".repeat(300_000);
    for n in 0..9 {
        let item = Item::new(Key::new("large", n.to_string()), &json!({"text": text})).unwrap();
        table.write(vec![Write::Put(item, Condition::Any)]).await.unwrap();
    }
    for (limit, found, more) in [(9, 9, false), (8, 8, true), (20, 9, false)] {
        let page = table.query(Query::partition("large").limit(limit)).await.unwrap();
        assert_eq!((page.items.len(), page.more), (found, more), "of {limit}");
    }
    let keys: Vec<Key> = (0..9).map(|n| Key::new("large", n.to_string())).collect();
    assert_eq!(table.get_many(&keys).await.unwrap().len(), 9);
    let twice = [keys.clone(), keys].concat();
    assert_eq!(table.get_many(&twice).await.unwrap().len(), 9);
}

#[tokio::test]
async fn a_missing_table_is_no_fault_of_the_request() {
    let Some(config) = emulator().await else { return };
    let table = DynamoTable::new(Client::new(&config), fresh("missing"));
    let answer = table.get(&Key::new("a", "b")).await;
    assert!(matches!(answer, Err(TableError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_counter_that_is_none_is_invalid() {
    let Some(config) = emulator().await else { return };
    let table = create(&config).await;
    let key = Key::new("counter", "@");
    let item = Item::new(key.clone(), &json!({"value": "many"})).unwrap();
    table.write(vec![Write::Put(item, Condition::Any)]).await.unwrap();
    assert!(matches!(table.increment(&key).await, Err(TableError::Invalid(_))));
}
