//! Working time counted by hand, minute by minute, around the changes of the clocks.

use jiff::ToSpan;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

/// Every zone whose offset moves in a way of its own: by 30 minutes or two hours, at midnight, for Ramadan, by
/// decree, over a whole day, or never.
const ZONES: [&str; 40] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Juba",
    "Africa/Sao_Tome",
    "America/Asuncion",
    "America/Caracas",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Macquarie",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Fiji",
    "Pacific/Norfolk",
    "UTC",
];

/// The years whose changes are all looked at.
const YEARS: std::ops::Range<&str> = "2004-01-01T00:00Z".."2031-01-01T00:00Z";

/// How much is counted by hand around each change, in minutes: a day on both sides of it.
const AROUND: i64 = 2 * 24 * 60;
/// How much is counted by hand from any moment: more than a week, so that each day of it comes again.
const LONG: i64 = 10 * 24 * 60;

/// The moments at which a zone's offset changes; one moment where it never does.
fn changes(name: &str) -> Vec<Timestamp> {
    let zone = TimeZone::get(name).unwrap();
    let end = at(YEARS.end);
    let found: Vec<Timestamp> =
        zone.following(at(YEARS.start)).map(|change| change.timestamp()).take_while(|at| *at < end).collect();
    if found.is_empty() { vec![at("2026-03-29T01:00Z")] } else { found }
}

/// Hours as minutes, for the count by hand: by weekday from Monday, and those of two dates.
#[derive(Debug, Clone)]
struct Plan {
    week: Vec<Vec<(u16, u16)>>,
    holiday: Date,
    exception: (Date, Vec<(u16, u16)>),
}

impl Plan {
    fn calendar(&self, zone: &str) -> Calendar {
        let text = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let hours = |day: &[(u16, u16)]| -> Value {
            day.iter().map(|(start, end)| json!({"start": text(*start), "end": text(*end)})).collect()
        };
        let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let week: serde_json::Map<_, _> =
            names.iter().zip(&self.week).map(|(name, day)| ((*name).to_owned(), hours(day))).collect();
        let holidays = json!([{"date": self.holiday, "name": "Holiday"}]);
        let exceptions = json!([{"date": self.exception.0, "hours": hours(&self.exception.1)}]);
        with_dates(zone, Value::Object(week), holidays, exceptions).unwrap()
    }

    fn day(&self, date: Date) -> &[(u16, u16)] {
        match date {
            date if date == self.exception.0 => &self.exception.1,
            date if date == self.holiday => &[],
            date => &self.week[date.weekday().to_monday_zero_offset() as usize],
        }
    }

    /// Whether the wall clock shows working time.
    fn works(&self, wall: DateTime) -> bool {
        let minute = wall.hour() as u16 * 60 + wall.minute() as u16;
        let today = self
            .day(wall.date())
            .iter()
            .any(|(start, end)| *start <= minute && (minute < *end || end < start));
        let yesterday = self.day(wall.date().yesterday().unwrap()).iter();
        today || yesterday.into_iter().any(|(start, end)| end < start && minute < *end)
    }
}

/// What the wall clock showed, minute by minute, from a full minute on. Offsets change on the minute, so that within
/// one nothing does.
struct ByHand {
    from: Timestamp,
    works: Vec<bool>,
    /// The working seconds before each minute, and before the end.
    before: Vec<u64>,
}

impl ByHand {
    fn count(plan: &Plan, zone: &TimeZone, from: Timestamp, minutes: i64) -> Self {
        let works: Vec<bool> =
            (0..minutes).map(|minute| plan.works(zone.to_datetime(from + minute.minutes()))).collect();
        let mut before = vec![0];
        before.extend(works.iter().scan(0, |sum, works| {
            *sum += if *works { 60 } else { 0 };
            Some(*sum)
        }));
        Self { from, works, before }
    }

    fn seconds(&self) -> i64 {
        60 * i64::try_from(self.works.len()).unwrap()
    }

    fn end(&self) -> Timestamp {
        self.from + self.seconds().seconds()
    }

    /// The working seconds up to that many seconds behind the start.
    fn until(&self, second: i64) -> u64 {
        let (minute, rest) = (usize::try_from(second / 60).unwrap(), second.unsigned_abs() % 60);
        self.before[minute] + if self.works.get(minute) == Some(&true) { rest } else { 0 }
    }

    /// The first moment with so much working time behind that second, within what was counted.
    fn deadline(&self, second: i64, seconds: u64) -> Option<Timestamp> {
        let wanted = self.until(second) + seconds;
        // The first minute at whose end there is enough.
        let minute = self.before.iter().position(|before| *before >= wanted)?.checked_sub(1)?;
        let rest = i64::try_from(wanted - self.before[minute]).unwrap();
        Some(self.from + i64::try_from(minute).unwrap().minutes() + rest.seconds())
    }

