//! Customers in Telegram.

use chance::Chance;
use futures_util::future::join_all;
use journey::telegram::{Customer, Update};

use super::{Picture, REPEATED, Said, Scene, Told};

impl Scene {
    /// The regular customers write.
    pub(crate) async fn chats(&self, mut chance: Chance) -> Vec<Told> {
        join_all(self.regulars.iter().map(|customer| self.chat(customer, chance.fork()))).await
    }

    /// A customer writes one message after the other.
    async fn chat(&self, customer: &Customer, mut chance: Chance) -> Told {
        let mut told = Told::begun(&customer.chat().to_string());
        let mut latest: Option<Update> = None;
        while self.goes_on() {
            let said = told.next(&mut chance);
            let update = match &said.file {
                Some(Picture(bytes)) => customer.photo(bytes, Some(&said.text), None),
                None => customer.text(&said.text),
            };
            match latest.as_ref().filter(|_| chance.once_in(REPEATED)) {
                // The platform did not hear that the last one was taken, and is late with it.
                Some(late) => {
                    tokio::join!(self.line.bot.deliver(late), self.line.bot.deliver(&update));
                }
                None => {
                    self.line.bot.deliver(&update).await;
                }
            }
            told.messages.push(said);
            latest = Some(update);
        }
        told
    }

    /// One new customer after the other asks something in two messages.
    pub(crate) async fn newcomers(&self) -> Vec<Told> {
        let mut told = Vec::new();
        while self.goes_on() {
            let customer = self.line.bot.customer("Newcomer");
            let messages = vec![Said::text("Hello"), Said::text("Where is my parcel?")];
            for said in &messages {
                customer.says(&said.text).await;
            }
            told.push(Told { conversation: customer.chat().to_string(), messages });
        }
        told
    }
}
