//! The application that the bench measures does what the bench takes it to do.

use std::process::Command;

use cloakroom_bench_load::{Action, Answer, Order, Subject};

#[test]
fn every_order_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let mut subject =
        Subject::start(Command::new(env!("CARGO_BIN_EXE_ours")).args(["--store", &store]));
    assert!(subject.port() > 0);
    let done = |answer| assert!(matches!(answer, Answer::Done), "{answer:?}");

    done(subject.order(&Order::Fill(8)));
    let cookies = folder.path().join("cookies");
    done(subject.order(&Order::Cookies(cookies.clone())));
    let cookies = std::fs::read_to_string(cookies).unwrap();
    assert_eq!(cookies.lines().filter(|line| line.contains('=')).count(), 8);
    for action in [Action::Untouched, Action::Read, Action::Write, Action::Create, Action::Cycle] {
        done(subject.order(&Order::Once(action, 8)));
        let Answer::Rate(rate) = subject.order(&Order::Load(Action::Read, 4, 1)) else {
            panic!("no rate")
        };
        assert!(rate > 0.0, "{action:?}");
    }
    let Answer::Keys(keys) = subject.order(&Order::Writers(20)) else { panic!("no keys") };
    assert_eq!(keys, 20);
    done(subject.order(&Order::Once(Action::Destroy, 8)));
}
