//! A suite that cannot fail proves nothing: each application here has one fault, and a case must find it.

use std::future::Future;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Json, Router};
use cloakroom::testkit::adapter as suite;
use cloakroom::{Error, ServerSideSessionBackend, ServerSideSessionConfig, Session, SessionLayer};
use tokio::task::LocalSet;

use crate::site::serve;

/// What is wrong with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    LoadsWhatNobodyUses,
    VariesAlways,
    ForgetsToVary,
    ForgetsThatItIsPrivate,
    LetsCookiesBeStored,
    SetsTheCookieAlways,
    AddsADomain,
    DropsTheCookieOfAFailure,
    TakesTheCookieWithoutItsAttributes,
    ReadsTextCookiesAlone,
    ReadsOneCookieLine,
    DecodesCookies,
    IgnoresTheCase,
    Unquotes,
    TakesIdsFromTheQuery,
    SavesWhateverTheStatus,
    HidesAFailure,
    ForgetsRetryAfter,
    ClearsTheCookieOfALoser,
    CollectsTheBody,
    ExcludesNothing,
    ShowsTheCookie,
    CountsWithoutUpdate,
    SignsInWithoutANewId,
    ExcludesUnasked,
    ForgetsWhoWentAway,
}

/// The testbed with a bug around it, or in how its backend is configured.
async fn start(bug: Bug, backend: ServerSideSessionBackend) -> SocketAddr {
    let same = |config: ServerSideSessionConfig| {
        ServerSideSessionBackend::new(backend.store().clone(), config)
            .expect("a legal configuration")
    };
    let inner = match bug {
        Bug::SavesWhateverTheStatus => {
            same(ServerSideSessionConfig::default().with_save_on_server_error(true))
        }
        Bug::ExcludesNothing => same(ServerSideSessionConfig::default()),
        Bug::ExcludesUnasked => {
            same(ServerSideSessionConfig::default().with_exclude(["/public/.*"]))
        }
        _ => backend.clone(),
    };
    let broken = middleware::from_fn_with_state((bug, backend), around);
    let routes = match bug {
        Bug::CountsWithoutUpdate => Router::new().route("/incr/{k}", post(count)),
        Bug::SignsInWithoutANewId => Router::new().route("/sign-in", post(sign_in)),
        Bug::ForgetsWhoWentAway => Router::new().route("/destroy", post(destroy)),
        _ => Router::new(),
    };
    let routes =
        routes.layer(Extension(inner.clone())).layer(SessionLayer::from_backend(inner.clone()));
    serve(routes.fallback_service(testbed::app(inner)).layer(broken)).await
}

async fn count(session: Session, Path(key): Path<String>) -> Result<Json<u64>, Error> {
    let n = session.get::<u64>(&*key)?.unwrap_or(0) + 1;
    session.insert(&*key, &n)?;
    Ok(Json(n))
}

async fn sign_in(session: Session) -> Result<StatusCode, Error> {
    session.insert("subject", "ada")?;
    Ok(StatusCode::NO_CONTENT)
}

/// Without the layer, so that nobody goes on when this is dropped.
async fn destroy(
    Extension(backend): Extension<ServerSideSessionBackend>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let cookies = values(&headers, &header::COOKIE);
    let session = backend.load_from_connection(cookies.iter().map(Vec::as_slice)).await?;
    session.destroy()?;
    backend.store_in_message(&session, 204).await.1?;
    Ok(StatusCode::NO_CONTENT)
}

