//! The least that a function on Lambda with a client of AWS can be: what cold starts are compared with.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use store::table::{Key, Table as _};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = lambda::start().await;
    let table = aws.table()?;
    lambda::warm(table.get(&Key::new("warm", "@"))).await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, lambda_runtime::Error>(event.payload)
    }))
    .await
}
