//! Reading neighbouring items.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use store::table::{Index, Item, Page, Query, TableError};

use super::DynamoTable;
use super::attributes::{Attributes, item};
use super::failure::failure;

impl DynamoTable {
    /// Reads until one item more than asked for is there or the partition ends, so that `more` is exact.
    pub(super) async fn read_page(&self, query: Query) -> Result<Page, TableError> {
        let Some(bounds) = Bounds::of(&query) else {
            return Ok(Page { items: Vec::new(), more: false });
        };
        let request = self.request(&query, bounds);
        let wanted = query.limit.saturating_add(1);
        let mut items: Vec<Item> = Vec::new();
        let mut start: Option<Attributes> = None;
        loop {
            // One more again, because the item at `after` itself may come along.
            let limit = (wanted - items.len()).saturating_add(1);
            let output = request
                .clone()
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failure(&error))?;
            for found in output.items.unwrap_or_default() {
                let found = item(found)?;
                if query.after.is_none() || sort_key(&found, query.index) != query.after.as_deref() {
                    items.push(found);
                }
            }
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if items.len() >= wanted || start.is_none() {
                break;
            }
        }
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        Ok(Page { items, more })
    }

    fn request(&self, query: &Query, bounds: Bounds<'_>) -> QueryFluentBuilder {
        let (index, pk, sk) = match query.index {
            Index::Primary => (None, "pk", "sk"),
            Index::Views => (Some("views"), "views_pk", "views_sk"),
            Index::Due => (Some("due"), "due_pk", "due_sk"),
        };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(index.map(str::to_owned))
            .scan_index_forward(!query.descending)
            .consistent_read(query.index == Index::Primary)
            .expression_attribute_names("#pk", pk)
            .expression_attribute_values(":pk", text(&query.partition));
        match (bounds.lowest, bounds.highest) {
            (None, None) => request.key_condition_expression("#pk = :pk"),
            (Some(lowest), None) => request
                .key_condition_expression("#pk = :pk AND #sk >= :lowest")
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":lowest", text(lowest)),
            (None, Some(highest)) => request
                .key_condition_expression("#pk = :pk AND #sk <= :highest")
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":highest", text(highest)),
            (Some(lowest), Some(highest)) => request
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :lowest AND :highest")
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":lowest", text(lowest))
                .expression_attribute_values(":highest", text(highest)),
        }
    }
}

/// The sort keys to read between, both inclusive.
#[derive(Debug, PartialEq, Eq)]
struct Bounds<'a> {
    lowest: Option<&'a str>,
    highest: Option<&'a str>,
}

impl<'a> Bounds<'a> {
    /// `None` when no key is between them; DynamoDB refuses such a question, and an empty key in it.
    fn of(query: &'a Query) -> Option<Self> {
        let after = query.after.as_deref();
        let (mut lowest, mut highest) = (query.from.as_deref(), query.to.as_deref());
        if query.descending {
            highest = highest.into_iter().chain(after).min();
        } else {
            lowest = lowest.into_iter().chain(after).max();
        }
        lowest = lowest.filter(|lowest| !lowest.is_empty());
        if highest == Some("") || lowest.zip(highest).is_some_and(|(lowest, highest)| lowest > highest) {
            return None;
        }
        Some(Self { lowest, highest })
    }
}

fn sort_key(item: &Item, index: Index) -> Option<&str> {
    let key = match index {
        Index::Primary => Some(&item.key),
        Index::Views => item.views.as_ref(),
        Index::Due => item.due.as_ref(),
    };
    key.map(|key| key.sk.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(query: &Query) -> Option<(Option<&str>, Option<&str>)> {
        Bounds::of(query).map(|bounds| (bounds.lowest, bounds.highest))
    }

    #[test]
    fn the_page_before_narrows_the_bounds() {
        let query = Query { from: Some("b".into()), to: Some("y".into()), ..Query::partition("p") };
        assert_eq!(bounds(&query), Some((Some("b"), Some("y"))));
        assert_eq!(bounds(&query.clone().after(Some("m".into()))), Some((Some("m"), Some("y"))));
        assert_eq!(bounds(&query.clone().after(Some("a".into()))), Some((Some("b"), Some("y"))));
        assert_eq!(bounds(&query.clone().after(Some("z".into()))), None);
        let down = query.descending();
        assert_eq!(bounds(&down.clone().after(Some("m".into()))), Some((Some("b"), Some("m"))));
        assert_eq!(bounds(&down.clone().after(Some("z".into()))), Some((Some("b"), Some("y"))));
        assert_eq!(bounds(&down.after(Some("a".into()))), None);
    }

    #[test]
    fn empty_bounds_are_none() {
        assert_eq!(bounds(&Query { from: Some(String::new()), ..Query::partition("p") }), Some((None, None)));
        assert_eq!(bounds(&Query::partition("p").to("")), None);
    }
}
