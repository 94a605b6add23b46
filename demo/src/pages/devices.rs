//! Where somebody is signed in, and how to end that from here.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use cloakroom::{Clock, SessionHandle, SessionInfo, SystemClock};
use serde::Deserialize;

use super::page;
use crate::app::App;
use crate::error::PageError;
use crate::flash;
use crate::times::Ago;
use crate::visit::{Frame, Member};

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    devices: Vec<Device>,
}

/// One session of the visitor, as the page shows it.
#[derive(Debug)]
struct Device {
    handle: SessionHandle,
    label: String,
    is_this: bool,
    signed_in: Ago,
    last_seen: Ago,
}

impl DevicesPage {
    fn others(&self) -> usize {
        self.devices.iter().filter(|device| !device.is_this).count()
    }
}

/// Every device the visitor is signed in on, this one first.
pub(crate) async fn show(
    State(app): State<App>,
    Member { session, user }: Member,
) -> Result<Response, PageError> {
    let now = SystemClock.now();
    let this = session.handle();
    let mut sessions = app.sessions.of(&user.id).await?;
    sessions.sort_by_key(|info| (Some(info.handle) != this, Reverse(info.last_seen_at)));
    let devices = sessions
        .into_iter()
        .map(|info: SessionInfo| Device {
            label: info.labels.get("device").cloned().unwrap_or_else(|| "Unknown device".into()),
            is_this: Some(info.handle) == this,
            signed_in: Ago::new(info.created_at, now),
            last_seen: Ago::new(info.last_seen_at, now),
            handle: info.handle,
        })
        .collect();
    let frame = Frame::new(&session, Some(user))?;
    page(StatusCode::OK, &DevicesPage { frame, devices })
}

/// Which device to sign out.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    handle: String,
}

/// Signs out one other device.
pub(crate) async fn revoke(
    State(app): State<App>,
    Member { session, user }: Member,
    Form(choice): Form<Choice>,
) -> Result<Redirect, PageError> {
    let handle: SessionHandle = choice.handle.parse().map_err(|_| PageError::NotFound)?;
    // A handle is no secret and proves nothing: only one of the visitor's own may be revoked.
    if app.sessions.revoke_of(&user.id, handle).await? {
        flash::done(&session, "That device is signed out.")?;
    } else {
        flash::refused(&session, "That device was signed out already.")?;
    }
    Ok(Redirect::to("/devices"))
}

/// Signs out every device but this one.
pub(crate) async fn revoke_others(
    State(app): State<App>,
    Member { session, .. }: Member,
) -> Result<Redirect, PageError> {
    let text = match app.sessions.revoke_others(&session).await? {
        0 => "There was no other device to sign out.".to_owned(),
        1 => "One other device is signed out.".to_owned(),
        number => format!("{number} other devices are signed out."),
    };
    flash::done(&session, text)?;
    Ok(Redirect::to("/devices"))
}

/// Signs out every device, this one too.
pub(crate) async fn sign_out_everywhere(
    State(app): State<App>,
    Member { session, .. }: Member,
) -> Result<Redirect, PageError> {
    // The others first and then this one by its own request, so that this browser's cookie goes as well.
    app.sessions.revoke_others(&session).await?;
    session.sign_out()?;
    flash::done(&session, "You are signed out everywhere.")?;
    Ok(Redirect::to("/sign-in"))
}
