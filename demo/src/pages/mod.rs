//! The pages, one file for each part of the site.

pub(crate) mod account;
pub(crate) mod cart;
pub(crate) mod devices;
pub(crate) mod shop;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::error::PageError;

/// Writes a page out. Every page shows whose it is or what is in the cart, so none may be kept by a cache,
/// nor come back with the browser's back button after signing out.
fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    let html = template.render()?;
    Ok((status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}
