//! What invoking a function asks of Lambda. Listens itself in Lambda's place.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::Region;
use aws_credential_types::Credentials;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use lambda::InvokedFunction;
use store::dead_letters::Function as _;
use store::environment::System;

/// What was asked, and what is answered.
#[derive(Clone)]
struct Lambda {
    asked: Arc<Mutex<Vec<(String, HeaderMap, String)>>>,
    status: StatusCode,
}

async fn answer(
    State(lambda): State<Lambda>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let asked = (format!("{method} {uri}"), headers, body);
    lambda.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    lambda.status
}

/// The function `desk-email` of a Lambda that answers with a status.
async fn function(status: StatusCode) -> (InvokedFunction, Lambda) {
    let lambda = Lambda { asked: Arc::default(), status };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Router::new().fallback(answer).with_state(lambda.clone());
    tokio::spawn(async move { axum::serve(listener, server).await });
    let loader = lambda::sdk::loader().endpoint_url(url).region(Region::new("us-east-1"));
    let credentials = Credentials::new("test", "test", None, None, "the tests");
    let config = loader.credentials_provider(credentials).load().await;
    (InvokedFunction::new(&config, Arc::new(System::new()), "desk-email".to_owned()), lambda)
}

#[tokio::test]
async fn an_event_is_handed_over_signed_and_not_waited_for() {
    let (function, lambda) = function(StatusCode::ACCEPTED).await;
    function.invoke(r#"{"Records":[]}"#.to_owned()).await.unwrap();
    let asked = lambda.asked.lock().unwrap();
    let [(line, headers, body)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(line, "POST /2015-03-31/functions/desk-email/invocations");
    assert_eq!(headers.get("x-amz-invocation-type").unwrap(), "Event");
    let signed = headers.get("authorization").unwrap().to_str().unwrap();
    assert!(signed.contains("SignedHeaders=host;x-amz-date;x-amz-invocation-type"), "{signed}");
    assert_eq!(body, r#"{"Records":[]}"#);
}

#[tokio::test]
async fn what_lambda_does_not_take_is_not_taken() {
    for status in [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR] {
        let (function, _) = function(status).await;
        assert!(function.invoke("{}".to_owned()).await.unwrap_err().is_transient(), "{status}");
    }
}
