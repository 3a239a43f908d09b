//! Starts the open connections under Lambda.

use std::sync::Arc;

use channels::Directory;
use lambda::SocketEvent;
use live::{Door, Gateway, GatewayEvent};
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let directory = Directory::new(desk.clone(), Arc::new(aws.sealing_key().await?));
    let index = Arc::new(aws.index_table()?);
    let push = aws.live(index.clone());
    let door = Door { desk, index, directory, public_url: aws.public_url() };
    let gateway = Gateway::new(door, push);
    lambda::run_gateway(async |event| match read(event) {
        Some(event) => gateway.handle(event).await,
        None => 400,
    })
    .await
}

fn read(event: SocketEvent) -> Option<GatewayEvent> {
    let SocketEvent { kind, connection: id, endpoint, mut query, origin, body } = event;
    match kind.as_str() {
        "CONNECT" => {
            let token = query.remove("token").unwrap_or_default();
            Some(GatewayEvent::Connect { id, endpoint, token, origin })
        }
        "MESSAGE" => Some(GatewayEvent::Message { id, text: body }),
        "DISCONNECT" => Some(GatewayEvent::Disconnect { id }),
        _ => None,
    }
}
