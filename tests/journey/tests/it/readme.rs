//! The README's commands, as a newcomer copies them from top to bottom.

use std::process::Stdio;

use journey::desk::SOON;
use journey::eventually;
use journey::mail::{Letter, MailServer};
use journey::stage::Stage;
use journey::target::Receiving;

/// The shell commands under a heading of the README.
fn commands(heading: &str) -> Vec<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).expect("there is a README");
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).expect("the README has this heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    section.split("```sh\n").skip(1).filter_map(|rest| Some(rest.split("```").next()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_bot_is_connected_as_the_readme_says() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Polling).await;
    let bot = stage.telegram.bot();
    // Only where things are differs: the desk's port, the Bot API, the two secrets, the binary that is built already.
    let run = async |command: &str| {
        let command: String = command
            .lines()
            .filter(|line| !line.starts_with("export "))
            .map(|line| format!("{line}\n"))
            .collect();
        let command = command
            .replace("http://127.0.0.1:8080", stage.desk.base())
            .replace(
                "\"settings\": {",
                &format!("\"settings\": {{\"api_url\": \"{}\", ", stage.telegram.url()),
            )
            .replace("cargo run --", "\"$DESK\"");
        let output = tokio::process::Command::new("bash")
            .args(["-euc", &command])
            .env("LAMBDESK_API_TOKEN", stage.desk.token())
            .env("LAMBDESK_URL", stage.desk.base())
            .env("BOT_TOKEN", bot.token())
            .env("TICKET", "1")
            .env("DESK", journey::target::binary())
            .stdin(Stdio::null())
            .output()
            .await
            .expect("there is a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{command}\n{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    let [connect, list, reply, look_after] = &commands("Your first Telegram bot")[..] else {
        panic!("the README connects, lists, replies and looks after the desk");
    };
    assert!(run(connect).await.contains("\"webhook_url\""));
    let anna = bot.customer("Anna");
    anna.says("Where is my parcel?").await;
    eventually("the message is a ticket", SOON, async || {
        let listed = run(list).await;
        if listed.contains("Where is my parcel?") { Ok(()) } else { Err(listed) }
    })
    .await;
    assert!(run(reply).await.contains("\"queued\""));
    eventually("the answer appears in the same chat", SOON, async || {
        let texts = bot.texts(anna.chat());
        if texts == ["It left this morning."] { Ok(()) } else { Err(texts) }
    })
    .await;
    assert!(run(look_after).await.contains("no dead letters"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_connected_and_handed_in_as_the_readme_says() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Webhook).await;
    let server = MailServer::start().await;
    let [connect, hand_in] = &commands("E-mail")[..] else { panic!("the README connects and hands in") };
    let folder = tempfile::tempdir().expect("a folder");
    let run = async |command: &str, webhook: &str, secret: &str| {
        let command: String = command
            .lines()
            .filter(|line| !line.starts_with("export "))
            .map(|line| format!("{line}\n"))
            .collect();
        let output = tokio::process::Command::new("bash")
            .args(["-euc", &command.replace("http://127.0.0.1:8080", stage.desk.base())])
            .current_dir(folder.path())
            .env("LAMBDESK_API_TOKEN", stage.desk.token())
            .env("SMTP_URL", server.url())
            .env("WEBHOOK_URL", webhook)
            .env("SECRET", secret)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("there is a shell");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let created = run(connect, "", "").await;
    let created: serde_json::Value = serde_json::from_str(&created).expect("a connection");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let mail = Letter::new("ann@example.org", "support@example.com", "Broken lamp", "The lamp is broken.");
    std::fs::write(folder.path().join("mail.eml"), mail.bytes()).expect("a file");
    run(hand_in, &text(&created["webhook_url"]), &text(&created["settings"]["secret"])).await;
    eventually("the mail is a ticket", SOON, async || {
        let tickets = stage.desk.list("/tickets?channel=email").await;
        if tickets.len() == 1 { Ok(()) } else { Err(tickets) }
    })
    .await;
}
