//! Random steps on both sides of a session, on a real Litestar application.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::side::{Sides, start, start_on_folder};

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

async fn random_steps<K>(mut sides: Sides<K>) {
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
        match below(12) {
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
            _ if below(4) == 0 => {
                model.clear();
                sides.litestar.does("/clear", "").await;
            }
            _ => drop(sides.load().await),
        }
        let expected = json!(model);
        assert_eq!(sides.data().await, expected, "step {step}, here");
        assert_eq!(sides.litestar.get("/session").await.json(), expected, "step {step}, there");
    }
}
