//! The whole desk in one process on SQLite, and the command line that talks to any desk.

mod client;
mod client_address;
mod commands;
mod demo;
mod downloads;
mod home;
mod links;
mod loops;
mod options;
mod polling;
mod serve;
mod smtp;
mod welcome;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Command, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.command {
        None => serve::run(options.serve).await.map_err(|error| error.to_string()),
        Some(Command::DeadLetters { desk, what }) => commands::dead_letters(&desk, what).await,
        Some(Command::Doctor { desk }) => commands::doctor(&desk).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            welcome::complain(&message);
            ExitCode::FAILURE
        }
    }
}
