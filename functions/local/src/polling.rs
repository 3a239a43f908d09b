//! Receiving without a webhook: connections whose platform cannot reach this desk are asked for news.

use std::collections::HashMap;
use std::time::Duration;

use channels::http::Http;
use channels::{Platform, Receiver};
use desk::channel::Channel;
use desk::ids::ConnectionId;
use store::Desk;
use store::connections::StoredConnection;
use tokio::task::JoinHandle;

/// How often the list of connections is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// The longest pause after errors.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Polls every connection that is set to it, for ever.
pub(crate) async fn run(desk: Desk, receiver: Receiver, http: Http) {
    let mut polled: HashMap<ConnectionId, JoinHandle<()>> = HashMap::new();
    loop {
        match desk.connections().await {
            Ok(connections) => {
                let wanted: Vec<_> = connections.into_iter().filter(polls).collect();
                polled.retain(|id, task| {
                    let keep = wanted.iter().any(|connection| connection.id == *id) && !task.is_finished();
                    if !keep {
                        task.abort();
                    }
                    keep
                });
                for connection in wanted {
                    let Some(platform) = channels::platform(connection.channel.as_str()) else { continue };
                    polled.entry(connection.id).or_insert_with(|| {
                        let (receiver, http) = (receiver.clone(), http.clone());
                        tokio::spawn(async move {
                            poll(platform, &connection.channel, connection.id, &receiver, &http).await;
                        })
                    });
                }
            }
            Err(error) => tracing::error!(%error, "the connections cannot be read"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn polls(connection: &StoredConnection) -> bool {
    connection.settings.get("receives").and_then(|how| how.as_str()) == Some("polling")
}

/// Polls one connection until it is gone. News are acknowledged to the platform only once they are durable.
async fn poll(
    platform: &'static dyn Platform,
    channel: &Channel,
    id: ConnectionId,
    receiver: &Receiver,
    http: &Http,
) {
    let mut position: Option<String> = None;
    let mut pause = Duration::from_secs(1);
    loop {
        let known = match receiver.directory.connection(channel, id).await {
            Ok(Some(known)) => known,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(connection = %id, %error, "a connection cannot be read");
                tokio::time::sleep(LONGEST_PAUSE).await;
                continue;
            }
        };
        let polled = platform.poll(http, &known.open, position.as_deref()).await;
        let received = match polled {
            Ok(polled) => {
                let mut received = true;
                for body in &polled.bodies {
                    if let Err(error) = receiver.receive(platform, &known.open, body).await {
                        tracing::error!(connection = %id, %error, "polled news could not be made durable");
                        received = false;
                        break;
                    }
                }
                if received {
                    position = polled.position.or(position);
                }
                received
            }
            Err(error) => {
                tracing::warn!(connection = %id, reason = error.reason, %error, "a poll failed");
                false
            }
        };
        if received {
            pause = Duration::from_secs(1);
        } else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
