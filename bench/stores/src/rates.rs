//! Requests a second.

use cloakroom_bench_load::{Action, Answer, Order, Subject};
use comfy_table::Table;

use crate::contenders::Programs;
use crate::{table, wrk};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) rounds: usize,
    pub(crate) millis: u64,
}

impl Length {
    pub(crate) const FULL: Self = Self { rounds: 7, millis: 2000 };
    pub(crate) const QUICK: Self = Self { rounds: 1, millis: 100 };
}

/// Requests at a time.
pub(crate) const CONNECTIONS: usize = 64;

/// Of the application without sessions, with ours and with the peer's, over HTTP.
pub(crate) fn over_http(programs: &Programs, store: &str, length: Length) -> Table {
    let bare = programs.bare();
    let mut both = programs.both([store; 2], false);
    let folder = tempfile::tempdir().unwrap();
    let files = ["ours", "peer"].map(|name| folder.path().join(name));
    for (subject, file) in both.iter_mut().zip(&files) {
        subject.order(&Order::Cookies(file.clone()));
    }
    let mut table = table(["request", "bare", "ours", "peer", "ours / peer", "ours / bare"]);
    for action in [Action::Untouched, Action::Read, Action::Write] {
        let rate = |subject: &Subject, file| {
            wrk::rate(subject.port(), action, file, CONNECTIONS, length.millis)
        };
        let [bare, ours, peer] = rounds(length, |round| {
            // Each goes first in its turn, so that none is always the one after a certain other.
            let mut rates = [0.0; 3];
            for turn in 0..3 {
                let contender = (round + turn) % 3;
                rates[contender] = match contender {
                    // The same bytes as ours.
                    0 => rate(&bare, &files[0]),
                    _ => rate(&both[contender - 1], &files[contender - 1]),
                };
            }
            rates
        });
        table.add_row([
            format!("{action:?}").to_lowercase(),
            format!("{bare:.0}"),
            format!("{ours:.0}"),
            format!("{peer:.0}"),
            format!("{:.2}", ours / peer),
            format!("{:.2}", ours / bare),
        ]);
    }
    table
}

/// Of the application with ours and with the peer's, by tasks in its own process.
pub(crate) fn of_tasks(programs: &Programs, stores: [&str; 2], length: Length) -> Table {
    let mut both = programs.both(stores, false);
    let mut table = table(["request", "tasks", "ours", "peer", "ours / peer"]);
    for (action, tasks) in [
        (Action::Read, 1),
        (Action::Write, 1),
        (Action::Create, 1),
        (Action::Read, CONNECTIONS),
        (Action::Write, CONNECTIONS),
        (Action::Create, CONNECTIONS),
    ] {
        let [ours, peer] = rounds(length, |round| {
            let mut rates = [0.0; 2];
            for turn in 0..2 {
                let contender = (round + turn) % 2;
                let order = Order::Load(action, tasks, length.millis);
                let Answer::Rate(rate) = both[contender].order(&order) else { panic!("no rate") };
                rates[contender] = rate;
            }
            rates
        });
        table.add_row([
            format!("{action:?}").to_lowercase(),
            tasks.to_string(),
            format!("{ours:.0}"),
            format!("{peer:.0}"),
            format!("{:.2}", ours / peer),
        ]);
    }
    table
}

/// The median of each contender.
pub(crate) fn rounds<const N: usize>(
    length: Length,
    mut round: impl FnMut(usize) -> [f64; N],
) -> [f64; N] {
    let rounds: Vec<_> = (0..length.rounds).map(&mut round).collect();
    std::array::from_fn(|contender| {
        let mut rates: Vec<_> = rounds.iter().map(|rates| rates[contender]).collect();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    })
}
