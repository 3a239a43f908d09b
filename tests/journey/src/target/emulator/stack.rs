//! What is deployed, and how.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::target::local::root;
use crate::target::signing::signed;
use crate::{client, eventually};

/// How the emulator is started unless `LAMBDESK_EMULATOR_UP` tells.
const UP: &str = ".venv/bin/python tests/emulator/up.py";
/// How long the deployed desk may take to answer for the first time.
const START: Duration = Duration::from_secs(60);

/// What is deployed.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) told: Value,
    pub(super) token: String,
    /// Holds the emulator: it ends when this side of its standard input is closed, however that comes about.
    _emulator: Option<Child>,
}

impl Stack {
    /// Starts the emulator, deploys the template, and makes the first token.
    pub(super) fn deploy() -> Self {
        let (told, emulator) = match std::env::var("LAMBDESK_STACK") {
            // Somebody started it for us.
            Ok(line) => (line, None),
            Err(_) => start(),
        };
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
        let mut stack = Self { told, token: String::new(), _emulator: emulator };
        // A runtime of its own: this is called once, from whichever test comes first.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        stack.token = runtime.block_on(async {
            let client = client();
            let health = format!("{}/health", stack.text("api_base_url"));
            eventually("the deployed desk answers", START, async || match client.get(&health).send().await {
                Ok(response) if response.status() == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;
            let made = stack.invoke(&client, "ApiFunction", &json!({"command": "create-token"})).await;
            made["token"].as_str().unwrap_or_else(|| panic!("there is no token in {made:#}")).to_owned()
        });
        stack
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap_or_else(|| panic!("the stack tells no `{name}`: {:#}", self.told))
    }

    /// Invokes a function by its name in the template.
    pub(super) async fn invoke(&self, client: &reqwest::Client, function: &str, event: &Value) -> Value {
        let name = self.told["functions"][function]
            .as_str()
            .unwrap_or_else(|| panic!("the stack has no function `{function}`: {:#}", self.told));
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.text("endpoint"));
        let request =
            signed("POST", "lambda", self.text("region"), &url, &[], event.to_string().into_bytes());
        let response = client.execute(request).await.expect("the emulator answers");
        let status = response.status();
        let text = response.text().await.expect("an invocation has an answer");
        assert!(status.is_success(), "{function}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

fn start() -> (String, Option<Child>) {
    let command = std::env::var("LAMBDESK_EMULATOR_UP").unwrap_or_else(|_| UP.to_owned());
    let mut words = command.split_whitespace();
    let mut child = Command::new(words.next().expect("the command names a program"))
        .args(words)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{command}` does not start: {error}"));
    let output = child.stdout.take().expect("the output is a pipe");
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("the emulator tells what it deployed");
    assert!(line.starts_with('{'), "`{command}` did not deploy the desk; it said: {line}");
    (line, Some(child))
}
