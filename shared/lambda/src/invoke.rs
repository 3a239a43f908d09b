//! Invoking a function without waiting for what becomes of it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use store::dead_letters::Function;
use store::environment::Environment;
use store::queue::QueueError;

use crate::client::{Client, ONCE};
use crate::signed::{self, Call};
use crate::{Error, sdk};

/// A function, which takes events by [Lambda's own queue](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
pub struct InvokedFunction {
    client: Client,
    config: SdkConfig,
    environment: Arc<dyn Environment>,
    name: String,
}

impl InvokedFunction {
    /// The function with this name.
    pub fn new(config: &SdkConfig, environment: Arc<dyn Environment>, name: String) -> Self {
        Self { client: Client::new(ONCE), config: config.clone(), environment, name }
    }

    async fn hand_over(&self, event: String) -> Result<(), Error> {
        let call = Call {
            service: "lambda",
            host: "lambda",
            method: "POST",
            path: &format!("/2015-03-31/functions/{}/invocations", self.name),
            headers: &[("x-amz-invocation-type", "Event")],
            body: event.into_bytes(),
            timeout: sdk::ATTEMPT_TIMEOUT,
        };
        signed::call(&self.client, &self.config, &*self.environment, call).await??.error_for_status()?;
        Ok(())
    }
}

#[async_trait]
impl Function for InvokedFunction {
    async fn invoke(&self, event: String) -> Result<(), QueueError> {
        self.hand_over(event).await.map_err(|error| QueueError::Unavailable(sdk::causes(&*error)))
    }
}

impl std::fmt::Debug for InvokedFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvokedFunction").field("name", &self.name).finish_non_exhaustive()
    }
}
