//! Moments, for people.

use std::time::{Duration, SystemTime};

use cloakroom::UnixMillis;

/// A moment and how long ago it was: what a `<time>` element needs.
#[derive(Debug)]
pub(crate) struct Ago {
    /// For machines: RFC 3339.
    pub(crate) exact: String,
    /// For people: "5 minutes ago".
    pub(crate) text: String,
}

impl Ago {
    pub(crate) fn new(moment: UnixMillis, now: UnixMillis) -> Self {
        let exact = humantime::format_rfc3339_seconds(SystemTime::from(moment)).to_string();
        Self { exact, text: in_words(now.since(moment)) }
    }
}

fn in_words(ago: Duration) -> String {
    let (number, unit) = match ago.as_secs() {
        0..60 => return "just now".to_owned(),
        seconds @ 60..3_600 => (seconds / 60, "minute"),
        seconds @ 3_600..86_400 => (seconds / 3_600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_whole_unit_is_said() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }
}
