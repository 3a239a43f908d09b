use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use lambda::{KeyError, sealing_key};
use store::environment::System;
use store::seal::Secret;

use crate::{emulator, fresh};

/// However many functions start at once on a new installation, all of them get the one key.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_made_once() {
    let Some(config) = emulator().await else { return };
    let parameter = format!("/lambdesk/{}", fresh("key"));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (config, parameter) = (config.clone(), parameter.clone());
            tokio::spawn(async move { sealing_key(&config, &parameter, &System::new()).await })
        })
        .collect();
    let first = sealing_key(&config, &parameter, &System::new()).await.unwrap();
    let sealed = first.seal(&System::new(), "place", &Secret::new("secret"));
    for task in tasks {
        let key = task.await.unwrap().unwrap();
        assert_eq!(key.open("place", &sealed), Ok(Secret::new("secret")));
    }
}

#[tokio::test]
async fn another_parameter_is_no_key() {
    let Some(config) = emulator().await else { return };
    let parameter = format!("/lambdesk/{}", fresh("other"));
    let put = Client::new(&config).put_parameter().name(&parameter).r#type(ParameterType::SecureString);
    put.value("c2hvcnQ=").send().await.unwrap();
    let answer = sealing_key(&config, &parameter, &System::new()).await;
    assert_eq!(answer.unwrap_err(), KeyError::Malformed(parameter));
}
