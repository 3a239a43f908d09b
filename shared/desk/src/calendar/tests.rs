mod oracle;

use jiff::civil::date;
use serde_json::{Value, json};
use ulid::Ulid;

use super::*;

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
