//! Ending sessions at one process while the other uses them.

use cloakroom::testkit::client::{Answer, Visitor};
use serde_json::json;
use tokio::task::JoinSet;

use crate::pair::{Pair, name_of};
use crate::stores::Place;

/// How often a race is run; each time its requests begin and wait at other moments.
const ROUNDS: usize = 12;

pub(crate) async fn s_064_what_one_process_ends_has_ended_on_the_other(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    let bob = pair.signed_in(1, "bob").await;
    for round in 0..4 {
        let mut ada = Vec::new();
        for n in 0..3 {
            ada.push(pair.signed_in(n, "ada").await);
        }
        for visitor in &ada {
            assert!(pair.is_alive(visitor).await);
        }
        // One signs out elsewhere than they came in; an operator ends the others, at either process.
        pair.moved(&ada[0], 1).does("/sign-out", "").await;
        assert!(!pair.is_alive(&ada[0]).await);
        assert_eq!(pair.revoke(round, "ada").await, 2);
        for visitor in &ada {
            assert!(!pair.is_alive(visitor).await);
        }
        assert_eq!(pair.revoke(round + 1, "ada").await, 0);
        assert!(pair.is_alive(&bob).await);
    }
}

/// Starts requests of one visitor at both processes, which wait for a while after they have loaded their session.
fn use_everywhere(pair: &Pair, visitor: &Visitor, round: usize) -> JoinSet<(Visitor, Answer)> {
    let requests = [
        ("GET", "/slow?delay=", ""),
        ("POST", "/slow/k?delay=", "1"),
        ("POST", "/incr/n?delay=", ""),
        ("POST", "/push/l", "1"),
        ("POST", "/max-age", r#"{"seconds":900}"#),
    ];
    let mut under_way = JoinSet::new();
    for n in 0..2 * requests.len() {
        let (method, path, body) = requests[n / 2];
        let delay = (round * 3 + n * 5) % 17;
        let path = if path.ends_with('=') { format!("{path}{delay}") } else { path.to_owned() };
        let mut visitor = pair.moved(visitor, n);
        under_way.spawn(async move {
            let answer = visitor.send(method, &path, body).await;
            (visitor, answer)
        });
    }
    under_way
}

pub(crate) async fn s_050_s_064_requests_under_way_on_both_bring_nothing_back(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    for round in 0..ROUNDS {
        let visitor = pair.signed_in(round, "ada").await;
        let under_way = use_everywhere(&pair, &visitor, round);
        match round % 3 {
            0 => pair.moved(&visitor, round / 3).does("/sign-out", "").await,
            1 => pair.moved(&visitor, round / 3).does("/destroy", "").await,
            _ => drop(pair.revoke(round / 3, "ada").await),
        }
        assert!(!pair.is_alive(&visitor).await, "round {round}");
        for (after, answer) in under_way.join_all().await {
            assert!(answer.status < 300, "{}", answer.status);
            // Whoever came too late began a session of their own, with another name.
            let (before, after) = (visitor.cookie.as_ref().unwrap(), after.cookie.unwrap());
            assert!(after == *before || name_of(&after) != name_of(before), "round {round}");
        }
        assert!(!pair.is_alive(&visitor).await, "round {round}");
        assert_eq!(pair.revoke(round, "ada").await, 0, "round {round}");
    }
}

pub(crate) async fn s_065_the_others_end_and_the_current_one_goes_on(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    let bob = pair.signed_in(0, "bob").await;
    for round in 0..4 {
        let mut current = pair.signed_in(round, "ada").await;
        let others = [
            pair.signed_in(0, "ada").await,
            pair.signed_in(1, "ada").await,
            pair.signed_in(0, "ada").await,
        ];
        let mut under_way = Vec::new();
        for visitor in others.iter().chain([&current]) {
            under_way.push(use_everywhere(&pair, visitor, round));
        }
        let mut elsewhere = pair.moved(&current, round + 1);
        let answer = elsewhere.post("/devices/revoke-others", "").await;
        assert_eq!(answer.json(), json!({"revoked": 3}));
        for other in &others {
            assert!(!pair.is_alive(other).await, "round {round}");
        }
        for requests in under_way {
            requests.join_all().await;
        }
        for other in &others {
            assert!(!pair.is_alive(other).await, "round {round}");
        }
        // Nothing of what was written in the current one meanwhile is lost.
        assert_eq!(current.data().await, json!({"k": 1, "n": 2, "l": [1, 1]}));
        current.does("/sign-out", "").await;
    }
    assert!(pair.is_alive(&bob).await);
}

pub(crate) async fn s_066_a_revocation_ends_every_sign_in_that_was_acknowledged_before(
    place: &Place,
) {
    let pair = Pair::start(place, &[]).await;
    for round in 0..ROUNDS {
        let mut ada = Vec::new();
        for n in 0..4 {
            ada.push(pair.signed_in(n + round, "ada").await);
        }
        let mut under_way = JoinSet::new();
        for (n, visitor) in ada.iter().enumerate() {
            for (at, path, body) in [
                (0, "/cycle", ""),
                (1, "/slow/k?delay=3", "1"),
                (1, "/sign-in", r#"{"subject":"ada"}"#),
                (0, "/incr/n?delay=5", ""),
            ] {
                let mut visitor = pair.moved(visitor, at + n + round);
                under_way.spawn(async move {
                    visitor.post(path, body).await;
                    visitor
                });
            }
        }
        pair.revoke(round, "ada").await;
        for visitor in &ada {
            assert!(!pair.is_alive(visitor).await, "round {round}");
        }
        for after in under_way.join_all().await {
            // A sign-in that came later began another session, with another name.
            let name = name_of(after.cookie.as_ref().unwrap());
            let is_of_before =
                ada.iter().any(|before| name_of(before.cookie.as_ref().unwrap()) == name);
            if is_of_before {
                assert!(!pair.is_alive(&after).await, "round {round}");
            }
        }
        pair.revoke(round, "ada").await;
    }
}

pub(crate) async fn s_067_after_a_new_password_the_current_session_alone_lives_under_a_new_id(
    place: &Place,
) {
    let pair = Pair::start(place, &[]).await;
    for round in 0..4 {
        let current = pair.signed_in(round, "ada").await;
        let other = pair.signed_in(round + 1, "ada").await;
        let under_way = [&current, &other].map(|visitor| use_everywhere(&pair, visitor, round));

        let mut changed = pair.moved(&current, 1);
        changed.does("/cycle", "").await;
        let answer = pair.moved(&changed, 0).post("/devices/revoke-others", "").await;
        assert_eq!(answer.json(), json!({"revoked": 1}));

        for _ in 0..2 {
            assert!(!pair.is_alive(&current).await && !pair.is_alive(&other).await);
            assert!(pair.is_alive(&changed).await, "round {round}");
        }
        for requests in under_way {
            requests.join_all().await;
        }
        assert!(!pair.is_alive(&current).await && !pair.is_alive(&other).await);
        assert!(pair.is_alive(&changed).await, "round {round}");
        assert_eq!(pair.revoke(round, "ada").await, 1);
    }
}

/// Also those that became hers, and none that are no longer.
pub(crate) async fn s_068_every_session_of_a_closed_account_is_dead(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    let anonymous = {
        let mut visitor = pair.visitor(0);
        visitor.does("/set", r#"{"a":1}"#).await;
        visitor
    };
    let mut became = pair.signed_in(0, "bob").await;
    became = pair.moved(&became, 1);
    became.does("/sign-in", r#"{"subject":"ada"}"#).await;
    let mut left = pair.signed_in(1, "ada").await;
    left = pair.moved(&left, 0);
    left.does("/sign-in", r#"{"subject":"bob"}"#).await;
    let mut cycled = pair.signed_in(0, "ada").await;
    cycled = pair.moved(&cycled, 1);
    cycled.does("/cycle", "").await;
    let mut again = pair.signed_in(1, "ada").await;
    again.does("/sign-out", "").await;
    again = pair.moved(&again, 0);
    again.does("/sign-in", r#"{"subject":"ada"}"#).await;

    assert_eq!(pair.revoke(1, "ada").await, 3);
    for visitor in [&became, &cycled, &again] {
        assert!(!pair.is_alive(visitor).await);
    }
    for visitor in [&anonymous, &left] {
        assert!(pair.is_alive(visitor).await);
    }
}
