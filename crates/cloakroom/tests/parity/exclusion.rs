//! B.4: paths without sessions.

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use cloakroom::{
    ErrorKind, MemoryStore, Scope, ServerSideSessionBackend, ServerSideSessionConfig, Session,
};

use crate::site::Site;

fn config(patterns: &[&str]) -> ServerSideSessionConfig {
    ServerSideSessionConfig::litestar().with_exclude(patterns.iter().copied())
}

fn backend(patterns: &[&str]) -> ServerSideSessionBackend {
    ServerSideSessionBackend::new(MemoryStore::new(), config(patterns)).unwrap()
}

#[track_caller]
fn excludes(patterns: &[&str], paths: &[&str], not: &[&str]) {
    let backend = backend(patterns);
    for path in paths {
        assert!(backend.excludes(Scope::Http, path), "{patterns:?} {path}");
    }
    for path in not {
        assert!(!backend.excludes(Scope::Http, path), "{patterns:?} {path}");
    }
}

/// Better: a pattern matches the whole path, so that none excludes by accident. `.*private.*` searches.
#[test]
fn b_025_a_pattern_matches_the_whole_path() {
    excludes(&["/private"], &["/private"], &["/public/private", "/private/a", "/privateer"]);
    excludes(&["private"], &[], &["/private", "/public/private"]);
    excludes(&["/static(/.*)?"], &["/static", "/static/a/b"], &["/statics", "/a/static"]);
    excludes(&[".*private.*"], &["/public/private", "/privateer"], &["/public"]);
    excludes(&["/a|/b"], &["/a", "/b"], &["/ab", "/a/b"]);
}

/// Same in case and query; different on purpose: the path as it came, so that what the pattern says is what a log shows. A
/// slash at the end and encoded letters are other paths, as they are to the router.
#[tokio::test]
async fn b_026_it_is_matched_against_the_path_as_it_came() {
    excludes(&["/public"], &["/public"], &["/public/", "/PUBLIC", "/%70ublic"]);
    excludes(&["/public/?"], &["/public", "/public/"], &[]);
    let site = Site::with(config(&["/public"]));
    for path in ["/public", "/public?session=1", "/public?a=/b"] {
        assert_eq!(site.visitor().get(path).await.body, r#"{"error":"excluded"}"#, "{path}");
    }
}

/// Better: the same rule below a mounted router: its whole path.
#[tokio::test]
async fn b_027_under_a_mounted_router_it_is_the_whole_path_too() {
    async fn kind(session: Result<Session, cloakroom::Error>, request: Request) -> String {
        let path = request.uri().path().to_owned();
        session.map_or_else(|error| error.kind().name().to_owned(), |_| path)
    }
    let inner = Router::new().route("/public", get(kind)).route("/other", get(kind));
    let more = Router::new().nest("/mounted", inner);
    let site = Site::with_routes(config(&["/mounted/public"]), more);
    assert_eq!(site.visitor().get("/mounted/public").await.body, "excluded");
    assert_eq!(site.visitor().get("/mounted/other").await.body, "/other");
    let more = Router::new().nest("/mounted", Router::new().route("/public", get(kind)));
    let site = Site::with_routes(config(&["/public"]), more);
    assert_eq!(site.visitor().get("/mounted/public").await.body, "/public");
}

/// The same for a broken pattern; better: an empty one is an error too, one for everything must say so, and each pattern of
/// a list stands for itself.
#[test]
fn b_028_broken_and_empty_patterns_are_refused_at_start() {
    for broken in ["", "(", "a)(b", "[", "*"] {
        let error = ServerSideSessionBackend::new(MemoryStore::new(), config(&["/a", broken]));
        assert_eq!(error.unwrap_err().field(), "exclude", "{broken}");
    }
    excludes(&[], &[], &["/", "/a"]);
    excludes(&["/"], &["/"], &["/a"]);
    excludes(&[".*"], &["/", "/a"], &[]);
    excludes(&["/a", "(?i)/b"], &["/a", "/b", "/B"], &["/A"]);
}

/// Better: an error of its own kind, which a handler can tell from others; and `Option<Session>` is `None`.
#[tokio::test]
async fn b_029_using_it_where_it_is_excluded_is_a_typed_error() {
    async fn kind(session: Result<Session, cloakroom::Error>) -> String {
        (session.unwrap_err().kind() == ErrorKind::Excluded).to_string()
    }
    async fn maybe(session: Option<Session>) -> String {
        session.is_some().to_string()
    }
    let more = Router::new().route("/kind", get(kind)).route("/maybe", get(maybe));
    let site = Site::with_routes(config(&["/kind", "/maybe", "/session"]), more);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    assert_eq!(visitor.get("/kind").await.body, "true");
    assert_eq!(visitor.get("/maybe").await.body, "false");
    let answer = visitor.get("/session").await;
    assert_eq!((answer.status, &*answer.body), (500, r#"{"error":"excluded"}"#));
}
