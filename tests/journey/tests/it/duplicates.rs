//! The same twice, and different things at once.

use futures_util::future::join_all;
use journey::stage::Stage;
use serde_json::json;

pub(crate) async fn repeated(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let anna = line.bot.customer("Anna");
    let first = anna.text("One");
    join_all([&first, &first, &first].map(|update| line.bot.deliver(update))).await;
    let ticket = stage.ticket_of(&line, &anna).await;
    let second = anna.text("Two");
    for _ in 0..3 {
        line.bot.deliver(&second).await;
    }
    join_all([&first, &second, &first].map(|update| line.bot.deliver(update))).await;
    // What comes after the repetitions shows that they have all been worked on.
    anna.says("Three").await;
    assert_eq!(stage.received(&ticket, 3).await, ["One", "Two", "Three"]);
    assert_eq!(stage.tickets_of(&line, &anna).await.len(), 1);

    // The same message under another update id is the same message.
    let mut again = second.clone();
    again.body["update_id"] = json!(again.body["update_id"].as_i64().expect("an id") + 50_000);
    line.bot.deliver(&again).await;
    anna.says("Four").await;
    assert_eq!(stage.received(&ticket, 4).await, ["One", "Two", "Three", "Four"]);
}

pub(crate) async fn one_ticket(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    for round in 0..5 {
        let customer = line.bot.customer(&format!("Customer {round}"));
        let updates: Vec<_> = ["One", "Two", "Three"].map(|text| customer.text(text)).into();
        join_all(updates.iter().map(|update| line.bot.deliver(update))).await;
        let ticket = stage.ticket_of(&line, &customer).await;
        let mut texts = stage.received(&ticket, 3).await;
        texts.sort();
        assert_eq!(texts, ["One", "Three", "Two"]);
        assert_eq!(stage.tickets_of(&line, &customer).await.len(), 1);
    }
}

pub(crate) async fn many_customers(stage: &Stage) {
    const CUSTOMERS: usize = 20;
    const MESSAGES: usize = 5;
    let line = stage.connect(json!({})).await;
    let customers: Vec<_> =
        (0..CUSTOMERS).map(|number| line.bot.customer(&format!("Customer {number}"))).collect();
    join_all(customers.iter().map(async |customer| {
        for message in 0..MESSAGES {
            customer.says(&format!("Message {message}")).await;
        }
    }))
    .await;
    let wanted: Vec<_> = (0..MESSAGES).map(|message| format!("Message {message}")).collect();
    for customer in &customers {
        let ticket = stage.ticket_of(&line, customer).await;
        assert_eq!(stage.received(&ticket, MESSAGES).await, wanted);
    }
    let tickets = stage.desk.list("/tickets?channel=telegram").await;
    let ours: Vec<_> = tickets.iter().filter(|ticket| ticket["connection"] == line.id).collect();
    assert_eq!(ours.len(), CUSTOMERS);
    let mut numbers: Vec<_> = ours.iter().filter_map(|ticket| ticket["number"].as_u64()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), CUSTOMERS, "every ticket has a number of its own");
}
