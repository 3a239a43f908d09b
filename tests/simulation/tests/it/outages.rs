//! What is out fails alone: its own readings and writings, and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use channels::platform::Mailer as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutPayload};
use simulation::chance::Chance;
use simulation::engine::{MemoryQueue, MemoryTable, Weather};
use simulation::fault::{
    Ended, Fate, Faults, FaultyMailer, FaultyObjects, FaultyQueue, FaultyTable, Outage, Plan, Port, Rates,
    invoke,
};
use simulation::platform::PostOffice;
use simulation::time::Hours;
use simulation::trace::Trace;
use store::queue::{Outgoing, Queue as _};
use store::table::{Condition, Item, Key, Query, Table as _, Write};
use tokio::time::Instant;

const PORTS: [Port; 4] = [Port::Table, Port::Messages, Port::Queue, Port::Objects];

/// Which of these fail while a port is out.
async fn failing(out: Port) -> Vec<(&'static str, Port)> {
    let hours = Hours::begin();
    let faults = Arc::new(Faults::new(Arc::new(Trace::new(hours, false))));
    faults.follow(Plan::Chance { chance: Arc::new(Chance::new(1)), rates: Rates::default() });
    faults.suffer(Outage { port: out, from: Instant::now(), lasts: Duration::from_mins(1) });
    let table = FaultyTable::new("table", MemoryTable::new(Weather::calm()), Arc::clone(&faults));
    let queue = MemoryQueue::new("queue", false, Weather::calm(), hours);
    let queue = FaultyQueue::new(queue, Arc::clone(&faults));
    let objects = FaultyObjects::new(Arc::new(InMemory::new()), faults);
    let ended = invoke("test".to_owned(), Duration::from_mins(1), async {
        let mut failing = Vec::new();
        let mut look = |what, port, fails: bool| failing.extend(fails.then_some((what, port)));
        for (partition, port) in [("T#1", Port::Table), ("M#1", Port::Messages)] {
            let key = Key::new(partition, "@");
            let item = Item::new(key.clone(), &serde_json::json!({})).unwrap();
            look("get", port, table.get(&key).await.is_err());
            look("get_many", port, table.get_many(std::slice::from_ref(&key)).await.is_err());
            look("query", port, table.query(Query::partition(partition)).await.is_err());
            look("write", port, table.write(vec![Write::Put(item, Condition::Any)]).await.is_err());
        }
        let message = Outgoing { body: "one".to_owned(), group: None, deduplication: None };
        look("send", Port::Queue, queue.send(vec![message]).await.is_err());
        look("receive", Port::Queue, queue.receive(1, Duration::from_secs(1)).await.is_err());
        look("depth", Port::Queue, queue.depth().await.is_err());
        let place = Path::from("one");
        look("put", Port::Objects, objects.put(&place, PutPayload::from_static(b"one")).await.is_err());
        let got = objects.get(&place).await;
        look("get", Port::Objects, got.is_err_and(|error| !matches!(error, Error::NotFound { .. })));
        look("delete", Port::Objects, objects.delete(&place).await.is_err());
        failing
    });
    let failing = match ended.await {
        Ended::Done(failing) => Some(failing),
        _ => None,
    };
    failing.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_out_fails_and_nothing_else_does() {
    for out in PORTS {
        // An outage of the table is one of all its partitions.
        let with = |port| port == out || (out, port) == (Port::Table, Port::Messages);
        let failing = failing(out).await;
        assert!(failing.iter().all(|(_, port)| with(*port)), "{out:?}: {failing:?}");
        let calls = PORTS.into_iter().filter(|port| with(*port)).map(|port| match port {
            Port::Queue | Port::Objects => 3,
            _ => 4,
        });
        assert_eq!(failing.len(), calls.sum::<usize>(), "{out:?}: {failing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_strikes_is_not_done() {
    let hours = Hours::begin();
    let faults = Arc::new(Faults::new(Arc::new(Trace::new(hours, false))));
    let objects = FaultyObjects::new(Arc::new(InMemory::new()), faults);
    let (from, to) = (Path::from("from"), Path::from("to"));
    assert!(objects.put_multipart(&from).await.is_err());
    assert!(objects.copy(&from, &to).await.is_err());
    assert!(objects.list_with_delimiter(None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_late_comes_late() {
    const LATE: Duration = Duration::from_secs(5);
    let hours = Hours::begin();
    let faults = Arc::new(Faults::new(Arc::new(Trace::new(hours, false))));
    faults.follow(Plan::Exactly(BTreeMap::from([1, 2].map(|number| (number, Fate::Late(5000))))));
    let (post, begun) = (Arc::new(PostOffice::default()), Instant::now());
    let mailer = FaultyMailer::new(Arc::clone(&post), Arc::clone(&faults), Arc::new(Chance::new(1)));
    let ended = invoke("test".to_owned(), Duration::from_mins(1), async {
        let mail = b"Subject: Late\r\n\r\nIt comes.\r\n".to_vec();
        mailer.send("desk@desk.example", &["one@people.example".to_owned()], mail).await.unwrap();
        let sent = Instant::now();
        (faults.answer_arrives("answer").await, sent.elapsed())
    });
    let Ended::Done((arrives, waited)) = ended.await else { panic!("it did not end") };
    let mails = post.taken();
    assert!(arrives && waited >= LATE, "the answer took {waited:?}");
    assert!(mails.len() == 1 && mails[0].at.duration_since(begun) >= LATE, "{mails:?}");
}
