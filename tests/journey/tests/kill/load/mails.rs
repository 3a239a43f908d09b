//! People who write mails.

use chance::Chance;
use futures_util::future::join_all;
use journey::eventually;
use journey::mail::{Letter, try_send};

use super::{PATIENCE, Picture, REPEATED, Scene, Told};

impl Scene {
    /// Somebody writes their first mail.
    pub(super) async fn begins(&mut self, author: usize) {
        let letter = Letter::new(&address(author), &self.office.address, "Order", "0");
        self.hand_in(author, &letter).await;
        self.authors.push(letter);
    }

    /// Everybody writes mails.
    pub(crate) async fn mails(&self, mut chance: Chance) -> Vec<Told> {
        join_all((0..self.authors.len()).map(|author| self.mail(author, chance.fork()))).await
    }

    /// Somebody writes mails that go on from their first one.
    async fn mail(&self, author: usize, mut chance: Chance) -> Told {
        let first = &self.authors[author];
        let mut told = Told::begun(&address(author));
        while self.goes_on() {
            let said = told.next(&mut chance);
            let mut letter = Letter::new(&address(author), &self.office.address, "Re: Order", &said.text)
                .with("In-Reply-To", first.id())
                .with("References", first.id());
            if let Some(Picture(bytes)) = &said.file {
                letter = letter.attaching(Picture::NAME, Picture::TYPE, bytes);
            }
            self.hand_in(author, &letter).await;
            if chance.once_in(REPEATED) {
                self.hand_in(author, &letter).await;
            }
            told.messages.push(said);
        }
        told
    }

    /// Hands in a mail until it is taken.
    async fn hand_in(&self, author: usize, letter: &Letter) {
        if !by_smtp(author) {
            return self.office.deliver(letter).await;
        }
        let (from, to, mail) = (address(author), &self.office.address, letter.bytes());
        eventually("the mail is taken", PATIENCE, async || {
            let answers = try_send(self.smtp, &from, to, &mail).await.map_err(|error| error.to_string())?;
            let last = answers.last().cloned().unwrap_or_default();
            assert!(!last.starts_with('5'), "it is refused for good: {answers:?}");
            if last.starts_with("250") { Ok(()) } else { Err(last) }
        })
        .await;
    }
}

fn by_smtp(author: usize) -> bool {
    author % 2 == 1
}

/// Of a domain about which nobody has to be asked.
fn address(author: usize) -> String {
    format!("author{author}@shop.invalid")
}
