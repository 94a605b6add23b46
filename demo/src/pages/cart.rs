//! The cart: what is in it, and every way to change that.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::cart::{Cart, KEY, Line, MAX_QUANTITY};
use crate::catalogue::{self, Price, Product};
use crate::error::PageError;
use crate::flash;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    frame: Frame,
    lines: Vec<Line>,
    total: Price,
    max_quantity: u32,
}

/// What is in the cart.
pub(crate) async fn show(visit: Visit) -> Result<Response, PageError> {
    let cart = Cart::of(&visit.session)?;
    let frame = Frame::new(&visit.session, visit.user)?;
    let (lines, total) = (cart.lines(), cart.total());
    page(StatusCode::OK, &CartPage { frame, lines, total, max_quantity: MAX_QUANTITY })
}

/// A form about one product.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    product: String,
}

impl Choice {
    fn product(&self) -> Result<&'static Product, PageError> {
        catalogue::find(&self.product).ok_or(PageError::NotFound)
    }
}

/// Puts one more into the cart.
pub(crate) async fn add(
    Visit { session, .. }: Visit,
    Form(choice): Form<Choice>,
) -> Result<Redirect, PageError> {
    let product = choice.product()?;
    // Not a read and a write: of two tabs that add at the same time, the one that commits second runs this
    // again on what the first has left, so both are in the cart.
    session.update(KEY, move |cart: &mut Cart| cart.add(product, 1))?;
    flash::done(&session, format!("In your cart: {}.", product.name))?;
    // Back to where the visitor was in the list.
    Ok(Redirect::to(&format!("/#{}", product.slug)))
}

/// A form that says how many of one product.
#[derive(Debug, Deserialize)]
pub(crate) struct Quantity {
    #[serde(flatten)]
    choice: Choice,
    quantity: String,
}

/// Changes how many of one product are in the cart.
pub(crate) async fn set(
    Visit { session, .. }: Visit,
    Form(form): Form<Quantity>,
) -> Result<Redirect, PageError> {
    let product = form.choice.product()?;
    match form.quantity.trim().parse::<u32>() {
        Ok(quantity) if quantity <= MAX_QUANTITY => {
            session.update(KEY, move |cart: &mut Cart| cart.set(product, quantity))?;
            flash::done(&session, "Your cart is up to date.")?;
        }
        _ => flash::refused(
            &session,
            format!("A quantity is a number from 0 to {MAX_QUANTITY}; nothing was changed."),
        )?,
    }
    Ok(Redirect::to("/cart"))
}

/// Takes one product out of the cart.
pub(crate) async fn remove(
    Visit { session, .. }: Visit,
    Form(choice): Form<Choice>,
) -> Result<Redirect, PageError> {
    let product = choice.product()?;
    session.update(KEY, move |cart: &mut Cart| cart.set(product, 0))?;
    flash::done(&session, format!("No longer in your cart: {}.", product.name))?;
    Ok(Redirect::to("/cart"))
}

/// The end of the tour: empties the cart.
pub(crate) async fn check_out(Visit { session, .. }: Visit) -> Result<Redirect, PageError> {
    if session.remove(KEY)? {
        let thanks =
            "Thank you! This shop is a demonstration: nothing is charged, nothing is sent.";
        flash::done(&session, thanks)?;
    }
    Ok(Redirect::to("/"))
}
