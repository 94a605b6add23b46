use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom::{Error, MaxAge, Session};
use serde::Deserialize;

use super::{Body, status};

type Answer<T = StatusCode> = Result<T, Error>;

pub(crate) async fn destroy(session: Session) -> Answer {
    session.destroy()?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn destroy_with_status(
    session: Session,
    Path(code): Path<u16>,
) -> Answer<Response> {
    session.destroy()?;
    Ok(status(code))
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
    session.sign_in(&body.subject)?;
    if let Some(label) = body.label {
        session.set_label("label", &label)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn sign_out(session: Session) -> Answer {
    session.sign_out()?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn sign_out_with_status(
    session: Session,
    Path(code): Path<u16>,
) -> Answer<Response> {
    session.sign_out()?;
    Ok(status(code))
}

#[derive(Deserialize)]
pub(crate) struct Lifetime {
    seconds: Option<u64>,
}

pub(crate) async fn max_age(session: Session, Body(lifetime): Body<Lifetime>) -> Answer {
    session.set_max_age(match lifetime.seconds {
        Some(seconds) => MaxAge::Lasting(Duration::from_secs(seconds)),
        None => MaxAge::BrowserSession,
    })?;
    Ok(StatusCode::NO_CONTENT)
}
