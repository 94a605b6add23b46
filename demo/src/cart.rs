//! The cart, as the session keeps it.

use std::collections::BTreeMap;

use cloakroom::{Result, Session};
use serde::{Deserialize, Serialize};

use crate::catalogue::{self, Price, Product};

/// Where the cart lives in the session.
pub(crate) const KEY: &str = "cart";

/// More of one thing than this is a typing mistake.
pub(crate) const MAX_QUANTITY: u32 = 99;

/// How many of which product.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cart(BTreeMap<String, u32>);

/// One product in the cart.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) product: &'static Product,
    pub(crate) quantity: u32,
}

impl Line {
    pub(crate) fn total(&self) -> Price {
        self.product.price.times(self.quantity)
    }
}

impl Cart {
    /// The cart of this session; empty if there is none.
    pub(crate) fn of(session: &Session) -> Result<Self> {
        Ok(session.get(KEY)?.unwrap_or_default())
    }

    pub(crate) fn add(&mut self, product: &Product, more: u32) {
        let quantity = self.0.entry(product.slug.to_owned()).or_default();
        *quantity = quantity.saturating_add(more).min(MAX_QUANTITY);
    }

    /// Sets the number of one product; none takes it out.
    pub(crate) fn set(&mut self, product: &Product, quantity: u32) {
        if quantity == 0 {
            self.0.remove(product.slug);
        } else {
            self.0.insert(product.slug.to_owned(), quantity.min(MAX_QUANTITY));
        }
    }

    /// What is in the cart. A product that has left the catalogue since is left out.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0
            .iter()
            .filter_map(|(slug, &quantity)| {
                catalogue::find(slug).map(|product| Line { product, quantity })
            })
            .collect()
    }

    pub(crate) fn count(&self) -> u32 {
        self.lines().iter().map(|line| line.quantity).sum()
    }

    pub(crate) fn total(&self) -> Price {
        self.lines().iter().map(Line::total).sum()
    }
}
