//! The journeys: every one the same against the desk in one process and against the deployed one.
//!
//! Locally each journey has a desk of its own. The deployed desk is one for all; it is used when
//! `LAMBDESK_EMULATOR_UP` tells the command that starts it, or with `LAMBDESK_JOURNEY=emulator`, which runs these
//! journeys only; `LAMBDESK_JOURNEY=faults` runs the one on an AWS that fails. Most of a journey is waiting, so more
//! threads than processors are a gain: `--test-threads 8`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is not there fails the test, with its reason"
)]

mod bad_input;
mod chat;
mod chat_by_mail;
mod command_line;
mod crash;
mod crowd;
mod dead_letters;
mod delivery;
mod duplicates;
mod faults;
mod files;
mod mail;
mod polling;
mod question;
mod readme;
mod remarks;
mod service_levels;

use std::io::Write as _;

use serde_json::Value;

/// Whether a target is asked for; says so loudly when not.
fn runs(target: &str) -> bool {
    let only = std::env::var("LAMBDESK_JOURNEY").ok();
    let runs = match target {
        "emulator" => only.as_deref() == Some(target) || std::env::var_os("LAMBDESK_EMULATOR_UP").is_some(),
        "faults" => only.as_deref() == Some(target),
        _ => only.is_none_or(|only| only == target),
    };
    if !runs {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let why = match target {
            "emulator" => "set LAMBDESK_EMULATOR_UP or LAMBDESK_JOURNEY=emulator to run it",
            "faults" => "set LAMBDESK_JOURNEY=faults to run it",
            _ => "LAMBDESK_JOURNEY asks for others",
        };
        say(&format!("SKIPPED {name}: {why}"));
    }
    runs
}

/// Says something past the test runner, which swallows what passing tests print.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("the terminal is there");
}

macro_rules! journeys {
    ($($name:ident = $journey:path, $turn:ident;)*) => {
        mod local {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if crate::runs("local") {
                        $journey(&journey::stage::Stage::local(journey::target::Receiving::Webhook).await).await;
                    }
                }
            )*
        }

        mod emulator {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if crate::runs("emulator") {
                        $journey(&journey::stage::Stage::emulator(journey::target::Turn::$turn).await).await;
                    }
                }
            )*
        }
    };
}

journeys! {
    question_to_solution = crate::question::to_solution, Alone;
    question_reopens_and_follows_up = crate::question::reopens_and_follows_up, Alone;
    an_album_is_one_ticket = crate::files::an_album_is_one_ticket, Shared;
    files_go_both_ways = crate::files::both_ways, Shared;
    a_long_text_is_kept_whole = crate::files::a_long_text_is_kept_whole, Shared;
    deadlines_warn_and_break = crate::service_levels::warn_and_break, Alone;
    deadlines_pause_and_are_met = crate::service_levels::pause_and_are_met, Alone;
    deadlines_follow_priority_and_policy = crate::service_levels::follow_priority_and_policy, Alone;
    a_greeting_stops_no_clock = crate::service_levels::greeting_stops_no_clock, Shared;
    throttled_replies_keep_their_order = crate::delivery::throttled, Shared;
    a_scheduled_reply_waits_for_its_time = crate::delivery::scheduled, Shared;
    refused_requests_are_tried_again = crate::delivery::server_errors, Shared;
    an_unanswered_request_is_uncertain = crate::delivery::unanswered, Shared;
    a_broken_request_is_never_sent_twice = crate::delivery::broken, Shared;
    a_blocked_bot_fails_the_reply = crate::delivery::blocked, Shared;
    a_moved_group_is_followed = crate::delivery::moved, Shared;
    a_revoked_token_holds_replies = crate::delivery::revoked, Shared;
    repeated_webhooks_are_one_message = crate::duplicates::repeated, Shared;
    a_new_customer_has_one_ticket = crate::duplicates::one_ticket, Shared;
    many_customers_keep_their_order = crate::duplicates::many_customers, Shared;
    edits_and_reactions_are_noted = crate::remarks::edits_and_reactions, Shared;
    a_button_is_acknowledged = crate::remarks::button, Shared;
    a_start_is_greeted = crate::remarks::start, Shared;
    blocking_is_noted = crate::remarks::blocking, Shared;
    groups_are_heard_on_request = crate::remarks::groups, Shared;
    a_reaction_finds_its_topic = crate::remarks::topics, Shared;
    cards_and_places_are_shown = crate::remarks::cards_and_places, Shared;
    a_visitor_is_answered = crate::chat::answered, Shared;
    a_visitor_sends_a_file = crate::chat::file, Shared;
    forged_webhooks_are_refused = crate::bad_input::forged, Shared;
    strange_bodies_are_kept = crate::bad_input::strange, Shared;
    a_bottomless_body_is_kept = crate::bad_input::bottomless, Shared;
    logs_hold_no_secrets = crate::bad_input::logs_hold_no_secrets, Shared;
    a_dead_letter_is_seen_and_sent_again = crate::dead_letters::seen_and_sent_again, Aside;
}

/// A clock of a ticket.
fn clock<'a>(ticket: &'a Value, metric: &str) -> Option<&'a Value> {
    ticket["sla"].as_array()?.iter().find(|clock| clock["metric"] == metric)
}

/// The state of a clock of a ticket; null without one.
fn clock_state(ticket: &Value, metric: &str) -> Value {
    clock(ticket, metric).map_or(Value::Null, |clock| clock["state"].clone())
}
