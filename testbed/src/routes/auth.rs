use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Error, MaxAge, Session};
use serde::Deserialize;

use super::input::{Body, Code, bad_request};

type Answer<T = StatusCode> = Result<T, Error>;

pub(crate) async fn destroy(session: Session) -> Answer {
    session.destroy()?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn destroy_with_status(session: Session, code: Code) -> Answer<Code> {
    session.destroy()?;
    Ok(code)
}

pub(crate) async fn cycle(session: Session) -> Answer {
    session.cycle_id()?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    subject: String,
    label: Option<String>,
}

pub(crate) async fn sign_in(session: Session, Body(body): Body<SignIn>) -> Answer {
    let label = body.label.as_ref().map(|label| session.set_label("label", label));
    let signed_in = label.unwrap_or(Ok(())).and_then(|()| session.sign_in(&body.subject));
    if signed_in.is_err() {
        // A sign-in that is refused leaves no label either.
        session.discard()?;
    }
    signed_in.map(|()| StatusCode::NO_CONTENT)
}

pub(crate) async fn sign_out(session: Session) -> Answer {
    session.sign_out()?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn sign_out_with_status(session: Session, code: Code) -> Answer<Code> {
    session.sign_out()?;
    Ok(code)
}

#[derive(Deserialize)]
pub(crate) struct Lifetime {
    // Without this a missing member would be read as null, and shorten the cookie's life.
    #[serde(deserialize_with = "Option::deserialize")]
    seconds: Option<u64>,
}

pub(crate) async fn max_age(session: Session, Body(lifetime): Body<Lifetime>) -> Answer<Response> {
    session.set_max_age(match lifetime.seconds {
        Some(0) => return Ok(bad_request("`seconds` is at least 1")),
        Some(seconds) => MaxAge::Lasting(Duration::from_secs(seconds)),
        None => MaxAge::BrowserSession,
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
