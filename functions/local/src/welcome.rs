//! What the terminal says. Nobody may be there to read it, or its file be full: that ends nothing.

use std::io::{Write as _, stderr, stdout};

/// Tells a newcomer what runs and what to do next.
pub(crate) fn greet(url: &str, token: Option<&str>) {
    say(&format!("Lambdesk is up on {url}"));
    if let Some(token) = token {
        say(&format!("\nYour API token, shown only this once:\n\n  export LAMBDESK_API_TOKEN={token}\n"));
    }
    say(&format!(
        "Open {url}: a shop with a chat. Write there, and answer with what the page shows.

Next: connect a Telegram bot (get its token from @BotFather):

  curl -s {url}/api/v1/connections \\
    -H \"Authorization: Bearer $LAMBDESK_API_TOKEN\" -H 'Content-Type: application/json' \\
    -d '{{\"channel\": \"telegram\", \"name\": \"Our bot\", \"settings\": {{\"token\": \"'\"$BOT_TOKEN\"'\"}}}}'

Then write to your bot, and read what came:

  curl -s {url}/api/v1/tickets -H \"Authorization: Bearer $LAMBDESK_API_TOKEN\"

Or send a sample update to the `webhook_url` in the answer, with its `secret_token`:

  curl -i \"$WEBHOOK_URL\" -H \"X-Telegram-Bot-Api-Secret-Token: $SECRET_TOKEN\" -d '{{\"update_id\": 1,
    \"message\": {{\"message_id\": 1, \"date\": 1767225600, \"chat\": {{\"id\": 42, \"type\": \"private\"}},
      \"from\": {{\"id\": 42, \"is_bot\": false, \"first_name\": \"Ann\"}}, \"text\": \"Where is my parcel?\"}}}}'

Check the desk at any time: cargo run -- doctor. The API: {url}/api/v1/openapi.json
"
    ));
}

/// Prints a line of a command's answer.
pub(crate) fn say(line: &str) {
    let _unheard = writeln!(stdout(), "{line}");
}

/// Tells why it did not work.
pub(crate) fn complain(message: &str) {
    let _unheard = writeln!(stderr(), "lambdesk: {message}");
}
