//! The desk in one deterministic test: with bots, mailboxes and the site's chat, from the webhook to the platform's answer.
//!
//! Time is virtual, chance comes from one seed, and everything outside the functions is in memory and behaves as badly
//! as its contract allows: [`engine`] has DynamoDB and SQS, [`platform`] Telegram and a provider of mail, [`cloud`] the
//! services that call functions, and [`fault`] strikes every effect that functions have. [`journey`] has the people,
//! [`history`] what they know, [`invariants`] what must hold of it. [`run`] puts them together, [`crashes`] strikes
//! every effect of some stories in every way.
//!
//! The same seed gives the same run. `tests/simulate --from SEED --seeds 1 --trace` shows one, and
//! `--struck STORY/NUMBER:FATE,… --trace` a plan of crashes.

pub mod chance;
pub mod cloud;
pub mod crashes;
pub mod engine;
pub mod fault;
pub mod history;
pub mod invariants;
pub mod journey;
pub mod platform;
pub mod run;
pub mod time;
pub mod trace;
