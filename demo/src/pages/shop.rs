//! The shop window.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::page;
use crate::catalogue::{PRODUCTS, Product};
use crate::error::PageError;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "shop.html")]
struct ShopPage {
    frame: Frame,
    products: &'static [Product],
}

/// Everything there is to buy.
pub(crate) async fn show(visit: Visit) -> Result<Response, PageError> {
    let frame = Frame::new(&visit.session, visit.user)?;
    page(StatusCode::OK, &ShopPage { frame, products: &PRODUCTS })
}
