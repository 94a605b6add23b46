//! Signing up, in, and out.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{MaxAge, Session};
use serde::Deserialize;

use super::page;
use crate::app::App;
use crate::error::PageError;
use crate::flash;
use crate::user_agent;
use crate::users::{SignUpError, User};
use crate::visit::{Frame, Visit};

/// The shortest password taken; nothing else is asked of one. NIST SP 800-63B-4, section 3.1.1.2, wants 15
/// where it is the only factor; a demonstration is kinder.
const MIN_PASSWORD_CHARS: usize = 8;

/// Far above any passphrase; a bound on what is hashed.
const MAX_PASSWORD_BYTES: usize = 256;

const MAX_NAME_CHARS: usize = 60;

/// The longest address that can receive mail: RFC 5321, section 4.5.3.1.3, without the angle brackets.
const MAX_EMAIL_BYTES: usize = 254;

/// How long "keep me signed in" lasts without a visit.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is wrong with a form, field by field, as its page shows it.
#[derive(Debug, Default)]
struct Problems {
    name: Option<&'static str>,
    email: Option<&'static str>,
    password: Option<&'static str>,
}

impl Problems {
    fn any(&self) -> bool {
        self.name.or(self.email).or(self.password).is_some()
    }
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    frame: Frame,
    name: String,
    email: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    email: String,
    next: &'static str,
    refused: bool,
}

/// Where a form leads to afterwards.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

impl Next {
    /// One of the pages worth coming back to. A list, so that no link can send anybody to another site.
    fn path(&self) -> &'static str {
        ["/devices", "/cart"].into_iter().find(|path| *path == self.next).unwrap_or("/")
    }
}

/// The empty form for a new account.
pub(crate) async fn sign_up_form(visit: Visit) -> Result<Response, PageError> {
    if visit.user.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let frame = Frame::new(&visit.session, None)?;
    let (name, email) = Default::default();
    page(StatusCode::OK, &SignUpPage { frame, name, email, problems: Problems::default() })
}

/// A filled-in form for a new account.
#[derive(Deserialize)]
pub(crate) struct SignUp {
    name: String,
    email: String,
    password: String,
}

impl SignUp {
    fn problems(&self) -> Option<Problems> {
        let name = match self.name.trim().chars().count() {
            0 => Some("Tell us what to call you."),
            1..=MAX_NAME_CHARS => None,
            _ => Some("That is longer than 60 characters."),
        };
        let plausible = self.email.len() <= MAX_EMAIL_BYTES
            && self.email.trim().split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
        let email = (!plausible).then_some("An address looks like ada@example.org.");
        let password = if self.password.chars().count() < MIN_PASSWORD_CHARS {
            Some("That is shorter than 8 characters.")
        } else if self.password.len() > MAX_PASSWORD_BYTES {
            Some("That is longer than 256 bytes.")
        } else {
            None
        };
        Some(Problems { name, email, password }).filter(Problems::any)
    }
}

/// Opens an account and signs its owner in.
pub(crate) async fn sign_up(
    State(app): State<App>,
    Visit { session, .. }: Visit,
    headers: HeaderMap,
    Form(form): Form<SignUp>,
) -> Result<Response, PageError> {
    let problems = match form.problems() {
        Some(problems) => problems,
        None => match app.users.sign_up(form.name.trim(), form.email.trim(), form.password).await {
            Ok(user) => {
                welcome(&session, &headers, &user, MaxAge::BrowserSession)?;
                flash::done(&session, format!("Welcome, {}.", user.name))?;
                return Ok(Redirect::to("/").into_response());
            }
            Err(SignUpError::Busy) => return Err(PageError::Busy),
            Err(SignUpError::EmailTaken) => Problems {
                email: Some("Somebody has signed up with this address already."),
                ..Problems::default()
            },
        },
    };
    let frame = Frame::new(&session, None)?;
    let form = SignUpPage { frame, name: form.name, email: form.email, problems };
    page(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// The empty form for signing in.
pub(crate) async fn sign_in_form(
    visit: Visit,
    Query(next): Query<Next>,
) -> Result<Response, PageError> {
    if visit.user.is_some() {
        return Ok(Redirect::to(next.path()).into_response());
    }
    let frame = Frame::new(&visit.session, None)?;
    let form = SignInPage { frame, email: String::new(), next: next.path(), refused: false };
    page(StatusCode::OK, &form)
}

/// A filled-in form for signing in.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    email: String,
    password: String,
    /// A checkbox: there when it is ticked.
    remember: Option<String>,
    #[serde(flatten)]
    next: Next,
}

/// Signs somebody in, if the password is theirs.
pub(crate) async fn sign_in(
    State(app): State<App>,
    Visit { session, .. }: Visit,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, PageError> {
    let next = form.next.path();
    // A password longer than any account's is not worth hashing.
    let user = if form.password.len() > MAX_PASSWORD_BYTES {
        None
    } else {
        app.users.check(form.email.trim(), form.password).await?
    };
    let Some(user) = user else {
        let frame = Frame::new(&session, None)?;
        let form = SignInPage { frame, email: form.email, next, refused: true };
        return page(StatusCode::UNPROCESSABLE_ENTITY, &form);
    };
    let max_age = match form.remember {
        Some(_) => MaxAge::Lasting(REMEMBERED),
        None => MaxAge::BrowserSession,
    };
    welcome(&session, &headers, &user, max_age)?;
    flash::done(&session, format!("Welcome back, {}.", user.name))?;
    Ok(Redirect::to(next).into_response())
}

/// Makes the session this user's. What it holds stays, so the cart comes along; its ID changes, so whoever
/// knew the one from before the sign-in has nothing.
fn welcome(
    session: &Session,
    headers: &HeaderMap,
    user: &Arc<User>,
    max_age: MaxAge,
) -> cloakroom::Result<()> {
    session.sign_in(&user.id)?;
    session.set_label("device", &user_agent::device(headers))?;
    session.set_max_age(max_age)
}

/// Ends the session on this device.
pub(crate) async fn sign_out(Visit { session, .. }: Visit) -> Result<Redirect, PageError> {
    session.sign_out()?;
    flash::done(&session, "You are signed out on this device.")?;
    Ok(Redirect::to("/"))
}
