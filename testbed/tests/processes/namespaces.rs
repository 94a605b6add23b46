//! Another namespace: nothing that was issued before counts, without a write to any record.

use crate::pair::Pair;
use crate::stores::Place;

/// Not even what comes back later into the old one, as from a backup.
pub(crate) async fn s_072_another_namespace_ends_all_sessions_at_once(place: &Place) {
    let mut before = Pair::start(place, &[]).await;
    let mut visitors = Vec::new();
    for n in 0..6 {
        let mut visitor = before.visitor(n);
        visitor.does("/set", &format!(r#"{{"n":{n}}}"#)).await;
        if n < 4 {
            visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        }
        visitors.push(visitor);
    }
    for process in &mut before.processes {
        assert!(process.terminate().await.success());
    }

    let after = Pair::on(&place.url_beside(), &[]).await;
    for visitor in &visitors {
        assert!(!after.is_alive(visitor).await);
    }
    assert_eq!(after.revoke(0, "ada").await, 0);
    // Those who come again get in, under names of their own.
    let ada = after.signed_in(1, "ada").await;
    assert!(after.is_alive(&ada).await);

    // A process that was forgotten still writes the old ones; they stay where they are.
    let forgotten = Pair::start(place, &[]).await;
    let late = forgotten.signed_in(0, "ada").await;
    assert!(!after.is_alive(&late).await && !forgotten.is_alive(&ada).await);
    for visitor in &visitors {
        assert!(forgotten.is_alive(visitor).await);
        assert!(!after.is_alive(visitor).await);
    }
    assert_eq!(after.revoke(0, "ada").await, 1);
}
