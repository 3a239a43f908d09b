//! Writing.
//!
//! Everything conditional is a transaction, a single write, too, although `PutItem` would cost half. The SDK repeats a
//! request whose answer it did not see. When the first attempt had written, a repeated conditional `PutItem` finds its
//! own item and reports that the condition failed: a sender would believe that another one claimed the reply. A
//! transaction carries a token, which the SDK makes once per call and keeps over its attempts, and DynamoDB answers
//! the repetition like the original for ten minutes. Unconditional writes repeat harmlessly and stay cheap.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use store::table::{Condition, TableError, Write};

use super::DynamoTable;
use super::attributes::{Attributes, attributes, key};
use super::failure::{failure, invalid, transaction_failure, was_throttled};

/// How long to rest before a transaction is tried again that DynamoDB cancelled because there was too much to do. The SDK
/// repeats refused requests, but not these; whoever waits in a queue would wait for minutes.
const RESTS: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

impl DynamoTable {
    /// Writes all or nothing. Expects that the writes keep the limits.
    pub(super) async fn write_all(&self, mut writes: Vec<Write>) -> Result<(), TableError> {
        if let [Write::Put(_, Condition::Any) | Write::Delete(_, Condition::Any)] = writes.as_slice()
            && let Some(write) = writes.pop()
        {
            return self.write_one(write).await;
        }
        let items =
            writes.into_iter().map(|write| self.transact_item(write)).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        let mut rests = RESTS.iter();
        loop {
            match (request.clone().send().await, rests.next()) {
                (Ok(_), _) => return Ok(()),
                (Err(error), Some(rest)) if was_throttled(&error) => tokio::time::sleep(*rest).await,
                (Err(error), _) => return Err(transaction_failure(&error)),
            }
        }
    }

    async fn write_one(&self, write: Write) -> Result<(), TableError> {
        match write {
            Write::Put(item, _) => {
                let put = self.client.put_item().table_name(&self.name).set_item(Some(attributes(item)?));
                put.send().await.map_err(|error| failure(&error))?;
            }
            Write::Delete(at, _) => {
                let delete = self.client.delete_item().table_name(&self.name).set_key(Some(key(&at)));
                delete.send().await.map_err(|error| failure(&error))?;
            }
        }
        Ok(())
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, TableError> {
        let item = TransactWriteItem::builder();
        let item = match write {
            Write::Put(put, condition) => {
                let Expression { text, names, values } = Expression::of(condition);
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(attributes(put)?))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.put(put.build().map_err(invalid)?)
            }
            Write::Delete(at, condition) => {
                let Expression { text, names, values } = Expression::of(condition);
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key(&at)))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.delete(delete.build().map_err(invalid)?)
            }
        };
        Ok(item.build())
    }
}

/// A condition in DynamoDB's language.
#[derive(Default)]
struct Expression {
    text: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Attributes>,
}

impl Expression {
    fn of(condition: Condition) -> Self {
        match condition {
            Condition::Any => Self::default(),
            Condition::Absent => {
                Self { text: Some("attribute_not_exists(pk)".to_owned()), ..Self::default() }
            }
            Condition::Version(version) => Self {
                text: Some("#version = :version".to_owned()),
                names: Some(HashMap::from([("#version".to_owned(), "version".to_owned())])),
                values: Some(HashMap::from([(
                    ":version".to_owned(),
                    AttributeValue::N(version.to_string()),
                )])),
            },
        }
    }
}
