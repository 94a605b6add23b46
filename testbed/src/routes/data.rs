use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Error, ErrorKind, Session, UnixMillis};
use serde_json::{Map, Value, json};

use super::input::{Body, Code, Delay, Segment};

type Answer<T = Response> = Result<T, Error>;

/// `GET /session`, or what stands in for it where sessions are excluded.
pub(crate) async fn session(session: Answer<Session>) -> Answer {
    match session {
        Ok(session) => Ok(Json(describe(&session)?).into_response()),
        Err(error) if error.kind() == ErrorKind::Excluded => {
            Ok(Json(json!({"session": "excluded"})).into_response())
        }
        Err(error) => Err(error),
    }
}

pub(crate) async fn skip(session: Answer<Session>) -> Answer {
    match session {
        Err(error) if error.kind() == ErrorKind::Excluded => {
            Ok(Json(json!({"session": "skipped"})).into_response())
        }
        Err(error) => Err(error),
        Ok(session) => Ok(Json(describe(&session)?).into_response()),
    }
}

fn describe(session: &Session) -> Answer<Value> {
    let millis = |moment: Option<UnixMillis>| moment.map(UnixMillis::as_millis);
    Ok(json!({
        "exists": session.exists(),
        "handle": session.handle(),
        "is_new": session.is_new(),
        "subject": session.subject(),
        "absence": session.absence().map(cloakroom::Absence::name),
        "created_at": millis(session.created_at()),
        "expires_at": millis(session.expires_at()),
        "data": session.decode::<Map<String, Value>>()?,
    }))
}

pub(crate) async fn key(session: Session, Segment(key): Segment<String>) -> Answer {
    Ok(match session.get::<Value>(&key)? {
        Some(value) => Json(value).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({"error": "no such key"}))).into_response(),
    })
}

pub(crate) async fn remove(session: Session, Segment(key): Segment<String>) -> Answer<StatusCode> {
    session.remove(&key)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn set(
    session: Session,
    Body(members): Body<Map<String, Value>>,
) -> Answer<StatusCode> {
    insert_all(&session, &members)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn set_with_status(
    session: Session,
    code: Code,
    Body(members): Body<Map<String, Value>>,
) -> Answer<Code> {
    insert_all(&session, &members)?;
    Ok(code)
}

pub(crate) async fn panic(session: Session, Body(members): Body<Map<String, Value>>) -> Answer {
    insert_all(&session, &members)?;
    panic!("a handler panics");
}

/// All of them, or none.
fn insert_all(session: &Session, members: &Map<String, Value>) -> Answer<()> {
    let inserted = members.iter().try_for_each(|(key, value)| session.insert(key, value));
    if inserted.is_err() {
        session.discard()?;
    }
    inserted
}

pub(crate) async fn clear(session: Session) -> Answer<StatusCode> {
    session.clear()?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn increment(
    session: Session,
    Segment(key): Segment<String>,
    delay: Delay,
) -> Answer {
    let value = session.update(&key, |n: &mut i64| {
        *n = n.saturating_add(1);
        *n
    });
    let value = match value {
        Err(error) if error.kind() == ErrorKind::Type => {
            return Ok((StatusCode::CONFLICT, Json(json!({"error": "type"}))).into_response());
        }
        value => value?,
    };
    delay.wait().await;
    Ok(Json(value).into_response())
}

pub(crate) async fn push(
    session: Session,
    Segment(key): Segment<String>,
    Body(value): Body<Value>,
) -> Answer {
    let pushed = session.update(&key, move |list: &mut Vec<Value>| list.push(value.clone()));
    match pushed {
        Err(error) if error.kind() == ErrorKind::Type => {
            Ok((StatusCode::CONFLICT, Json(json!({"error": "type"}))).into_response())
        }
        pushed => pushed.map(|()| StatusCode::NO_CONTENT.into_response()),
    }
}

pub(crate) async fn slow_write(
    session: Session,
    Segment(key): Segment<String>,
    delay: Delay,
    Body(value): Body<Value>,
) -> Answer<StatusCode> {
    session.get::<Value>(&key)?;
    delay.wait().await;
    session.insert(&key, &value)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn slow_read(session: Session, delay: Delay) -> Answer {
    let described = describe(&session)?;
    delay.wait().await;
    Ok(Json(described).into_response())
}
