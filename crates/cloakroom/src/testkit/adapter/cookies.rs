//! The cookie that goes out, and the bytes that come in.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Site, Start};
use crate::config::{SameSite, ServerSideSessionConfig};
use crate::testkit::client::{Visitor, ask, is_alive, session_of};

/// The attributes of a `Set-Cookie` line, sorted.
fn attributes(line: &str) -> Vec<&str> {
    let mut attributes: Vec<_> = line.split(';').skip(1).map(str::trim).collect();
    attributes.sort_unstable();
    attributes
}

/// The attributes but for those that say how long.
fn lasting_attributes(line: &str) -> Vec<&str> {
    let mut attributes = attributes(line);
    attributes.retain(|attribute| {
        !attribute.starts_with("Max-Age=") && !attribute.starts_with("Expires=")
    });
    attributes
}

/// What the cookies say that `who` is, or why there is no session.
async fn who(site: &Site, cookies: &[&[u8]]) -> Value {
    let mut session = session_of(site.address, cookies).await;
    match session["exists"] == true {
        true => session["data"]["who"].take(),
        false => session["absence"].take(),
    }
}

async fn ours(site: &Site) -> (Visitor, String) {
    let visitor = site.with_session(r#"{"who":"ours"}"#).await;
    let cookie = visitor.cookie.clone().expect("a session has a cookie");
    (visitor, cookie)
}

/// A new session sets one cookie, with the attributes of the defaults, and the cookie selects the session.
pub async fn a_new_session_sets_one_cookie(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.visitor();
    let answer = visitor.post("/set", r#"{"a":{"b":[1,null]}}"#).await;
    let line = answer.set_cookie().expect("a cookie");
    let (name, id) = answer.cookie_pair().and_then(|pair| pair.split_once('=')).expect("a pair");
    assert_eq!((name, id.len()), ("__Host-session", 43));
    assert_eq!(
        attributes(line),
        ["HttpOnly", "Max-Age=1209600", "Path=/", "SameSite=Lax", "Secure"]
    );
    let session = visitor.session().await;
    assert_eq!((&session["exists"], &session["absence"]), (&json!(true), &json!(null)));
    assert_eq!(session["data"], json!({"a": {"b": [1, null]}}));
    assert_eq!(site.live().await, 1);
}

/// The line that takes the cookie away has the attributes of the one that set it, or browsers keep the cookie.
pub async fn s_028_the_cookie_goes_as_it_came(start: impl Start) {
    let defaults = ServerSideSessionConfig::default;
    let configs = [
        defaults(),
        defaults().with_key("sid").with_samesite(SameSite::None).with_partitioned(true),
        defaults().with_path("/app"),
        defaults().with_domain("example.org"),
    ];
    for config in configs {
        let site = Site::start(&start, config).await;
        let name = site.backend.cookie_name();
        for end in ["/destroy", "/destroy/status/500"] {
            let mut visitor = site.visitor();
            let came = visitor.post("/set", r#"{"a":1}"#).await;
            let went = visitor.post(end, "").await;
            let (came, line) = (came.set_cookie(), went.set_cookie());
            let (came, line) = came.zip(line).expect("a cookie that comes and goes");
            assert_eq!(lasting_attributes(line), lasting_attributes(came), "{name} {end}");
            assert_eq!(went.cookie_pair(), Some(&*format!("{name}=")), "{end}");
            assert!(went.expires_cookie(), "{name} {end}");
        }
    }
}

/// Reading a session sends no cookie.
pub async fn s_030_reading_sends_no_cookie(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    for path in ["/session", "/public/a", "/untouched", "/skip", "/stream"] {
        assert_eq!(visitor.get(path).await.set_cookie(), None, "{path}");
    }
    assert!(site.knows(&visitor).await);
}

/// A renewal moves the cookie's deadline with the session's, and only then is the cookie sent again.
pub async fn a_cookie_is_sent_again_when_its_deadline_moves(start: impl Start) {
    let config = ServerSideSessionConfig::default()
        .with_max_age(Duration::from_secs(100))
        .with_renew_on_access(true);
    let site = Site::start(&start, config).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    for (seconds, sent) in [(5, false), (5, true), (1, false)] {
        site.clock.advance(Duration::from_secs(seconds));
        let answer = visitor.get("/session").await;
        let line = answer.set_cookie().map(attributes);
        assert_eq!(line.is_some(), sent, "a tenth of the lifetime is one step");
        assert!(line.is_none_or(|line| line.contains(&"Max-Age=100")));
    }
    let answer = visitor.post("/set", r#"{"a":2}"#).await;
    assert!(answer.set_cookie().is_some_and(|line| line.contains("Max-Age=100")), "a write renews");
}

/// An ID that the server did not issue selects nothing and names nothing.
pub async fn s_004_an_id_that_was_never_issued_is_not_adopted(start: impl Start) {
    let site = Site::by_default(&start).await;
    let planted = format!("{}={}", site.backend.cookie_name(), "A".repeat(43));
    for (path, body) in
        [("/set", r#"{"a":1}"#), ("/incr/a", ""), ("/sign-in", r#"{"subject":"ada"}"#)]
    {
        let answer = site.visitor_with(&*planted).post(path, body).await;
        assert!(answer.status < 300, "{path}");
        assert_ne!(answer.cookie_pair().expect("a new session"), planted, "{path}");
        assert!(!is_alive(site.address, &planted).await, "{path}");
    }
    assert_eq!(site.live().await, 3);
}

/// Names of cookies are compared as they are: nothing is decoded, and case counts.
pub async fn s_010_names_are_compared_byte_for_byte(start: impl Start) {
    let site = Site::by_default(&start).await;
    let (_, ours) = ours(&site).await;
    let (_, id) = ours.split_once('=').expect("a pair");
    let calls = site.store.all_calls();
    for name in
        ["%5f%5fHost-session", "__Host%2Dsession", "__host-session", "session", "__Host-sessions"]
    {
        let cookie = format!("{name}={id}");
        assert_eq!(who(&site, &[cookie.as_bytes()]).await, "no-cookie", "{name}");
    }
    assert_eq!(site.store.all_calls(), calls, "calls of the store");
}

/// Cookies of other applications hide nothing, whatever bytes they are made of.
pub async fn s_014_foreign_bytes_hide_nothing(start: impl Start) {
    let site = Site::by_default(&start).await;
    let (_, ours) = ours(&site).await;
    let high: Vec<u8> = (0x80..=0xFF).cycle().take(4096).collect();
    let foreign: [&[u8]; 6] = [b"x=\xFF", &high, b";;;; ; =; ,", b"\xFF\xFE", b"\"", b"a=\"x"];
    for bytes in foreign {
        for cookie in [[bytes, b"; ", ours.as_bytes()], [ours.as_bytes(), b"; ", bytes]] {
            let cookie = cookie.concat();
            assert_eq!(who(&site, &[&cookie]).await, "ours", "{:.80}", bytes.escape_ascii());
        }
    }
}

/// Several `Cookie` lines are as one, as HTTP/2 sends them.
pub async fn s_015_several_header_lines_are_as_one(start: impl Start) {
    let site = Site::by_default(&start).await;
    let (_, ours) = ours(&site).await;
    let theirs = site.with_session(r#"{"who":"theirs"}"#).await.cookie.expect("a cookie");
    let pair = ours.as_bytes();
    let ways: [&[&[u8]]; 4] =
        [&[pair, b"a=b"], &[b"a=b", pair], &[b"", pair, b"\xFF"], &[b"a=b; c", b"d=e", pair]];
    for lines in ways {
        assert_eq!(who(&site, lines).await, "ours", "{} lines", lines.len());
    }
    assert_eq!(who(&site, &[pair, theirs.as_bytes()]).await, "ambiguous");
}

/// Quotes are bytes of the value like any other, and so are percent signs.
pub async fn s_016_values_are_taken_as_they_are(start: impl Start) {
    let site = Site::by_default(&start).await;
    let (_, ours) = ours(&site).await;
    let (name, id) = ours.split_once('=').expect("a pair");
    let first = format!("%{:02X}", id.as_bytes()[0]);
    for value in [format!("\"{id}\""), format!("{first}{}", &id[1..]), format!("{id}=")] {
        let cookie = format!("{name}={value}");
        assert_eq!(who(&site, &[cookie.as_bytes()]).await, "malformed", "{value}");
    }
    let versioned = format!("$Version=1; {ours}; $Path=/");
    assert_eq!(who(&site, &[versioned.as_bytes()]).await, "ours");
}

/// An ID counts in the `Cookie` header alone: not in the path, another header, or the body.
pub async fn s_021_an_id_counts_in_the_cookie_alone(start: impl Start) {
    let site = Site::by_default(&start).await;
    let (_, ours) = ours(&site).await;
    let calls = site.store.all_calls();
    let lines = ["X-Session", "Authorization", "Set-Cookie", "Cookie2"]
        .map(|header| format!("{header}: {ours}"));
    let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
    for start in [format!("GET /session?{ours}"), format!("GET /public/;{ours}")] {
        let answer = ask(site.address, &start, &lines, &ours).await;
        assert_eq!(answer.json()["absence"], "no-cookie", "{start}");
    }
    assert_eq!(site.store.all_calls(), calls, "calls of the store");
}
