use jiff::ToSpan;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};
use ulid::Ulid;

use super::*;

/// Every zone whose offset moves in a way of its own: by 30 minutes or two hours, at midnight, for Ramadan, over
/// a whole day, or never.
const ZONES: [&str; 20] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
];

fn id() -> CalendarId {
    CalendarId::new(Ulid::from_parts(1, 1))
}

fn calendar(zone: &str, week: Value) -> Calendar {
    with_dates(zone, week, json!([]), json!([])).unwrap()
}

fn with_dates(
    zone: &str,
    week: Value,
    holidays: Value,
    exceptions: Value,
) -> Result<Calendar, serde_json::Error> {
    serde_json::from_value(json!({
        "id": id(), "name": "Hours", "time_zone": zone,
        "week": week, "holidays": holidays, "exceptions": exceptions,
    }))
}

fn hours(spans: &[(&str, &str)]) -> Value {
    spans.iter().map(|(start, end)| json!({"start": start, "end": end})).collect()
}

/// The same hours from Monday to Friday.
fn weekdays(spans: &[(&str, &str)]) -> Value {
    let day = hours(spans);
    json!({"monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day})
}

fn every_day(spans: &[(&str, &str)]) -> Value {
    let mut week = weekdays(spans);
    week["saturday"] = hours(spans);
    week["sunday"] = hours(spans);
    week
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const HOUR: u64 = 3600;

#[test]
fn friday_evening_goes_on_monday_morning() {
    let office = calendar("UTC", weekdays(&[("09:00", "17:00")]));
    assert_eq!(office.add(at("2026-01-09T16:30Z"), HOUR), Some(at("2026-01-12T09:30Z")));
    assert_eq!(office.between(at("2026-01-09T16:30Z"), at("2026-01-12T09:30Z")), HOUR);
}

#[test]
fn a_moment_outside_the_hours_starts_at_the_next_opening() {
    let office = calendar("UTC", weekdays(&[("09:00", "17:00")]));
    for moment in ["2026-01-12T03:00Z", "2026-01-12T09:00Z", "2026-01-10T12:00Z", "2026-01-09T17:00Z"] {
        assert_eq!(office.add(at(moment), 60), Some(at("2026-01-12T09:01Z")), "{moment}");
    }
}

#[test]
fn time_that_ends_at_closing_ends_at_closing() {
    let office = calendar("UTC", weekdays(&[("09:00", "17:00")]));
    assert_eq!(office.add(at("2026-01-09T16:00Z"), HOUR), Some(at("2026-01-09T17:00Z")));
    assert_eq!(office.add(at("2026-01-09T16:00Z"), HOUR + 1), Some(at("2026-01-12T09:00:01Z")));
    assert_eq!(office.add(at("2026-01-10T16:00Z"), 0), Some(at("2026-01-10T16:00Z")));
}

#[test]
fn fractions_of_a_second_are_kept() {
    let office = calendar("UTC", weekdays(&[("09:00", "17:00")]));
    let (from, to) = (at("2026-01-09T16:59:59.25Z"), at("2026-01-12T09:00:00.25Z"));
    assert_eq!(office.add(from, 1), Some(to));
    assert_eq!(office.between(from, to), 1);
    assert_eq!(office.between(from, at("2026-01-12T09:00:00.24Z")), 0);
}

#[test]
fn a_lunch_break_does_not_count() {
    let office = calendar("UTC", weekdays(&[("14:00", "18:00"), ("09:00", "13:00")]));
    assert_eq!(office.add(at("2026-01-09T12:30Z"), HOUR), Some(at("2026-01-09T14:30Z")));
    assert_eq!(office.between(at("2026-01-09T00:00Z"), at("2026-01-10T00:00Z")), 8 * HOUR);
}

#[test]
fn a_whole_day_ends_at_24() {
    let always = calendar("UTC", every_day(&[("00:00", "24:00")]));
    assert_eq!(always.add(at("2026-01-09T23:30Z"), HOUR), Some(at("2026-01-10T00:30Z")));
    let week = 7 * 24 * HOUR;
    assert_eq!(always.between(at("2026-01-01T00:00Z"), at("2026-01-08T00:00Z")), week);
    let evening = calendar("UTC", weekdays(&[("18:00", "24:00")]));
    assert_eq!(evening.add(at("2026-01-09T23:30Z"), HOUR), Some(at("2026-01-12T18:30Z")));
    assert_eq!(calendar("UTC", weekdays(&[("18:00", "00:00")])).add(at("2026-01-09T23:30Z"), 60), {
        Some(at("2026-01-09T23:31Z"))
    });
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
    let night = calendar("UTC", weekdays(&[("22:00", "06:00")]));
    assert_eq!(night.add(at("2026-01-09T23:00Z"), 2 * HOUR), Some(at("2026-01-10T01:00Z")));
    assert_eq!(night.between(at("2026-01-10T00:00Z"), at("2026-01-12T00:00Z")), 6 * HOUR);
    // Monday, 2 o'clock: the night of Sunday, which has none.
    assert_eq!(night.add(at("2026-01-12T02:00Z"), HOUR), Some(at("2026-01-12T23:00Z")));
}

#[test]
fn overlapping_hours_count_once() {
    let week = json!({
        "monday": hours(&[("08:00", "12:00"), ("09:00", "10:00"), ("11:00", "13:00"), ("22:00", "03:00")]),
        "tuesday": hours(&[("01:00", "04:00")]),
    });
    let shifts = calendar("UTC", week);
    assert_eq!(shifts.between(at("2026-01-12T00:00Z"), at("2026-01-13T00:00Z")), 7 * HOUR);
    assert_eq!(shifts.between(at("2026-01-13T00:00Z"), at("2026-01-14T00:00Z")), 4 * HOUR);
}

#[test]
fn holidays_have_no_hours_and_exceptions_their_own() {
    let holidays = json!([{"date": "2026-12-25", "name": "Christmas"}]);
    let exceptions = json!([
        {"date": "2026-12-26", "hours": [{"start": "10:00", "end": "11:00"}]},
        {"date": "2026-12-24", "hours": [{"start": "09:00", "end": "12:00"}]},
    ]);
    let office = with_dates("UTC", weekdays(&[("09:00", "17:00")]), holidays, exceptions).unwrap();
    // Thursday 24th until noon, Friday 25th not at all, Saturday 26th for an hour, Monday 28th as usual.
    assert_eq!(office.add(at("2026-12-24T11:00Z"), HOUR), Some(at("2026-12-24T12:00Z")));
    assert_eq!(office.add(at("2026-12-24T11:00Z"), 2 * HOUR), Some(at("2026-12-26T11:00Z")));
    assert_eq!(office.add(at("2026-12-24T11:00Z"), 3 * HOUR), Some(at("2026-12-28T10:00Z")));
}

#[test]
fn a_holiday_does_not_cut_the_night_before() {
    let holidays = json!([{"date": "2026-12-25", "name": "Christmas"}]);
    let night = with_dates("UTC", weekdays(&[("22:00", "06:00")]), holidays, json!([])).unwrap();
    assert_eq!(night.between(at("2026-12-25T00:00Z"), at("2026-12-26T12:00Z")), 6 * HOUR);
}

#[test]
fn the_clock_change_makes_nights_shorter_and_longer() {
    let night = [("00:00", "06:00")];
    // Zone, the day of the change, and the working seconds from its midnight to 06:00.
    let days = [
        ("Europe/Berlin", date(2026, 3, 29), 5 * HOUR),
        ("Europe/Berlin", date(2026, 10, 25), 7 * HOUR),
        ("America/New_York", date(2026, 3, 8), 5 * HOUR),
        ("America/New_York", date(2026, 11, 1), 7 * HOUR),
        ("Australia/Lord_Howe", date(2026, 10, 4), 11 * HOUR / 2),
        ("Australia/Lord_Howe", date(2026, 4, 5), 13 * HOUR / 2),
        // Morocco goes back for Ramadan and forward after it.
        ("Africa/Casablanca", date(2026, 2, 15), 7 * HOUR),
        ("Africa/Casablanca", date(2026, 3, 22), 5 * HOUR),
    ];
    for (zone, day, seconds) in days {
        let shifts = calendar(zone, every_day(&night));
        let midnight = day.in_tz(zone).unwrap().timestamp();
        let six = day.at(6, 0, 0, 0).in_tz(zone).unwrap().timestamp();
        assert_eq!(shifts.between(midnight, six), seconds, "{zone} {day}");
        assert_eq!(shifts.add(midnight, seconds), Some(six), "{zone} {day}");
    }
}

#[test]
fn hours_that_lie_in_the_skipped_hour_do_not_count() {
    let early = calendar("Europe/Berlin", every_day(&[("02:00", "03:00")]));
    assert_eq!(early.add(at("2026-03-28T22:00Z"), 60), Some(at("2026-03-30T00:01Z")));
    // In autumn the hour comes twice, and so does its first half.
    let half = calendar("Europe/Berlin", every_day(&[("02:00", "02:30")]));
    assert_eq!(half.add(at("2026-10-24T22:00Z"), HOUR), Some(at("2026-10-25T01:30Z")));
}

#[test]
fn a_calendar_without_hours_has_no_deadline() {
    let never = calendar("UTC", json!({}));
    assert_eq!(never.add(at("2026-01-09T16:30Z"), 1), None);
    assert_eq!(never.between(at("2026-01-09T16:30Z"), at("2027-01-09T16:30Z")), 0);
    let always = calendar("UTC", every_day(&[("00:00", "24:00")]));
    assert_eq!(always.add(at("2026-01-09T16:30Z"), u64::MAX), None);
    assert_eq!(always.add(Timestamp::MAX, 1), None);
    assert_eq!(always.between(at("2026-01-09T16:30Z"), at("2026-01-09T16:00Z")), 0);
}

#[test]
fn without_a_calendar_every_second_counts() {
    let (from, to) = (at("2026-01-09T16:30Z"), at("2026-01-10T16:30Z"));
    assert_eq!(add(None, from, 24 * HOUR), Some(to));
    assert_eq!(between(None, from, to), 24 * HOUR);
    assert_eq!(between(None, to, from), 0);
    assert_eq!(add(None, from, u64::MAX), None);
    let office = Calendar::default_hours(id(), Zone::try_from("UTC").unwrap());
    assert_eq!(add(Some(&office), from, 2 * HOUR), Some(at("2026-01-12T09:30Z")));
    assert_eq!(between(Some(&office), from, to), 3 * HOUR / 2);
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let refused = |zone: &str, week: Value, holidays: Value, exceptions: Value| {
        with_dates(zone, week, holidays, exceptions).unwrap_err().to_string()
    };
    let none = || json!([]);
    assert!(refused("Mars/Olympus", json!({}), none(), none()).contains("`Mars/Olympus`"));
    assert!(refused("Etc/Unknown", json!({}), none(), none()).contains("`Etc/Unknown`"));
    assert!(refused("UTC", json!({"moonday": []}), none(), none()).contains("moonday"));
    for (start, end) in
        [("9:00", "18:00"), ("09:00", "24:01"), ("24:00", "09:00"), ("09:60", "18:00"), ("", "+1:00")]
    {
        let error = refused("UTC", json!({"monday": hours(&[(start, end)])}), none(), none());
        assert!(error.contains("is no time of the day"), "{start} {end}: {error}");
    }
    assert!(refused("UTC", weekdays(&[("09:00", "09:00")]), none(), none()).contains("ends at 09:00"));
    let many = hours(&[("09:00", "10:00"); 25]);
    assert!(refused("UTC", json!({"sunday": many.clone()}), none(), none()).starts_with("week.sunday"));
    let date = "2026-12-25";
    let crowded = json!([{"date": date, "hours": many}]);
    assert!(refused("UTC", json!({}), none(), crowded).starts_with("exceptions[0].hours"));
    let nameless = json!([{"date": date, "name": " "}]);
    assert!(refused("UTC", json!({}), nameless, none()).starts_with("holidays[0].name"));
    let holiday = json!([{"date": date, "name": "Christmas"}]);
    let special = json!([{"date": date, "hours": []}]);
    assert!(refused("UTC", json!({}), holiday.clone(), special.clone()).contains(date));
    let twice = json!([special[0], special[0]]);
    assert!(refused("UTC", json!({}), none(), twice).contains("named twice"));
    let too_many: Value = (0..401).map(|_| holiday[0].clone()).collect();
    assert!(refused("UTC", json!({}), too_many, none()).contains("at most 400 dates"));
    let extra = json!({"name": "Hours", "time_zone": "UTC", "hollidays": []});
    assert!(serde_json::from_value::<Schedule>(extra).unwrap_err().to_string().contains("hollidays"));
}

#[test]
fn the_stored_form_is_the_form_of_the_api() {
    let office = Calendar::default_hours(id(), Zone::try_from("europe/berlin").unwrap());
    let stored = serde_json::to_value(&office).unwrap();
    assert_eq!(stored["id"], json!(id()));
    assert_eq!(stored["time_zone"], "Europe/Berlin");
    assert_eq!(stored["week"]["friday"], hours(&[("09:00", "18:00")]));
    assert_eq!(stored["week"]["sunday"], json!([]));
    assert_eq!(serde_json::from_value::<Calendar>(stored).unwrap(), office);
    assert_eq!(Calendar::new(id(), office.schedule().clone()).unwrap(), office);
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

fn any_day() -> impl Strategy<Value = Vec<(u16, u16)>> {
    // Quarters of an hour meet the changes of the clocks, and each other, more often than any minutes.
    let time = prop_oneof![3 => (0..96_u16).prop_map(|quarter| quarter * 15), 1 => 0..1440_u16];
    let interval = (time.clone(), prop_oneof![9 => time, 1 => Just(1440)]);
    prop::collection::vec(interval.prop_filter("not empty", |(start, end)| start != end), 0..4)
}

/// A moment within two days before a change of the zone's offset, and hours to be counted from it.
fn any_case() -> impl Strategy<Value = (&'static str, Plan, Timestamp)> {
    let moment = (prop::sample::select(&ZONES[..]), 0..60_usize, 0..172_800_i64);
    let dates = (0..4_i32, 4..6_i32, any_day());
    (moment, prop::collection::vec(any_day(), 7), dates)
        .prop_map(|((name, index, before), week, dates)| {
            let zone = TimeZone::get(name).unwrap();
            let change = zone.following(at("2005-01-01T00:00Z")).nth(index);
            let change = change.map_or(at("2026-03-29T01:00Z"), |change| change.timestamp());
            let from = change - before.seconds();
            let day = |offset: i32| zone.to_datetime(from).date() + offset.days();
            (name, Plan { week, holiday: day(dates.0), exception: (day(dates.1 - 3), dates.2) }, from)
        })
        .prop_filter("one date, one word", |(_, plan, _)| plan.holiday != plan.exception.0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counting_agrees_with_counting_by_hand((name, plan, from) in any_case(), seconds in 1..200_000_u64) {
        let (calendar, zone) = (plan.calendar(name), TimeZone::get(name).unwrap());
        let end = from + 120.hours();
        let (mut counted, mut deadline, mut minute) = (0, None, from);
        while minute < end {
            // Offsets change on the minute, so that within one nothing does.
            let rest = 60 - minute.as_second().rem_euclid(60);
            let next = (minute + rest.seconds()).min(end);
            if plan.works(zone.to_datetime(minute)) {
                let length = u64::try_from(minute.duration_until(next).as_secs()).unwrap();
                if deadline.is_none() && counted + length >= seconds {
                    deadline = add(None, minute, seconds - counted);
                }
                counted += length;
            }
            minute = next;
        }
        prop_assert_eq!(calendar.between(from, end), counted);
        let added = calendar.add(from, seconds);
        match deadline {
            Some(_) => prop_assert_eq!(added, deadline),
            None => prop_assert!(added.is_none_or(|added| added > end)),
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
