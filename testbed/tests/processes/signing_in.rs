//! Limits on the sessions of a subject that both processes keep together.

use cloakroom::testkit::client::Visitor;
use tokio::task::JoinSet;

use crate::pair::Pair;
use crate::stores::Place;

const LIMIT: usize = 20;
const SIGN_INS: usize = 50;

/// Fifty sign-ins at once, spread over both; the visitors, and what they were answered.
async fn all_at_once(pair: &Pair) -> Vec<(Visitor, u16)> {
    let mut requests = JoinSet::new();
    for n in 0..SIGN_INS {
        let mut visitor = pair.visitor(n);
        requests.spawn(async move {
            let answer = visitor.post("/sign-in", r#"{"subject":"ada"}"#).await;
            (visitor, answer.status)
        });
    }
    requests.join_all().await
}

/// How many of them are alive, which is what both list.
async fn alive(pair: &Pair, visitors: &[(Visitor, u16)]) -> usize {
    let mut alive = Vec::new();
    for (visitor, _) in visitors {
        if pair.is_alive(visitor).await {
            alive.push(visitor);
        }
    }
    for n in 0..2 {
        let Some(visitor) = alive.first() else { break };
        let list = pair.moved(visitor, n).get("/devices").await.json();
        assert_eq!(list.as_array().unwrap().len(), alive.len());
    }
    alive.len()
}

pub(crate) async fn s_069_sign_ins_on_both_keep_within_the_limit(place: &Place) {
    let limit = format!("max_sessions_per_subject={LIMIT}");
    let pair = Pair::start(place, &[&limit]).await;
    let visitors = all_at_once(&pair).await;
    for (_, status) in &visitors {
        assert_eq!(*status, 204);
    }
    // Racing sign-ins may end one another: fewer than allowed, never more.
    let alive = alive(&pair, &visitors).await;
    assert!((1..=LIMIT).contains(&alive), "{alive} are alive");
}

pub(crate) async fn s_069_a_sign_in_too_many_is_refused_by_both(place: &Place) {
    let limit = format!("max_sessions_per_subject={LIMIT}");
    let pair = Pair::start(place, &[&limit, "subject_limit_policy=refuse"]).await;
    let visitors = all_at_once(&pair).await;
    let mut accepted = 0;
    for (visitor, status) in &visitors {
        assert!(*status == 204 || *status == 409, "{status}");
        // Whoever was told so is in, and nobody else.
        assert_eq!(pair.is_alive(visitor).await, *status == 204);
        accepted += usize::from(*status == 204);
    }
    assert!(accepted <= LIMIT, "{accepted} were accepted");
    assert_eq!(alive(&pair, &visitors).await, accepted);

    // One after the other, what is free is given away, and then no more.
    for n in accepted..LIMIT + 3 {
        let mut visitor = pair.visitor(n);
        let answer = visitor.post("/sign-in", r#"{"subject":"ada"}"#).await;
        assert_eq!(answer.status, if n < LIMIT { 204 } else { 409 });
    }
}
