//! The widget's script and the demo shop, as browsers get them.

/// The script of `GET /webchat/widget.js`: the parts in `widget/`, which share one scope of their own.
pub(crate) const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\nconst STYLE = String.raw`",
    include_str!("../widget/widget.css"),
    "`;\n",
    include_str!("../widget/texts.js"),
    include_str!("../widget/shelf.js"),
    include_str!("../widget/server.js"),
    include_str!("../widget/live.js"),
    include_str!("../widget/conversation.js"),
    include_str!("../widget/log.js"),
    include_str!("../widget/compose.js"),
    include_str!("../widget/panel.js"),
    include_str!("../widget/start.js"),
    "})();\n",
);

/// A shop's page with the chat of `connection`, which tells a newcomer what to do next with the desk at `url`.
pub fn demo(connection: &str, url: &str) -> String {
    include_str!("../widget/demo.html").replace("{{connection}}", connection).replace("{{url}}", url)
}
