//! What only this crate can ask.
