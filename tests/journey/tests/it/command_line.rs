//! The command line, as a client of a desk.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::target::Receiving;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_looks_after_a_desk() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let (_, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let token = stage.desk.token().to_owned();

    let (code, out, err) = stage.command(&token, &["dead-letters", "list"]).await;
    assert_eq!((code, out.trim(), err.trim()), (Some(0), "no dead letters", ""));
    let (code, out, err) = stage.command("wrong", &["dead-letters", "list"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("401"), "{err}");
    let (code, _, err) = stage.command("", &["doctor"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("LAMBDESK_API_TOKEN"), "{err}");

    let (code, out, err) = stage.command(&token, &["doctor"]).await;
    assert_eq!(code, Some(0), "all is well: {out}{err}");
    assert!(out.lines().count() >= 3 && out.lines().all(|line| !line.starts_with("FAIL")), "{out}");

    line.bot.revoke_token();
    stage.desk.reply(&ticket, "Never sent").await;
    eventually("the doctor sees the broken connection", SOON, async || {
        let (code, out, _) = stage.command(&token, &["doctor"]).await;
        if code == Some(1) && out.contains("FAIL") && out.contains('→') { Ok(()) } else { Err((code, out)) }
    })
    .await;
    let (code, _, err) = stage.command(&token, &["nonsense"]).await;
    assert_eq!(code, Some(2), "{err}");
}
