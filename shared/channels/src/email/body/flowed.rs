//! Paragraphs that were broken into lines on their way ([RFC 3676](https://www.rfc-editor.org/rfc/rfc3676)).

/// The text with its paragraphs on one line each. `delete` says that the blank before a break is not part of it.
pub(super) fn unwrap(text: &str, delete: bool) -> String {
    let mut unwrapped = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let signature = content == "-- ";
        if open == Some(depth) && !signature {
            if delete {
                unwrapped.pop();
            }
        } else {
            if !unwrapped.is_empty() {
                unwrapped.push('\n');
            }
            unwrapped.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                unwrapped.push(' ');
            }
        }
        unwrapped.push_str(content);
        open = (content.ends_with(' ') && !signature).then_some(depth);
    }
    unwrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_paragraphs_and_nothing_else() {
        assert_eq!(unwrap("a \nb\nc", false), "a b\nc");
        assert_eq!(unwrap("a \nb", true), "ab");
        assert_eq!(unwrap("> a \n> b\nc \n> d", false), "> a b\nc \n> d");
        assert_eq!(unwrap("a\n-- \nIvan", false), "a\n-- \nIvan");
        assert_eq!(unwrap(" From me", false), "From me");
    }

    #[test]
    fn an_empty_first_line_stays() {
        assert_eq!(unwrap("a\n\nb", false), "a\n\nb");
    }
}
