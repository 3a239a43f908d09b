use lambda::account_limit;
use store::environment::System;

use crate::emulator;

#[tokio::test]
async fn the_limit_of_the_account_is_read() {
    let Some(config) = emulator().await else { return };
    let limit = account_limit(&config, &System::new()).await.unwrap();
    assert!(limit.is_some_and(|limit| limit > 0), "{limit:?}");
}
