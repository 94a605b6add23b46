//! What the shop sells.

use std::fmt;
use std::iter::Sum;

/// Something to buy.
#[derive(Debug)]
pub(crate) struct Product {
    /// Its name in forms, in the session, and in `assets/goods.svg`.
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) price: Price,
}

/// An amount in euro cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price(u32);

impl Price {
    pub(crate) fn times(self, quantity: u32) -> Self {
        Self(self.0.saturating_mul(quantity))
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        Self(prices.fold(0, |sum, price| sum.saturating_add(price.0)))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

const fn product(
    slug: &'static str,
    name: &'static str,
    cents: u32,
    about: &'static str,
) -> Product {
    Product { slug, name, about, price: Price(cents) }
}

/// The whole range.
pub(crate) static PRODUCTS: [Product; 8] = [
    product("hanger", "Beech hanger", 14_00, "Broad shoulders, brass hook, oiled by hand."),
    product("umbrella", "Long umbrella", 68_00, "Eight ribs, a chestnut handle, no wind it fears."),
    product("scarf", "Lambswool scarf", 45_00, "Woven in one piece, soft from the first day."),
    product("hat", "Ribbed wool hat", 32_00, "Warm to minus ten. The bobble comes off."),
    product("mitten", "Felted mittens", 29_50, "Thick, quick to dry, joined by a cord."),
    product("tag", "Brass coat tag", 9_50, "Stamped with your number. Don't lose it."),
    product("brush", "Clothes brush", 24_00, "Boar bristle on pear wood, for lint and dust."),
    product("boot", "Rain boots", 54_00, "Natural rubber, cotton lining, room for thick socks."),
];

/// The product of this name.
pub(crate) fn find(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_two_decimals() {
        assert_eq!(Price(29_50).to_string(), "€29.50");
        assert_eq!([Price(5), Price(9_00)].into_iter().sum::<Price>().to_string(), "€9.05");
    }

    #[test]
    fn every_product_is_drawn() {
        let drawings = include_str!("../assets/goods.svg");
        for product in &PRODUCTS {
            assert!(drawings.contains(&format!("id=\"{}\"", product.slug)), "{}", product.slug);
        }
    }
}
