//! The tokens of HTML, in time that grows with its length only.
//!
//! The tokenizer compares each attribute of a tag with all before it, so that one tag of some megabytes would keep
//! it busy for minutes. No honest tag is long, except for images that are written into their own address: such
//! tags are left out.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer};

/// The longest tag or comment, in bytes.
const LIMIT: usize = 16 * 1024;

/// How much is handed to the tokenizer at once, in bytes.
const CHUNK: usize = 1_024;

/// Hands over every token, in their order.
pub(super) fn each(html: &str, take: impl FnMut(Token) -> TokenSinkResult<()>) {
    let take = RefCell::new(take);
    let mut rest = html;
    while !rest.is_empty() {
        rest = some(rest, &take);
    }
}

struct Sink<'t, F> {
    take: &'t RefCell<F>,
    count: Cell<usize>,
}

impl<F: FnMut(Token) -> TokenSinkResult<()>> TokenSink for Sink<'_, F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if !matches!(token, Token::ParseError(_)) {
            self.count.set(self.count.get() + 1);
        }
        (self.take.borrow_mut())(token)
    }
}

/// Hands over the tokens up to one that is too long, and returns what follows it.
fn some<'h, F: FnMut(Token) -> TokenSinkResult<()>>(html: &'h str, take: &RefCell<F>) -> &'h str {
    let tokenizer = Tokenizer::new(Sink { take, count: Cell::new(0) }, Default::default());
    let input = BufferQueue::default();
    let mut at = 0;
    // Where the chunk begins in which the last token ended.
    let mut last = 0;
    while at < html.len() {
        let end = html.ceil_char_boundary(at + CHUNK);
        let before = tokenizer.sink.count.get();
        input.push_back(StrTendril::from_slice(html.get(at..end).unwrap_or_default()));
        // Nothing runs scripts here, so the tokenizer never waits for one.
        let _ = tokenizer.feed(&input);
        if tokenizer.sink.count.get() > before {
            last = at;
        } else if end - last > LIMIT {
            return after_long(html.get(last..).unwrap_or_default());
        }
        at = end;
    }
    tokenizer.end();
    ""
}

/// What follows a tag or comment that is too long and begins in the first chunk.
fn after_long(html: &str) -> &str {
    let (chunk, _) = html.split_at_checked(html.ceil_char_boundary(CHUNK)).unwrap_or((html, ""));
    let start = chunk.rfind("<!--").or_else(|| chunk.rfind('<')).unwrap_or(0);
    let long = html.get(start..).unwrap_or_default();
    let end = if long.starts_with("<!--") { "-->" } else { ">" };
    long.split_once(end).map(|(_, after)| after).unwrap_or_default()
}
