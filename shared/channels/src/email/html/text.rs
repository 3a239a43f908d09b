//! The text of an HTML part.
//!
//! Works on the tokens of the HTML, without a tree: a tree of hostile HTML can grow with the square of its length.

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{CharacterTokens, EndTag, StartTag, Tag, TagToken, TokenSinkResult};

use super::tokens;

/// How many quotes within quotes are told apart.
const QUOTES_LIMIT: usize = 20;

/// How many open elements are remembered; deeper ones count as their parents.
const DEPTH_LIMIT: usize = 200;

/// The longest address that is written after the words that link to it, in characters.
const LINK_LIMIT: usize = 500;

/// Classes and ids by which programs mark the history below an answer.
const HISTORY: &[&str] = &[
    "gmail_quote",
    "yahoo_quoted",
    "protonmail_quote",
    "zmail_extra",
    "tutanota_quote",
    "moz-forward-container",
];

/// The text of HTML: paragraphs and rows on lines of their own, lists with dashes, links with their address behind
/// them. Quoted history has `> ` before each line, as it has in plain mails.
pub(in crate::email) fn text(html: &str) -> String {
    let mut state = State::default();
    tokens::each(html, |token| {
        match token {
            CharacterTokens(characters) => state.write(&characters),
            TagToken(tag) if tag.kind == StartTag => return state.start(&tag),
            TagToken(tag) if tag.kind == EndTag => state.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    });
    state.finish()
}

#[derive(Default)]
struct State {
    output: String,
    /// The line being written, without its quote marks.
    line: String,
    /// Whether white space waits to be written before the next word.
    space: bool,
    /// Empty lines at the end of the output.
    blank: usize,
    open: Vec<Open>,
    quotes: usize,
    /// How many open elements hide their content.
    hidden: usize,
    preformatted: usize,
}

/// An open element, as far as its end will change something.
struct Open {
    name: String,
    quote: bool,
    hidden: bool,
    preformatted: bool,
    link: Option<Link>,
}

/// Where a link leads, and where its words begin.
struct Link {
    href: String,
    output: usize,
    line: usize,
}

impl State {
    fn finish(mut self) -> String {
        self.break_line();
        self.output.truncate(self.output.trim_end().len());
        self.output
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = tag.name.as_ref();
        match name {
            "br" => {
                if self.hidden == 0 {
                    self.end_line();
                }
                return TokenSinkResult::Continue;
            }
            "hr" | "wbr" | "meta" | "link" | "input" | "col" | "base" => {
                if name == "hr" {
                    self.break_line();
                }
                return TokenSinkResult::Continue;
            }
            "img" => {
                if let Some(alternative) = attribute(tag, "alt").filter(|text| !text.trim().is_empty()) {
                    self.write(&format!("[{}]", alternative.trim()));
                }
                return TokenSinkResult::Continue;
            }
            _ => {}
        }
        self.separate(name);
        if name == "li" && self.hidden == 0 {
            self.line.push_str("- ");
        }
        let marks = [attribute(tag, "class"), attribute(tag, "id")];
        let history = marks
            .iter()
            .flatten()
            .flat_map(|marks| marks.split_whitespace())
            .any(|mark| HISTORY.contains(&mark));
        let open = Open {
            name: name.to_owned(),
            quote: name == "blockquote" || history,
            hidden: matches!(name, "head" | "style" | "script" | "title" | "template" | "select")
                || attribute(tag, "style").is_some_and(hides),
            preformatted: name == "pre" || name == "textarea",
            link: attribute(tag, "href").filter(|_| name == "a").map(|href| Link {
                href: href.trim().to_owned(),
                output: self.output.len(),
                line: self.line.len(),
            }),
        };
        if tag.self_closing && !matches!(name, "a" | "div" | "p" | "span") || self.open.len() >= DEPTH_LIMIT {
            return TokenSinkResult::Continue;
        }
        if open.quote {
            self.break_line();
            self.quotes += 1;
        }
        self.hidden += usize::from(open.hidden);
        self.preformatted += usize::from(open.preformatted);
        self.open.push(open);
        match name {
            "style" => TokenSinkResult::RawData(RawKind::Rawtext),
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    /// Closes the innermost element of the name, and all that were left open in it.
    fn end(&mut self, name: &str) {
        // Inline marks that nobody opened close nothing, and a table's end is not looked for beyond its depth.
        let Some(position) = self.open.iter().rposition(|open| open.name == name) else { return };
        self.separate(name);
        for open in self.open.drain(position..).rev().collect::<Vec<_>>() {
            if let Some(link) = &open.link {
                self.link(link);
            }
            if open.quote {
                self.break_line();
                self.quotes -= 1;
            }
            self.hidden -= usize::from(open.hidden);
            self.preformatted -= usize::from(open.preformatted);
        }
    }

    /// Begins a new line, or a new paragraph, where the element asks for one.
    fn separate(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" | "pre" => {
                self.break_line();
                if self.blank == 0 && !self.output.is_empty() && self.hidden == 0 {
                    self.end_line();
                }
            }
            "div" | "tr" | "li" | "blockquote" | "section" | "article" | "header" | "footer" | "body"
            | "dt" | "dd" | "address" | "center" | "form" | "fieldset" => self.break_line(),
            "td" | "th" => self.space = true,
            _ => {}
        }
    }

    fn write(&mut self, characters: &str) {
        if self.hidden > 0 {
            return;
        }
        for c in characters.chars() {
            match c {
                '\n' if self.preformatted > 0 => self.end_line(),
                c if c.is_whitespace() && c != '\u{a0}' && self.preformatted == 0 => self.space = true,
                '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\u{ad}' | '\u{34f}' => {}
                c => {
                    if std::mem::take(&mut self.space) && !self.line.is_empty() && !self.line.ends_with(' ') {
                        self.line.push(' ');
                    }
                    self.line.push(if c == '\u{a0}' { ' ' } else { c });
                }
            }
        }
    }

    /// Ends the line if something stands on it.
    fn break_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.end_line();
        }
        self.line.clear();
        self.space = false;
    }

    fn end_line(&mut self) {
        let line = self.line.trim_end();
        self.blank = if line.is_empty() { self.blank + 1 } else { 0 };
        // More than one empty line in a row says nothing.
        if self.blank <= 1 {
            self.output.extend(std::iter::repeat_n('>', self.quotes.min(QUOTES_LIMIT)));
            if self.quotes > 0 && !line.is_empty() {
                self.output.push(' ');
            }
            self.output.push_str(line);
            self.output.push('\n');
        }
        self.line.clear();
        self.space = false;
    }

    /// Writes the address behind the words that link to it, unless they are the address.
    fn link(&mut self, link: &Link) {
        let words = if self.output.len() == link.output { self.line.get(link.line..) } else { None };
        let words = words.unwrap_or_default();
        let web = link.href.starts_with("http://") || link.href.starts_with("https://");
        let bare =
            link.href.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        let idle = words.trim().is_empty() || words.contains(bare) || link.href.chars().count() > LINK_LIMIT;
        if self.hidden > 0 || !web || idle {
            return;
        }
        self.line.push_str(" (");
        self.line.extend(link.href.chars().filter(|c| !c.is_control() && !c.is_whitespace()));
        self.line.push(')');
    }
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// Whether a style hides its element: preview texts of newsletters.
fn hides(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("display:none") || style.contains("mso-hide:all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_where_the_reader_sees_them() {
        assert_eq!(text("<p>a  b\n c</p><p>d<br>e</p>"), "a b c\n\nd\ne");
        assert_eq!(text("<div>a</div><div><br></div><div>b</div>"), "a\n\nb");
        assert_eq!(text("<ul><li>a<li>b</ul>"), "- a\n- b");
        assert_eq!(text("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>"), "a b\nc");
        assert_eq!(text("<pre>a\n  b</pre>"), "a\n  b");
        assert_eq!(text("a &lt;b&gt; &amp;&nbsp;c"), "a <b> & c");
    }

    #[test]
    fn what_is_hidden_is_not_text() {
        assert_eq!(text("<style>p{}</style><script>x()</script><title>t</title>a"), "a");
        assert_eq!(text("<div style='display: none'>preview</div>a<!-- b -->"), "a");
    }

    #[test]
    fn quotes_are_marked() {
        assert_eq!(text("a<blockquote>b<blockquote>c</blockquote></blockquote>d"), "a\n> b\n>> c\nd");
        assert_eq!(text("a<div class='gmail_quote x'>On monday:<br>b</div>"), "a\n> On monday:\n> b");
    }

    #[test]
    fn links_keep_their_address() {
        assert_eq!(text("<a href='https://x.ru/a'>here</a>"), "here (https://x.ru/a)");
        assert_eq!(text("<a href='https://x.ru/'>x.ru</a>"), "x.ru");
        assert_eq!(text("<a href='javascript:x()'>here</a>"), "here");
    }

    #[test]
    fn hostile_html_stays_linear() {
        let html = format!("{}{}", "<b a=1><blockquote><a href=http://x>".repeat(50_000), "x");
        assert!(text(&html).ends_with('x'));
        assert_eq!(text(&"</div>".repeat(100_000)), "");
        let attributes: String = (0..200_000).map(|number| format!(" a{number}")).collect();
        assert_eq!(text(&format!("a<b{attributes}>b</b><!--{attributes}-->c")), "abc");
        let image = format!("a<img src='data:image/png;base64,{}'>b", "A/".repeat(200_000));
        assert_eq!(text(&image), "ab");
    }
}