async fn around(
    State((bug, backend)): State<(Bug, ServerSideSessionBackend)>,
    mut request: Request,
    next: Next,
) -> Response {
    if bug == Bug::LoadsWhatNobodyUses {
        let cookies: Vec<_> = values(request.headers(), &header::COOKIE);
        let _ = backend.load_from_connection(cookies.iter().map(Vec::as_slice)).await;
    }
    break_request(bug, &mut request);
    let cookie = request.headers().get(header::COOKIE).cloned();
    let mut response = next.run(request).await;
    break_response(bug, &mut response, cookie);
    if bug == Bug::CollectsTheBody {
        let (head, body) = response.into_parts();
        let whole = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        response = Response::from_parts(head, Body::from(whole));
    }
    response
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

fn break_request(bug: Bug, request: &mut Request) {
    let query = request.uri().query().map(str::to_owned);
    let headers = request.headers_mut();
    let lines = values(headers, &header::COOKIE);
    let replaced = |change: &dyn Fn(String) -> String| {
        let lines = lines.iter().map(|line| change(String::from_utf8_lossy(line).into_owned()));
        lines.map(String::into_bytes).collect()
    };
    let lines: Vec<Vec<u8>> = match bug {
        Bug::ReadsTextCookiesAlone => lines.into_iter().filter(|line| line.is_ascii()).collect(),
        Bug::ReadsOneCookieLine => lines.into_iter().take(1).collect(),
        Bug::DecodesCookies => replaced(&|line| line.replace("%5f", "_").replace("%2D", "-")),
        Bug::IgnoresTheCase => replaced(&|line| line.replace("__host", "__Host")),
        Bug::Unquotes => replaced(&|line| line.replace('"', "")),
        Bug::TakesIdsFromTheQuery => {
            lines.into_iter().chain(query.map(String::into_bytes)).collect()
        }
        _ => return,
    };
    headers.remove(header::COOKIE);
    for line in lines {
        headers.append(header::COOKIE, HeaderValue::from_bytes(&line).expect("bytes of a header"));
    }
}

fn break_response(bug: Bug, response: &mut Response, cookie: Option<HeaderValue>) {
    let status = response.status();
    let headers = response.headers_mut();
    let line = headers.get(header::SET_COOKIE).cloned();
    let text = line.as_ref().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let text = text.unwrap_or_default();
    let varies = headers.contains_key(header::VARY);
    let mut set = |line: String| {
        headers.insert(header::SET_COOKIE, HeaderValue::try_from(line).expect("text of a header"));
    };
    match bug {
        Bug::VariesAlways => drop(headers.insert(header::VARY, HeaderValue::from_static("cookie"))),
        Bug::ForgetsToVary => drop(headers.remove(header::VARY)),
        Bug::ForgetsThatItIsPrivate if line.is_none() => {
            drop(headers.remove(header::CACHE_CONTROL))
        }
        Bug::LetsCookiesBeStored if line.is_some() => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        Bug::SetsTheCookieAlways if line.is_none() => {
            if let Some(cookie) = cookie {
                headers.insert(header::SET_COOKIE, cookie);
            }
        }
        Bug::AddsADomain if line.is_some() => set(format!("{text}; Domain=localhost")),
        Bug::TakesTheCookieWithoutItsAttributes if text.contains("Max-Age=0") => {
            set(text.split(';').next().unwrap_or_default().to_owned() + "; Max-Age=0");
        }
        Bug::DropsTheCookieOfAFailure if status.is_server_error() => {
            headers.remove(header::SET_COOKIE);
        }
        Bug::HidesAFailure if status == StatusCode::SERVICE_UNAVAILABLE => {
            *response.status_mut() = StatusCode::OK;
        }
        Bug::ForgetsRetryAfter => drop(headers.remove(header::RETRY_AFTER)),
        Bug::ClearsTheCookieOfALoser if line.is_none() && varies => {
            set("__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0".to_owned());
        }
        Bug::ShowsTheCookie => {
            if let Some(cookie) = cookie {
                headers.insert("x-session", cookie);
            }
        }
        _ => {}
    }
}

/// A case panics. On one thread, since a case promises nobody to go from one to another.
async fn check(bug: Bug, name: &str, case: impl Future<Output = ()> + 'static) {
    let local = LocalSet::new();
    let ended = local.run_until(local.spawn_local(case)).await;
    assert!(ended.is_err_and(|error| error.is_panic()), "{name} is content with {bug:?}");
}

/// Each line is a bug and the cases that must find it.
macro_rules! finds {
    ($($bug:ident: $($case:ident)+;)*) => {
        $(
            #[tokio::test]
            #[allow(non_snake_case, reason = "the test is named after the bug")]
            async fn $bug() {
                let start = async |backend| start(Bug::$bug, backend).await;
                $(check(Bug::$bug, stringify!($case), suite::$case(start)).await;)+
            }
        )*
    };
}

finds! {
    LoadsWhatNobodyUses: s_137_a_session_that_is_not_used_costs_nothing
        excluded_routes_have_no_session;
    VariesAlways: s_137_a_session_that_is_not_used_costs_nothing;
    ForgetsToVary: s_135_an_answer_with_a_cookie_is_not_stored
        s_136_a_session_that_was_used_is_private_and_varies;
    ForgetsThatItIsPrivate: s_136_a_session_that_was_used_is_private_and_varies;
    LetsCookiesBeStored: s_135_an_answer_with_a_cookie_is_not_stored;
    SetsTheCookieAlways: s_030_reading_sends_no_cookie
        s_050_a_writer_in_flight_does_not_bring_a_session_back
        s_039_a_commit_from_before_the_sign_in_is_lost
        s_048_a_renewal_that_was_overtaken_sets_no_cookie
        a_cookie_is_sent_again_when_its_deadline_moves a_stream_saves_after_its_head;
    AddsADomain: a_new_session_sets_one_cookie;
    TakesTheCookieWithoutItsAttributes: s_028_the_cookie_goes_as_it_came;
    DropsTheCookieOfAFailure: s_054_an_end_takes_effect_whatever_the_status
        an_end_that_fails_takes_the_cookie_all_the_same;
    ReadsTextCookiesAlone: s_014_foreign_bytes_hide_nothing;
    ReadsOneCookieLine: s_015_several_header_lines_are_as_one;
    DecodesCookies: s_010_names_are_compared_byte_for_byte;
    IgnoresTheCase: s_010_names_are_compared_byte_for_byte;
    Unquotes: s_016_values_are_taken_as_they_are;
    TakesIdsFromTheQuery: s_021_an_id_counts_in_the_cookie_alone;
    SavesWhateverTheStatus: a_status_decides_whether_data_is_stored a_panic_stores_nothing;
    CountsWithoutUpdate: s_074_a_slow_writer_undoes_nothing;
    SignsInWithoutANewId: s_037_a_sign_in_changes_the_id
        s_039_a_commit_from_before_the_sign_in_is_lost;
    ExcludesUnasked: nothing_is_excluded_by_default;
    ForgetsWhoWentAway: s_054_an_end_takes_effect_though_nobody_waits_for_it;
    HidesAFailure: s_088_a_store_that_is_down_answers_503
        a_commit_that_fails_replaces_the_answer an_end_that_fails_takes_the_cookie_all_the_same;
    ForgetsRetryAfter: s_088_a_store_that_is_down_answers_503
        a_commit_that_fails_replaces_the_answer;
    ClearsTheCookieOfALoser: s_039_a_second_destroy_leaves_the_cookie
        s_050_a_writer_in_flight_does_not_bring_a_session_back
        s_125_reading_without_a_cookie_costs_no_store_call
        s_128_nothing_to_store_is_not_stored
        a_stream_without_a_session_stores_nothing;
    CollectsTheBody: a_stream_saves_after_its_head;
    ExcludesNothing: excluded_routes_have_no_session;
    ShowsTheCookie: no_answer_holds_the_secret_half_of_an_id;
}
