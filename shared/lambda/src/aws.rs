//! The ports on AWS, as the template's environment variables name them.

use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use store::blobs::Blobs;
use store::environment::{Environment, System};
use store::seal::SealingKey;
use store::table::Table;

use crate::{
    AccountError, DynamoTable, Error, GatewayLive, InvokedFunction, KeyError, SesMailer, SqsQueue, sdk,
};

/// A variable that the template should have set for this function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct VariableMissing(pub &'static str);

/// A queue of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// Channel input, FIFO by conversation.
    Inbound,
    /// Threads that have something to send, FIFO by conversation.
    Outbound,
    /// Everything that takes its time.
    Work,
    /// What the router could not process.
    InboundDeadLetters,
    /// What the sender could not process.
    OutboundDeadLetters,
    /// What the worker could not process.
    WorkDeadLetters,
    /// What the relay could not hand on.
    RelayDeadLetters,
    /// What the receiver of mails could not take in.
    EmailDeadLetters,
}

impl QueueName {
    const fn variable(self) -> &'static str {
        match self {
            Self::Inbound => "INBOUND_QUEUE_URL",
            Self::Outbound => "OUTBOUND_QUEUE_URL",
            Self::Work => "WORK_QUEUE_URL",
            Self::InboundDeadLetters => "INBOUND_DEAD_LETTERS_URL",
            Self::OutboundDeadLetters => "OUTBOUND_DEAD_LETTERS_URL",
            Self::WorkDeadLetters => "WORK_DEAD_LETTERS_URL",
            Self::RelayDeadLetters => "RELAY_DEAD_LETTERS_URL",
            Self::EmailDeadLetters => "EMAIL_DEAD_LETTERS_URL",
        }
    }
}

/// The installation on AWS, as far as this function may see it.
///
/// A variable is read when the port is asked for, so that a function needs only the variables of its own ports.
#[derive(Clone)]
pub struct Aws {
    config: SdkConfig,
    environment: Arc<dyn Environment>,
    /// One client for all tables, made with the first: it holds nothing of a table, and takes its time.
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    /// One client for all queues.
    sqs: OnceLock<aws_sdk_sqs::Client>,
}

impl Aws {
    /// Reads region and credentials. Connects to nothing yet.
    pub async fn from_env() -> Self {
        let (config, environment) = (sdk::loader().load().await, Arc::new(System::new()));
        Self { config, environment, dynamodb: OnceLock::new(), sqs: OnceLock::new() }
    }

    /// The machine's clock and random source.
    pub fn environment(&self) -> Arc<dyn Environment> {
        Arc::clone(&self.environment)
    }

    /// The main table.
    ///
    /// # Errors
    /// Without `TABLE_NAME`.
    pub fn table(&self) -> Result<DynamoTable, VariableMissing> {
        self.table_called("TABLE_NAME")
    }

    /// The table of what can be rebuilt or forgotten.
    ///
    /// # Errors
    /// Without `INDEX_TABLE_NAME`.
    pub fn index_table(&self) -> Result<DynamoTable, VariableMissing> {
        self.table_called("INDEX_TABLE_NAME")
    }

    fn table_called(&self, variable: &'static str) -> Result<DynamoTable, VariableMissing> {
        let name = required(variable)?;
        let client = self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config));
        Ok(DynamoTable::new(client.clone(), name))
    }

    /// A queue.
    ///
    /// # Errors
    /// Without its variable.
    pub fn queue(&self, name: QueueName) -> Result<SqsQueue, VariableMissing> {
        let url = required(name.variable())?;
        let client = self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.config));
        Ok(SqsQueue::new(client.clone(), url))
    }

    /// The object store.
    ///
    /// # Errors
    /// Without `BUCKET_NAME`, or when the SDK found no region or no credentials.
    pub fn blobs(&self) -> Result<Blobs, Error> {
        Ok(crate::blobs(&self.config, &required("BUCKET_NAME")?, self.environment())?)
    }

    /// The installation's key, made if this is the first use.
    ///
    /// # Errors
    /// Without `KEY_PARAMETER`, when SSM is unavailable, or when the parameter holds something else.
    pub async fn sealing_key(&self) -> Result<SealingKey, Error> {
        let parameter = required("KEY_PARAMETER")?;
        let key: Result<_, KeyError> = crate::sealing_key(&self.config, &parameter, &*self.environment).await;
        Ok(key?)
    }

    /// How many executions the account may run at once; `None` where Lambda does not say.
    ///
    /// # Errors
    /// When Lambda is unavailable or refuses.
    pub async fn account_limit(&self) -> Result<Option<u32>, AccountError> {
        crate::account_limit(&self.config, &*self.environment).await
    }

    /// The function that receives mails, for whoever sends its dead letters again.
    ///
    /// # Errors
    /// Without `EMAIL_FUNCTION`.
    pub fn email_function(&self) -> Result<InvokedFunction, VariableMissing> {
        Ok(InvokedFunction::new(&self.config, self.environment(), required("EMAIL_FUNCTION")?))
    }

    /// What takes mails of connections without a server of their own. `MAIL_EVENTS` names the configuration set whose
    /// events tell what became of them.
    pub fn mailer(&self) -> SesMailer {
        SesMailer::new(self.config.clone(), self.environment(), optional("MAIL_EVENTS"))
    }

    /// The region's name, as SES spells it in the Message-IDs of mails that left from here.
    pub fn mail_host(&self) -> String {
        crate::mailer::host(self.config.region().map(AsRef::as_ref).unwrap_or_default())
    }

    /// Pushing to connections that API Gateway holds, as the `index` table knows them.
    pub fn live(&self, index: Arc<dyn Table>) -> GatewayLive {
        GatewayLive::new(&self.config, index, self.environment())
    }

    /// Where browsers open connections: what the parameter `LIVE_PARAMETER` holds. `None` when there is none.
    ///
    /// # Errors
    /// When SSM is unavailable.
    pub async fn live_url(&self) -> Result<Option<String>, Error> {
        match optional("LIVE_PARAMETER") {
            Some(parameter) => Ok(crate::key::parameter(&self.config, &parameter).await?),
            None => Ok(None),
        }
    }

    /// `PUBLIC_URL`: the desk's address from outside, if the operator named one.
    pub fn public_url(&self) -> Option<String> {
        optional("PUBLIC_URL")
    }

    /// `TIME_ZONE`: the IANA name of the desk's time zone, if the operator named one.
    pub fn time_zone(&self) -> Option<String> {
        optional("TIME_ZONE")
    }
}

fn required(name: &'static str) -> Result<String, VariableMissing> {
    optional(name).ok_or(VariableMissing(name))
}

/// A template passes a parameter that was left out as an empty string.
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
