//! DynamoDB's errors as the contract's.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use store::table::TableError;

use crate::sdk::explain;

/// What a failed request means.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> TableError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (code, text) = explain(error);
    match code.as_deref() {
        Some("TransactionConflictException" | "TransactionInProgressException") => TableError::Conflict,
        Some(
            "ValidationException"
            | "ItemCollectionSizeLimitExceededException"
            | "IdempotentParameterMismatchException",
        ) => TableError::Invalid(text),
        // Also what an operator can mend, such as a missing table or permission: nothing is lost by trying later.
        _ => TableError::Unavailable(text),
    }
}

/// What a failed transaction means.
pub(super) fn transaction_failure(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> TableError {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancellation(cancelled.cancellation_reasons())
        }
        _ => failure(error),
    }
}

/// Whether a transaction was cancelled for nothing but that there was too much to do: certainly not written, and worth
/// another try at once.
pub(super) fn was_throttled(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            is_throttling(cancelled.cancellation_reasons())
        }
        _ => false,
    }
}

fn is_throttling(reasons: &[CancellationReason]) -> bool {
    let mut codes =
        reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").peekable();
    codes.peek().is_some()
        && codes.all(|code| matches!(code, "ThrottlingError" | "ProvisionedThroughputExceeded"))
}

/// What can never succeed comes first, then the conditions, which say more than a conflict.
fn cancellation(reasons: &[CancellationReason]) -> TableError {
    let mut failed = Vec::new();
    let mut conflict = false;
    let mut other = Vec::new();
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => failed.push(position),
            "TransactionConflict" => conflict = true,
            code @ ("ValidationError" | "ItemCollectionSizeLimitExceeded") => {
                let message = reason.message().unwrap_or_default();
                return TableError::Invalid(format!("write {position}: {code}: {message}"));
            }
            code => other.push(format!("write {position}: {code}")),
        }
    }
    if !failed.is_empty() {
        TableError::ConditionFailed(failed)
    } else if conflict {
        TableError::Conflict
    } else {
        TableError::Unavailable(format!("the transaction was cancelled: {}", other.join(", ")))
    }
}

/// A request that could not even be made.
pub(super) fn invalid(error: impl Error) -> TableError {
    TableError::Invalid(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(codes: &[&str]) -> TableError {
        let reasons: Vec<_> =
            codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        cancellation(&reasons)
    }

    #[test]
    fn a_cancellation_tells_why() {
        assert_eq!(
            meaning(&["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]),
            TableError::ConditionFailed(vec![0, 2])
        );
        assert_eq!(meaning(&["None", "TransactionConflict"]), TableError::Conflict);
        assert_eq!(
            meaning(&["TransactionConflict", "ConditionalCheckFailed"]),
            TableError::ConditionFailed(vec![1])
        );
        assert!(matches!(meaning(&["ConditionalCheckFailed", "ValidationError"]), TableError::Invalid(_)));
        for code in ["ThrottlingError", "ProvisionedThroughputExceeded", "AccessDenied", "SomethingNew"] {
            assert!(matches!(meaning(&["None", code]), TableError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn what_was_only_too_much_is_tried_again() {
        let again = |codes: &[&str]| {
            let reasons: Vec<_> =
                codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
            is_throttling(&reasons)
        };
        assert!(again(&["None", "ThrottlingError"]));
        assert!(again(&["ProvisionedThroughputExceeded", "ThrottlingError"]));
        assert!(!again(&["ThrottlingError", "ConditionalCheckFailed"]));
        assert!(!again(&["TransactionConflict"]) && !again(&["None"]) && !again(&[]));
    }
}
