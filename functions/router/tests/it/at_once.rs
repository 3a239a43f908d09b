//! Mails of one conversation that are routed at the same time: each is in a group of its own, so nothing keeps them apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use desk::correspondence::Mailbox;
use store::table::{Item, Key, Page, Query, Table, TableError, Write};
use tokio::sync::Barrier;

use crate::mail::{mail, office, with};

/// A table whose first two writers wait for each other: what they write rests on the same readings.
struct Together {
    table: Arc<dyn Table>,
    both: Barrier,
    writers: AtomicUsize,
}

impl Together {
    fn on(table: Arc<dyn Table>) -> Arc<Self> {
        Arc::new(Self { table, both: Barrier::new(2), writers: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Table for Together {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        if self.writers.fetch_add(1, Ordering::SeqCst) < 2 {
            self.both.wait().await;
        }
        self.table.write(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.table.increment(key).await
    }
}

fn named(address: &str) -> Vec<Mailbox> {
    vec![Mailbox { name: None, address: address.to_owned() }]
}

#[tokio::test]
async fn whom_two_mails_at_once_bring_in_both_take_part() {
    let stage = office().await;
    let first = with(mail("1", "ann@example.org", "It is broken."), |letter| {
        letter.copies = named("bob@example.org");
    });
    assert_eq!(stage.deliver(first, 1).await, []);

    let answer = |id: &str, from: &str, brings: &str| {
        with(mail(id, from, "More about it."), |letter| {
            letter.answers = vec!["1@mail.example".to_owned()];
            letter.subject = "Re: Hello".to_owned();
            letter.copies = named(brings);
        })
    };
    let table = Together::on(Arc::new(stage.table.clone()));
    let (one, other) = tokio::join!(
        stage.deliver_on(table.clone(), answer("2", "ann@example.org", "carl@example.net")),
        stage.deliver_on(table.clone(), answer("3", "bob@example.org", "dora@example.net")),
    );
    assert_eq!((one, other), (vec![], vec![]));
    assert!(table.writers.load(Ordering::SeqCst) > 2, "they were in each other's way");

    let ticket = stage.ticket(1).await.unwrap();
    let talk = stage.desk.thread(&ticket.thread.unwrap()).await.unwrap().unwrap().correspondence.unwrap();
    for address in ["ann@example.org", "bob@example.org", "carl@example.net", "dora@example.net"] {
        assert!(talk.admits(address), "{address} takes part: {:?}", talk.participants);
    }
    let received = stage.kinds(1).await.into_iter().filter(|kind| kind == "message_received").count();
    assert_eq!(received, 3);

    // Whom either brought in is heard, where a stranger would get a ticket of their own.
    for (id, from) in [("4", "carl@example.net"), ("5", "dora@example.net")] {
        assert_eq!(stage.deliver(answer(id, from, "ann@example.org"), 1).await, []);
    }
    assert!(stage.ticket(2).await.is_none());
}
