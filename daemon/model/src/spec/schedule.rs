//! Schedules of a `CronJob`: five fields or a name, as the controller reads them
//! (`robfig/cron` `ParseStandard`).

use chrono::{TimeZone, Utc};
use croner::parser::{CronParser, Seconds, Year};

const NAMED: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Names of months and weekdays.
const NAMES: [&str; 19] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "sun",
    "mon", "tue", "wed", "thu", "fri", "sat",
];

/// Returns the fault of a schedule. `None` means that it has none.
pub(super) fn problem(text: &str) -> Option<String> {
    let expected = "must be five fields, minute to weekday, such as `30 3 * * *`, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`";
    if NAMED.contains(&text) {
        return None;
    }
    if text.contains("TZ=") {
        return Some("must not hold a time zone; say `timezone`".into());
    }
    // The library also reads what the controller does not: `L`, `W`, `#`.
    let names = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|name| !name.is_empty());
    let foreign = names.map(str::to_lowercase).any(|name| !NAMES.contains(&&*name));
    let odd = |c: char| !(c.is_ascii_alphanumeric() || " *,-/?".contains(c));
    if text.starts_with('@')
        || foreign
        || text.contains(odd)
        || text.split_whitespace().count() != 5
    {
        return Some(expected.into());
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = match parser.parse(&text.replace('?', "*")) {
        Ok(cron) => cron,
        Err(error) => return Some(format!("{expected}; {error}")),
    };
    // Just before a leap year, so that 29 February is found.
    let from = Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).single()?;
    match cron.find_next_occurrence(&from, true) {
        Ok(_) => None,
        Err(_) => Some("never comes: no month has such a day".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_controller_takes_and_what_comes() {
        for good in ["30 3 * * *", "*/5 * * * *", "0 0 29 2 *", "0 9 * JAN-MAR MON-FRI", "@daily"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for (bad, expected) in [
            ("0 0 30 2 *", "never comes"),
            ("0 0 31 4,6 *", "never comes"),
            ("61 * * * *", "five fields"),
            ("* * * *", "five fields"),
            ("* * * * * *", "five fields"),
            ("0 0 L * *", "five fields"),
            ("@often", "five fields"),
            ("TZ=UTC 0 0 * * *", "time zone"),
            ("", "five fields"),
        ] {
            let found = problem(bad).unwrap_or_else(|| panic!("`{bad}` is taken"));
            assert!(found.contains(expected), "{bad}: {found}");
        }
    }
}
