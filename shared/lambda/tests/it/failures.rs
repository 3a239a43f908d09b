//! What the SDK does when a request has no answer. Listens itself in DynamoDB's place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_config::Region;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, SdkError};
use aws_sdk_dynamodb::operation::list_tables::ListTablesError;
use lambda::sdk::ATTEMPTS;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// Counts the attempts of a request.
#[derive(Debug, Clone, Default)]
struct Attempts(Arc<AtomicU32>);

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "attempts"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Asks a server once, and tells what came of it after how many attempts. The SDK is set up as ever, but for its patience.
async fn ask(server: SocketAddr) -> (Result<(), SdkError<ListTablesError, HttpResponse>>, u32) {
    let config = lambda::sdk::loader()
        .endpoint_url(format!("http://{server}"))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "the tests"))
        .load()
        .await;
    let retries = config.retry_config().unwrap().clone().with_initial_backoff(Duration::from_millis(1));
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(200)).build();
    let attempts = Attempts::default();
    let config = Builder::from(&config)
        .retry_config(retries)
        .timeout_config(timeouts)
        .interceptor(attempts.clone())
        .build();
    let answer = Client::from_conf(config).list_tables().send().await;
    (answer.map(|_| ()), attempts.0.load(Ordering::Relaxed))
}

/// Answers one request per connection with the next of what is said, and closes it.
async fn saying(said: &[&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let said = said.to_vec();
    tokio::spawn(async move {
        for text in said {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                connection.read_buf(&mut request).await.unwrap();
            }
            connection.write_all(text.as_bytes()).await.unwrap();
        }
    });
    server
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (answer, attempts) = ask(server).await;
    let Err(SdkError::DispatchFailure(failure)) = answer else { panic!("{answer:?}") };
    assert!(failure.is_io(), "{failure:?}");
    assert_eq!(attempts, ATTEMPTS);
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_again() {
    for broken in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"] {
        let (answer, attempts) = ask(saying(&[broken, broken, ANSWER]).await).await;
        assert!(answer.is_ok(), "{broken:?}: {answer:?}");
        assert_eq!(attempts, ATTEMPTS, "{broken:?}");
    }
    let (answer, attempts) = ask(saying(&["", "", "", ANSWER]).await).await;
    assert!(matches!(answer, Err(SdkError::DispatchFailure(_))), "{answer:?}");
    assert_eq!(attempts, ATTEMPTS);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_final() {
    let (answer, attempts) = ask(saying(&["220 mail.example ESMTP\r\n", ANSWER]).await).await;
    let Err(SdkError::DispatchFailure(failure)) = answer else { panic!("{answer:?}") };
    assert!(failure.is_other(), "{failure:?}");
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (answer, attempts) = ask(silent.local_addr().unwrap()).await;
    assert!(matches!(answer, Err(SdkError::TimeoutError(_))), "{answer:?}");
    assert_eq!(attempts, ATTEMPTS);
}
