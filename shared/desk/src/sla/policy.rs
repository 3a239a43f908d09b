//! What is promised to whom.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Aim, Metric};
use crate::calendar::{self, Calendar};
use crate::channel::{Channel, ChannelClass};
use crate::ids::{CalendarId, PolicyId};
use crate::settings::Settings;
use crate::ticket::Priority;

/// A set of promises and when it applies. The first that matches, by position, is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// The id.
    pub id: PolicyId,
    /// The name.
    pub name: String,
    /// Lower ones are tried first.
    pub position: u32,
    /// When it applies.
    #[serde(default)]
    pub conditions: Conditions,
    /// The working hours that count; around the clock without one.
    #[serde(default)]
    pub calendar: Option<CalendarId>,
    /// Seconds to the first answer.
    #[serde(default)]
    pub first_response: Option<u64>,
    /// Seconds to each later answer.
    #[serde(default)]
    pub next_response: Option<u64>,
    /// Seconds to the solution.
    #[serde(default)]
    pub resolution: Option<u64>,
    /// How much of a target may be used up before the warning, in per cent; no warning without it.
    #[serde(default)]
    pub warn_percent: Option<u8>,
}

/// When a policy applies. An empty list matches everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Classes of channels.
    #[serde(default)]
    pub classes: Vec<ChannelClass>,
    /// Channels.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Priorities.
    #[serde(default)]
    pub priorities: Vec<Priority>,
}

impl Policy {
    /// Whether the policy applies to a ticket of that class, channel and priority.
    pub fn matches(
        &self,
        class: Option<ChannelClass>,
        channel: Option<&Channel>,
        priority: Priority,
    ) -> bool {
        let Conditions { classes, channels, priorities } = &self.conditions;
        (classes.is_empty() || class.is_some_and(|class| classes.contains(&class)))
            && (channels.is_empty() || channel.is_some_and(|channel| channels.contains(channel)))
            && (priorities.is_empty() || priorities.contains(&priority))
    }

    /// Seconds that are promised for a metric, if any.
    pub const fn target(&self, metric: Metric) -> Option<u64> {
        match metric {
            Metric::FirstResponse => self.first_response,
            Metric::NextResponse => self.next_response,
            Metric::Resolution => self.resolution,
        }
    }
}

/// The policies of a new desk: site chat within a minute, messengers within five and social networks within thirty
/// minutes of `working_hours`; e-mail within a day around the clock. Warnings come after four fifths of the time.
pub fn default_policies(ids: [PolicyId; 4], working_hours: CalendarId) -> Vec<Policy> {
    let promises = [
        ("Site chat", ChannelClass::Chat, 60, Some(working_hours)),
        ("Messengers", ChannelClass::Messenger, 5 * 60, Some(working_hours)),
        ("Social networks", ChannelClass::Social, 30 * 60, Some(working_hours)),
        ("E-mail", ChannelClass::Email, 24 * 60 * 60, None),
    ];
    let policy = |((id, position), (name, class, seconds, calendar))| Policy {
        id,
        name: String::from(name),
        position,
        conditions: Conditions { classes: vec![class], ..Conditions::default() },
        calendar,
        first_response: Some(seconds),
        next_response: Some(seconds),
        resolution: None,
        warn_percent: Some(80),
    };
    ids.into_iter().zip(1..).zip(promises).map(policy).collect()
}

/// What decides which promises a ticket gets.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Policies and calendars.
    pub settings: &'a Settings,
    /// The class of the ticket's channel.
    pub class: Option<ChannelClass>,
    /// The ticket's channel.
    pub channel: Option<&'a Channel>,
    /// The ticket's priority.
    pub priority: Priority,
}

impl<'a> Terms<'a> {
    /// The policy that applies: the first by position that matches.
    pub fn policy(&self) -> Option<&'a Policy> {
        let policies = self.settings.policies.iter();
        policies
            .filter(|policy| policy.matches(self.class, self.channel, self.priority))
            .min_by_key(|policy| policy.position)
    }

    /// The policy of that id, whether or not it applies.
    pub(super) fn policy_named(&self, id: PolicyId) -> Option<&'a Policy> {
        self.settings.policies.iter().find(|policy| policy.id == id)
    }

    /// The calendar of that id. A policy that names one that does not exist counts around the clock.
    pub(super) fn calendar(&self, id: Option<CalendarId>) -> Option<&'a Calendar> {
        self.settings.calendars.iter().find(|calendar| Some(calendar.id()) == id)
    }

    /// The moments that follow when `used` of `target` seconds are used up and a clock has been running `since`
    /// then. No moments while it stands still, and none when the calendar holds too few hours.
    pub(super) fn aim(
        &self,
        target: u64,
        calendar: Option<CalendarId>,
        warn_percent: Option<u8>,
        used: u64,
        since: Option<Timestamp>,
    ) -> Aim {
        let hours = self.calendar(calendar);
        let when_used = |share: u64| calendar::add(hours, since?, share.saturating_sub(used));
        let deadline = when_used(target);
        // A warning at the deadline itself would be none.
        let warn_at =
            warn_percent.filter(|percent| *percent < 100 && deadline.is_some()).and_then(|percent| {
                let percent = u64::from(percent);
                when_used(target / 100 * percent + target % 100 * percent / 100)
            });
        Aim { target, calendar, deadline, warn_at }
    }
}
