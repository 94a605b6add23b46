//! No cache gives one visitor's response to another.

use super::{Site, Start};

/// Every response that sets or takes the cookie says `no-store`, also a failure that ends the session.
pub async fn s_135_an_answer_with_a_cookie_is_not_stored(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.visitor();
    for (path, body) in
        [("/set", r#"{"a":1}"#), ("/sign-in", r#"{"subject":"ada"}"#), ("/destroy/status/500", "")]
    {
        let answer = visitor.post(path, body).await;
        assert!(answer.set_cookie().is_some(), "{path} sets or takes the cookie");
        assert!(answer.says("cache-control", "no-store"), "{path}: {:?}", answer.headers);
        assert!(answer.says("vary", "cookie"), "{path}: {:?}", answer.headers);
    }
}

/// A response that depends on the session is private and varies by the cookie, also where there is no session.
pub async fn s_136_a_session_that_was_used_is_private_and_varies(start: impl Start) {
    let site = Site::by_default(&start).await;
    let name = site.backend.cookie_name();
    let live = site.with_session(r#"{"a":1}"#).await;
    let malformed = site.visitor_with(format!("{name}=short"));
    let unknown = site.visitor_with(format!("{name}={}", "A".repeat(43)));
    for mut visitor in [live, site.visitor(), malformed, unknown] {
        for path in ["/session", "/public/x", "/stream"] {
            let answer = visitor.get(path).await;
            let case = format!("{path} {:?}: {:?}", visitor.cookie, answer.headers);
            assert_eq!(answer.set_cookie(), None, "{case}");
            assert!(answer.says("cache-control", "private"), "{case}");
            assert!(answer.says("vary", "cookie"), "{case}");
        }
    }
}
