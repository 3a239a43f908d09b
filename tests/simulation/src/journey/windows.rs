//! Windows of the site's chat, to which the desk pushes.

use std::time::Duration;

use live::GatewayEvent;

use super::Stage;
use super::visitors::look;

/// How often a window tries to connect.
const ATTEMPTS: u32 = 20;

/// A visitor's window connects. What the gateway calls it, if it could.
pub(crate) async fn connect(stage: &Stage, visit: usize) -> Option<String> {
    for attempt in 1..=ATTEMPTS {
        let token = stage.history.state().visits.get(visit)?.token.clone();
        let id = stage.cloud.windows.open(visit);
        let endpoint = "https://live.example".to_owned();
        let connect = GatewayEvent::Connect { id: id.clone(), endpoint, token, origin: None };
        match stage.cloud.tell_of_window(connect).await {
            Some(200) => return Some(id),
            // Whoever asks for news gets a new token for one that does not hold any more.
            Some(401) => look(stage, visit).await,
            Some(status) if status < 500 => {
                stage.cloud.complain(format!("a visitor's window was answered {status}"));
                return None;
            }
            _ => stage.cloud.windows.close(&id),
        }
        tokio::time::sleep(Duration::from_secs(1) * attempt).await;
    }
    None
}

/// A window says that its visitor is writing, and that it is still there.
pub(crate) async fn says_so(stage: &Stage, window: &str) {
    for text in [r#"{"type":"typing"}"#, r#"{"type":"ping"}"#] {
        let message = GatewayEvent::Message { id: window.to_owned(), text: text.to_owned() };
        stage.cloud.tell_of_window(message).await;
    }
}

/// A window is closed, of which the gateway tells once at most.
pub(crate) async fn disconnect(stage: &Stage, window: &str, is_told: bool) {
    stage.cloud.windows.close(window);
    if is_told {
        stage.cloud.tell_of_window(GatewayEvent::Disconnect { id: window.to_owned() }).await;
    }
}
