//! Sessions with all kinds of clients, our own among them.

mod authentication;
mod reception;
mod sessions;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::*;

/// Takes mail for `support@shop.example` and what follows a plus there, and does with it what it is told to.
#[derive(Default)]
struct Desk {
    delivered: Mutex<Vec<(Envelope, Vec<u8>)>>,
    /// What becomes of the next deliveries; they succeed when nothing is said.
    outcomes: Mutex<VecDeque<Unavailable>>,
}

fn connection() -> ConnectionId {
    "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
}

impl Desk {
    fn delivered(&self) -> Vec<(Envelope, Vec<u8>)> {
        self.delivered.lock().unwrap().clone()
    }
}

#[async_trait]
impl Exchange for Desk {
    async fn accepts(&self, address: &str) -> Result<Option<ConnectionId>, Unavailable> {
        if address == "broken@shop.example" {
            return Err(Unavailable("the table is gone".to_owned()));
        }
        let ours = address.strip_prefix("support").and_then(|rest| rest.strip_suffix("@shop.example"));
        Ok(ours.filter(|tag| tag.is_empty() || tag.starts_with('+')).map(|_| connection()))
    }

    async fn deliver(&self, envelope: Envelope, mail: Vec<u8>) -> Result<(), Unavailable> {
        if let Some(error) = self.outcomes.lock().unwrap().pop_front() {
            return Err(error);
        }
        self.delivered.lock().unwrap().push((envelope, mail));
        Ok(())
    }
}

/// A listener on loopback; where it listens.
async fn listen(desk: &Arc<Desk>, limits: Limits) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let exchange: Arc<dyn Exchange> = Arc::clone(desk) as _;
    tokio::spawn(serve(listener, "desk.example".to_owned(), exchange, limits));
    address
}
