//! Random steps on both sides of a session, on a real Litestar application.

use std::collections::BTreeMap;

use cloakroom::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::kept::Kept;
use crate::side::{Sides, start, start_on_folder};

/// Litestar's lifetime, in seconds.
const MAX_AGE: u64 = 1_209_600;

#[tokio::test]
async fn a_thousand_random_steps_on_both_sides_of_a_redis_agree() {
    let Some(sides) = start() else { return };
    random_steps(sides).await;
}

#[tokio::test]
async fn a_thousand_random_steps_on_both_sides_of_a_folder_agree() {
    let Some(sides) = start_on_folder("plain") else { return };
    random_steps(sides).await;
}

async fn random_steps<K: Kept>(mut sides: Sides<K>) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % n
    };
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-7),
        json!(u64::MAX),
        json!(1.5),
        json!(1e22),
        json!(""),
        json!("Zoë \u{1f98a} \" \\ / \u{7f}\u{2028}\n\u{1}"),
        json!([]),
        json!({}),
        json!([1, [2, {"x": null}]]),
        json!({"": "", "a": {"b": [false]}}),
    ];
    let keys = ["a", "b", "Ä", "long key with blanks", "d.e"];
    let mut model: BTreeMap<&str, &Value> = BTreeMap::new();
    for step in 0..1000 {
        let (key, value) = (keys[below(5) as usize], &values[below(13) as usize]);
        match below(15) {
            0..=3 => {
                model.insert(key, value);
                sides.litestar.does("/set", &json!({key: value}).to_string()).await;
            }
            4..=7 => {
                model.insert(key, value);
                sides.does(|session| session.insert(key, value).expect("it works")).await;
            }
            8 => {
                model.remove(key);
                sides.does(|session| _ = session.remove(key).expect("it works")).await;
            }
            9 => {
                model = BTreeMap::from([(key, value)]);
                sides.litestar.does("/replace", &json!(model).to_string()).await;
            }
            10 if below(4) == 0 => {
                model.clear();
                sides.does(|session| session.destroy().expect("it works")).await;
            }
            10 => sides.does(|session| session.cycle_id().expect("it works")).await,
            11 if below(4) == 0 => {
                model.clear();
                sides.litestar.does("/clear", "").await;
            }
            12 if below(4) == 0 => {
                model.clear();
                if let Some(id) = id(&sides) {
                    sides.server.expire(&id);
                }
            }
            13 | 14 if !model.is_empty() => renew(&mut sides, below(2) == 0).await,
            _ => drop(sides.load().await),
        }
        let expected = json!(model);
        assert_eq!(sides.data().await, expected, "step {step}, here");
        assert_eq!(sides.litestar.get("/session").await.json(), expected, "step {step}, there");
    }
}

fn id<K>(sides: &Sides<K>) -> Option<String> {
    sides.litestar.cookie.as_ref().map(|_| sides.id().to_owned())
}

/// A deadline that comes near is the same on both sides, and either moves it for both.
async fn renew<K: Kept>(sides: &mut Sides<K>, here: bool) {
    let id = id(sides).expect("there is a session");
    sides.server.leave(&id, 1000);
    let seen = async |sides: &Sides<K>| {
        let ends = sides.load().await.expires_at().expect("there is a session");
        ends.since(SystemClock.now()).as_millis().div_ceil(1000)
    };
    // A request takes less than ten seconds, on a slow machine too.
    assert!((990..=1001).contains(&seen(sides).await), "what the other side left");
    match here {
        true => sides.does(|session| session.renew().expect("it works")).await,
        false => drop(sides.litestar.get("/session").await),
    }
    let (ours, theirs) = (seen(sides).await, sides.server.left(&id).expect("there is an end"));
    let whole = MAX_AGE - 10..=MAX_AGE + 1;
    assert!(whole.contains(&u64::try_from(ours).expect("seconds")), "{ours} here, by {here}");
    assert!(whole.contains(&theirs), "{theirs} there, by {here}");
}
