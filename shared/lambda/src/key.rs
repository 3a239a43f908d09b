//! The installation's key, kept by SSM.

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::ParameterType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use store::environment::Environment;
use store::seal::SealingKey;

use crate::sdk::explain;

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// SSM is unreachable or refuses.
    #[error("the installation's key is unavailable: {0}")]
    Unavailable(String),
    /// The parameter holds something else.
    #[error("the parameter `{0}` does not hold a key")]
    Malformed(String),
}

/// The key in the `SecureString` called `parameter`; on first use it is made, once, whoever else may try.
///
/// SSM encrypts the parameter under the account's AWS-managed key, which costs nothing.
///
/// # Errors
/// When SSM is unavailable, or when the parameter holds something else.
pub async fn sealing_key(
    config: &SdkConfig,
    parameter: &str,
    environment: &dyn Environment,
) -> Result<SealingKey, KeyError> {
    let client = Client::new(config);
    let text = match read(&client, parameter).await? {
        Some(text) => text,
        None => make(&client, parameter, environment).await?,
    };
    let bytes = BASE64.decode(text).ok();
    bytes.and_then(|bytes| SealingKey::new(&bytes)).ok_or_else(|| KeyError::Malformed(parameter.to_owned()))
}

/// The text in a parameter; `None` when there is no such parameter.
///
/// # Errors
/// When SSM is unavailable.
pub(crate) async fn parameter(config: &SdkConfig, parameter: &str) -> Result<Option<String>, KeyError> {
    read(&Client::new(config), parameter).await
}

async fn read(client: &Client, parameter: &str) -> Result<Option<String>, KeyError> {
    match client.get_parameter().name(parameter).with_decryption(true).send().await {
        Ok(output) => Ok(output.parameter.and_then(|parameter| parameter.value)),
        Err(error) => match error.as_service_error() {
            Some(GetParameterError::ParameterNotFound(_)) => Ok(None),
            _ => Err(KeyError::Unavailable(explain(&error).1)),
        },
    }
}

async fn make(client: &Client, parameter: &str, environment: &dyn Environment) -> Result<String, KeyError> {
    let mut bytes = [0; SealingKey::LENGTH];
    environment.fill(&mut bytes);
    let text = BASE64.encode(bytes);
    let request = client
        .put_parameter()
        .name(parameter)
        .description("Encrypts the secrets that Lambdesk keeps. Without it they are lost.")
        .r#type(ParameterType::SecureString)
        .overwrite(false)
        .value(&text);
    match request.send().await {
        Ok(_) => Ok(text),
        Err(error) => match error.as_service_error() {
            // Another one was faster, or our own first attempt: what is there now is the key.
            Some(PutParameterError::ParameterAlreadyExists(_)) => read(client, parameter)
                .await?
                .ok_or_else(|| KeyError::Unavailable(format!("`{parameter}` is not there yet"))),
            _ => Err(KeyError::Unavailable(explain(&error).1)),
        },
    }
}