    /// Whether a calendar says the same of a span and of a deadline, each from a second behind the start.
    fn check(&self, calendar: &Calendar, (start, length): (i64, i64), seconds: u64) {
        let all = self.seconds();
        let (start, stop) = (start.min(all), (start + length).min(all));
        let (from, to) = (self.from + start.seconds(), self.from + stop.seconds());
        assert_eq!(calendar.between(from, to), self.until(stop) - self.until(start), "from {from} to {to}");
        let added = calendar.add(from, seconds);
        match self.deadline(start, seconds) {
            Some(deadline) => assert_eq!(added, Some(deadline), "{seconds} s from {from}"),
            None => {
                assert!(added.is_none_or(|added| added > self.end()), "{seconds} s from {from}: {added:?}");
            }
        }
    }
}

fn any_day() -> impl Strategy<Value = Vec<(u16, u16)>> {
    // Quarters of an hour meet the changes of the clocks, and each other, more often than any minutes.
    let time = prop_oneof![3 => (0..96_u16).prop_map(|quarter| quarter * 15), 1 => 0..1440_u16];
    let interval = (time.clone(), prop_oneof![9 => time, 1 => Just(1440)]);
    prop::collection::vec(interval.prop_filter("not empty", |(start, end)| start != end), 0..5)
}

/// Hours for the days from a date on: a holiday and a special day are among the first of them.
fn any_plan(first: Date) -> impl Strategy<Value = Plan> {
    let dates = (0..3_i32, 1..3_i32, any_day());
    (prop::collection::vec(any_day(), 7), dates).prop_map(move |(week, (holiday, apart, special))| {
        let day = |offset: i32| first + (offset % 3).days();
        Plan { week, holiday: day(holiday), exception: (day(holiday + apart), special) }
    })
}

/// A second within the minutes that are counted, a length and an amount of working time, both of which may lead beyond.
fn any_question(minutes: i64) -> impl Strategy<Value = ((i64, i64), u64)> {
    ((0..minutes * 60, 0..minutes * 60), 1..minutes.unsigned_abs() * 52)
}

/// A zone, a full minute at most a day before a change of its offset, and hours to be counted from it.
fn any_case() -> impl Strategy<Value = (&'static str, Plan, Timestamp)> {
    (prop::sample::select(&ZONES[..]), any::<prop::sample::Index>(), 0..24 * 60_i64).prop_flat_map(
        |(name, which, before)| {
            let from = *which.get(&changes(name)) - before.minutes();
            let first = TimeZone::get(name).unwrap().to_datetime(from).date();
            any_plan(first).prop_map(move |plan| (name, plan, from))
        },
    )
}

/// How many changes of a zone's offset were looked at. `seed` makes the plans and questions, the same in every run.
fn check_changes(name: &str, seed: u8) -> usize {
    let mut chance =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let (zone, changes) = (TimeZone::get(name).unwrap(), changes(name));
    for change in &changes {
        let from = *change - 24.hours();
        let plan = any_plan(zone.to_datetime(from).date()).new_tree(&mut chance).unwrap().current();
        let (calendar, by_hand) = (plan.calendar(name), ByHand::count(&plan, &zone, from, AROUND));
        for _ in 0..8 {
            let (span, seconds) = any_question(AROUND).new_tree(&mut chance).unwrap().current();
            by_hand.check(&calendar, span, seconds);
        }
    }
    changes.len()
}

#[test]
fn every_change_of_the_clocks_agrees_with_counting_by_hand() {
    let seen: usize = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let zones = ZONES.iter().zip(0..).filter(move |(_, seed)| seed % 2 == half);
            scope.spawn(move || zones.map(|(name, seed)| check_changes(name, seed)).sum::<usize>())
        });
        halves.map(|half| half.join().unwrap()).iter().sum()
    });
    assert!(seen > 1000, "only {seen} changes");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counting_agrees_with_counting_by_hand(
        (name, plan, from) in any_case(),
        questions in prop::collection::vec(any_question(LONG), 1..20),
    ) {
        let (calendar, zone) = (plan.calendar(name), TimeZone::get(name).unwrap());
        let by_hand = ByHand::count(&plan, &zone, from, LONG);
        for (span, seconds) in questions {
            by_hand.check(&calendar, span, seconds);
        }
    }

    #[test]
    fn what_is_added_lies_between(
        (name, plan, from) in any_case(),
        seconds in 0..2_000_000_u64,
        more in 0..100_000_u64,
        nanosecond in 0..1_000_000_000_i64,
    ) {
        let (calendar, from) = (plan.calendar(name), from + nanosecond.nanoseconds());
        if let Some(end) = calendar.add(from, seconds) {
            prop_assert!(end >= from);
            prop_assert_eq!(calendar.between(from, end), seconds);
            let later = calendar.add(from, seconds + more);
            prop_assert!(later.is_none_or(|later| later >= end));
            let started_later = calendar.add(from + i64::try_from(more).unwrap().seconds(), seconds);
            prop_assert!(started_later.is_none_or(|later| later >= end));
        }
    }
}
