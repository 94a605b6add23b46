//! The shop of `shop.py` in Rust: the same pages from the same templates, the same keys in the session.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Key, Session};
use serde::Deserialize;

const COATS: [&str; 3] = ["Duffle coat", "Parka", "Trench coat"];

/// How many of which coat.
type Cart = BTreeMap<String, u64>;

// Both sides read and write these, so their names and their JSON are a contract between them.
const VISITS: Key<u64> = Key::new("visits");
const CART: Key<Cart> = Key::new("cart");
pub(crate) const USER: Key<String> = Key::new("user");

/// All routes. nginx decides which of them are used; the session layer goes around them.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(coats))
        .route("/cart", get(cart).post(add))
        .route("/account", get(account))
        .route("/account/sign-in", post(sign_in))
        .route("/account/sign-out", post(sign_out))
}

/// What every page shows of the session.
struct Page {
    visits: u64,
    user: String,
    count: u64,
    side: &'static str,
}

impl Page {
    fn of(session: &Session) -> Result<Self, Error> {
        Ok(Self {
            visits: session.get(VISITS)?.unwrap_or_default(),
            user: session.get(USER)?.unwrap_or_default(),
            count: session.get(CART)?.unwrap_or_default().values().sum(),
            side: "Rust",
        })
    }
}

#[derive(Template)]
#[template(path = "coats.html")]
struct Coats {
    page: Page,
    coats: [&'static str; 3],
}

async fn coats(session: Session) -> Result<Response, Error> {
    // Computed again, should another request change it meanwhile.
    session.update(VISITS, |visits: &mut u64| *visits += 1)?;
    Ok(html(&Coats { page: Page::of(&session)?, coats: COATS }))
}

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    page: Page,
    cart: Cart,
}

async fn cart(session: Session) -> Result<Response, Error> {
    let cart = session.get(CART)?.unwrap_or_default();
    Ok(html(&CartPage { page: Page::of(&session)?, cart }))
}

#[derive(Deserialize)]
struct Choice {
    coat: String,
}

async fn add(session: Session, Form(Choice { coat }): Form<Choice>) -> Result<Redirect, Error> {
    if COATS.contains(&&*coat) {
        session.update(CART, move |cart: &mut Cart| *cart.entry(coat.clone()).or_default() += 1)?;
    }
    Ok(Redirect::to("/cart"))
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: Page,
}

async fn account(session: Session) -> Result<Response, Error> {
    Ok(html(&Account { page: Page::of(&session)? }))
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn sign_in(session: Session, Form(Name { name }): Form<Name>) -> Result<Redirect, Error> {
    let name: String = name.chars().take(100).collect();
    if !name.is_empty() {
        // A new ID, so that whoever knew the old one is not signed in with it. Litestar reads `user`.
        session.sign_in(&name)?;
        session.insert(USER, &name)?;
    }
    Ok(Redirect::to("/account"))
}

async fn sign_out(session: Session) -> Result<Redirect, Error> {
    session.sign_out()?;
    Ok(Redirect::to("/account"))
}

fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
