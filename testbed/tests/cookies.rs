//! The `Cookie` header, byte for byte, and the `Set-Cookie` line that answers it.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use cloakroom::testkit::adapter::Site;
use cloakroom::testkit::client::{Visitor, ask, is_alive, session_of};
use cloakroom::{Session, SessionLayer};
use serde_json::json;

use crate::site::{NAME, backend, id_of, serve};

/// Two sessions, and what they are asked with.
struct Two {
    testbed: Site,
    ours: String,
    ours_pair: String,
    theirs: String,
}

impl Two {
    async fn start() -> Self {
        let testbed = site::start().await;
        let ours = id_of(&testbed.with_session(r#"{"who":"ours"}"#).await);
        let theirs = id_of(&testbed.with_session(r#"{"who":"theirs"}"#).await);
        let ours_pair = format!("{NAME}={ours}");
        Self { testbed, ours, ours_pair, theirs }
    }

    /// What the data of the request's session says, or why it has none.
    async fn who(&self, cookies: &[&[u8]]) -> String {
        let session = session_of(self.testbed.address, cookies).await;
        let who =
            if session["exists"] == true { &session["data"]["who"] } else { &session["absence"] };
        who.as_str().unwrap().to_owned()
    }

    async fn check(&self, cookie: impl AsRef<[u8]>, expected: &str) {
        let cookie = cookie.as_ref();
        let who = self.who(&[cookie]).await;
        assert_eq!(who, expected, "{:.200}", cookie.escape_ascii().to_string());
    }

    /// Expects a dead cookie for which no store is asked.
    async fn check_free(&self, cookie: impl AsRef<[u8]>, expected: &str) {
        let calls = self.testbed.store.all_calls();
        self.check(cookie, expected).await;
        assert_eq!(self.testbed.store.all_calls(), calls);
    }
}

#[tokio::test]
async fn s_010_encoded_names_do_not_match() {
    let two = Two::start().await;
    let Two { ours, ours_pair, theirs, .. } = &two;
    for name in ["__%48ost-session", "%5f%5fHost-session", "__Host%2Dsession", "__Host-sessio%6e"] {
        two.check_free(format!("{name}={ours}"), "no-cookie").await;
        two.check(format!("{ours_pair}; {name}={theirs}"), "ours").await;
        two.check(format!("{name}={theirs}; {ours_pair}"), "ours").await;
    }
}

#[tokio::test]
async fn s_011_only_blanks_and_tabs_are_trimmed() {
    let two = Two::start().await;
    let pair = two.ours_pair.as_bytes();
    let strange: [&[u8]; 6] =
        [b"\xE2\x80\x80", b"\xC2\x85", b"\xC2\xA0", b"\xEF\xBB\xBF", b"\xA0", b"\x85"];
    for bytes in strange {
        two.check_free([bytes, pair].concat(), "no-cookie").await;
        two.check_free([b"a=b; ", bytes, pair].concat(), "no-cookie").await;
        two.check_free([pair, bytes].concat(), "malformed").await;
    }
    for blank in [" ", "\t", " \t "] {
        two.check(format!("a=b;{blank}{}{blank};c=d", two.ours_pair), "ours").await;
    }
}

#[tokio::test]
async fn s_012_names_match_in_their_own_case_alone() {
    let two = Two::start().await;
    for name in ["__host-session", "__HOST-SESSION", "__Host-Session", "session", "__Host-sessions"]
    {
        two.check_free(format!("{name}={}", two.ours), "no-cookie").await;
        two.check(format!("{name}={}; {}", two.theirs, two.ours_pair), "ours").await;
    }
}

#[tokio::test]
async fn s_013_pairs_that_are_not_quite_ours_do_not_match() {
    let two = Two::start().await;
    let id = &two.ours;
    let pairs = [
        format!("={NAME}={id}"),
        NAME.to_owned(),
        format!("{NAME} ={id}"),
        format!("{NAME}\t={id}"),
        format!("..Host-session={id}"),
        format!("x{NAME}={id}"),
        format!("{NAME}%3D{id}"),
        id.clone(),
    ];
    for pair in pairs {
        two.check_free(&pair, "no-cookie").await;
    }
    two.check_free(format!("{NAME}= {id}"), "malformed").await;
    two.check_free(format!("{NAME}=={id}"), "malformed").await;
}

#[tokio::test]
async fn s_016_quotes_and_versions_are_plain_bytes() {
    let two = Two::start().await;
    two.check(format!("$Version=1; {}; $Path=/", two.ours_pair), "ours").await;
    two.check_free(format!("{NAME}=\"{}\"", two.ours), "malformed").await;
    // Quotes do not join what a semicolon parts, so this is a second live cookie.
    two.check(format!("a=\"x; {NAME}={}; y\"", two.theirs), "theirs").await;
    two.check(format!("a=\"x; {NAME}={}; y\"; {}", two.theirs, two.ours_pair), "ambiguous").await;
}

#[tokio::test]
async fn s_017_of_several_cookies_one_live_one_counts() {
    let two = Two::start().await;
    let Two { ours_pair, theirs, testbed, .. } = &two;
    two.check(format!("{ours_pair}; {ours_pair}; {ours_pair}"), "ours").await;
    let dead: Vec<_> = "ABC".chars().map(|c| format!("{NAME}=A{c}{}", "A".repeat(41))).collect();
    for at in 0..=dead.len() {
        let mut pairs = dead.clone();
        pairs.insert(at, ours_pair.clone());
        two.check(pairs.join("; "), "ours").await;
    }
    let five = format!("{}; {NAME}=x; {ours_pair}", dead.join("; "));
    two.check_free(five, "ambiguous").await;

    // Two live ones: whoever writes writes into neither.
    let both = format!("Cookie: {ours_pair}; {NAME}={theirs}");
    let answer = ask(testbed.address, "POST /set", &[both.as_bytes()], r#"{"who":"new"}"#).await;
    let new = answer.set_cookie().unwrap().split(';').next().unwrap().to_owned();
    two.check(&new, "new").await;
    two.check(ours_pair, "ours").await;
    two.check(format!("{NAME}={theirs}"), "theirs").await;
    let answer = ask(testbed.address, "POST /destroy", &[both.as_bytes()], "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(testbed.live().await, 3);
}

#[tokio::test]
async fn s_018_the_order_of_pairs_does_not_matter() {
    let two = Two::start().await;
    let dead = format!("{NAME}={}", "A".repeat(43));
    let mut pairs = ["a=b", &dead, &two.ours_pair, "\"", &format!("{NAME}=short")];
    // Heap's algorithm: each step swaps two pairs, and all 120 orders come up.
    let mut counts = [0; 5];
    two.check(pairs.join("; "), "ours").await;
    let mut at = 0;
    while at < pairs.len() {
        if counts[at] < at {
            pairs.swap(if at % 2 == 0 { 0 } else { counts[at] }, at);
            two.check(pairs.join("; "), "ours").await;
            counts[at] += 1;
            at = 0;
        } else {
            counts[at] = 0;
            at += 1;
        }
    }
}

#[tokio::test]
async fn s_019_large_headers_cost_one_pass_and_no_store_call() {
    let two = Two::start().await;
    two.check_free(format!("{NAME}={}", "A".repeat(64 * 1024)), "malformed").await;
    let pairs = "a=b; ".repeat(50_000);
    two.check_free(&pairs, "no-cookie").await;
    two.check(format!("{pairs}{}", two.ours_pair), "ours").await;
}

#[tokio::test]
async fn s_020_hostile_values_make_no_store_call() {
    let two = Two::start().await;
    let long = "A".repeat(10_000);
    let id = two.ours.as_bytes();
    let values: [&[u8]; 14] = [
        b"",
        b"%00",
        b"../../etc/passwd",
        b"CON",
        b"' OR 1=1--",
        long.as_bytes(),
        b"\xFF\xFE\xC0\x80",
        "\u{1F9E5}".as_bytes(),
        &id[..42],
        &[id, b"A"].concat(),
        &[id, b"="].concat(),
        &[b"%41", &id[1..]].concat(),
        &[b"+/", &id[2..]].concat(),
        &id.iter().map(|byte| byte ^ 0x80).collect::<Vec<_>>(),
    ];
    for value in values {
        two.check_free([NAME.as_bytes(), b"=", value].concat(), "malformed").await;
    }
    // These end the line or the request, and the server answers.
    for value in [&b"\0"[..], b"\rx", b"\r\nset x 0 0 1"] {
        let calls = two.testbed.store.all_calls();
        let line = [b"Cookie: ", NAME.as_bytes(), b"=", value].concat();
        let answer = ask(two.testbed.address, "GET /session", &[&line], "").await;
        assert_eq!((answer.status, answer.set_cookie()), (400, None));
        assert_eq!(two.testbed.store.all_calls(), calls);
    }
}

#[tokio::test]
async fn s_021_an_id_counts_in_the_cookie_alone() {
    let two = Two::start().await;
    let Two { ours, testbed, .. } = &two;
    let calls = testbed.store.all_calls();
    let starts = [
        format!("GET /session?{NAME}={ours}"),
        format!("GET /session?session={ours}"),
        format!("GET /public/;{NAME}={ours}"),
    ];
    for start in &starts {
        assert_eq!(ask(testbed.address, start, &[], "").await.json()["absence"], "no-cookie");
    }
    let form = b"Content-Type: application/x-www-form-urlencoded";
    let answer = ask(testbed.address, "GET /session", &[form], &two.ours_pair).await;
    assert_eq!(answer.json()["absence"], "no-cookie");
    for header in ["X-Session-Id", "X-Session", NAME, "Authorization", "Cookie2", "Set-Cookie"] {
        let lines = [format!("{header}: {ours}"), format!("{header}: {}", two.ours_pair)];
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let answer = ask(testbed.address, "GET /session", &lines, "").await;
        assert_eq!(answer.json()["absence"], "no-cookie", "{header}");
    }
    assert_eq!(testbed.store.all_calls(), calls);
}

#[tokio::test]
async fn s_024_an_authorization_header_changes_nothing() {
    let two = Two::start().await;
    let cookie = format!("Cookie: {}", two.ours_pair);
    let bearer = format!("Authorization: Bearer {}", two.theirs);
    for lines in [[&cookie, &bearer], [&bearer, &cookie]] {
        let lines = lines.map(String::as_bytes);
        let answer = ask(two.testbed.address, "GET /key/who", &lines, "").await;
        assert_eq!(answer.json(), "ours");
    }
}

#[tokio::test]
async fn s_029_one_line_of_our_name_and_all_others() {
    async fn handler(session: Session) -> HeaderMap {
        session.cycle_id().unwrap();
        session.destroy().unwrap();
        let lines =
            ["a=1", "__Host-session=mine", "b=2; Path=/", "__Host-session2=x", "__Host-session=it"];
        lines
            .into_iter()
            .map(|line| (axum::http::header::SET_COOKIE, line.parse().unwrap()))
            .collect()
    }
    let testbed = site::start().await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let layer = SessionLayer::from_backend(backend(&testbed, &[]));
    let address = serve(Router::new().route("/both", post(handler)).layer(layer)).await;
    let line = format!("Cookie: {}", visitor.cookie.unwrap());
    let answer = ask(address, "POST /both", &[line.as_bytes()], "").await;

    let lines: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, line)| &**line)
        .collect();
    assert_eq!(lines[..3], ["a=1", "b=2; Path=/", "__Host-session2=x"]);
    assert!(lines[3].starts_with("__Host-session=;") && lines[3].contains("Max-Age=0"));
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn s_031_the_longest_name_makes_a_cookie_that_browsers_keep() {
    let key = "k".repeat(1024 - "__Host-".len());
    let settings = [("key", &*key), ("session_id_bytes", "64"), ("id_format", "hex")];
    let testbed = site::start_with(&settings).await;
    let mut visitor = testbed.visitor();
    let answer = visitor.post("/set", r#"{"a":1}"#).await;
    let mut parts = answer.set_cookie().unwrap().split("; ");
    assert!(parts.next().unwrap().len() <= 4096);
    assert!(parts.all(|attribute| attribute.len() <= 1024));
    assert_eq!(visitor.data().await, json!({"a": 1}));
    assert!(is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await);
}

#[tokio::test]
async fn s_126_random_ids_cost_one_read_each_and_leave_nothing() {
    let testbed = site::start().await;
    let calls = testbed.store.all_calls();
    for n in 0..500 {
        let cookie = format!("{NAME}={n:0>10}{}", "A".repeat(33));
        let mut visitor = Visitor { address: testbed.address, cookie: Some(cookie) };
        let answer = visitor.get("/key/a").await;
        assert_eq!((answer.status, answer.set_cookie()), (404, None));
    }
    assert_eq!(testbed.store.all_calls() - calls, 500);
    assert_eq!(testbed.live().await, 0);
}
