//! Keys that know the type of their value.

use std::fmt;
use std::marker::PhantomData;

/// The name of a value together with its type, so that both are written once.
///
/// # Examples
/// ```
/// use cloakroom::Key;
///
/// const CART: Key<Vec<u64>> = Key::new("cart");
/// # fn handler(session: cloakroom::Session) -> Result<(), cloakroom::Error> {
/// let items = session.get(CART)?.unwrap_or_default();
/// session.insert(CART, &items)?;
/// # Ok(())
/// # }
/// ```
pub struct Key<T: ?Sized> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: ?Sized> Key<T> {
    /// A key of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// The name under which the value is stored.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

/// What names a value of type `T`: a [`Key<T>`], or a string for a value of any type.
pub trait KeyOf<T: ?Sized>: private::Sealed {
    /// The name under which the value is stored.
    fn key_name(&self) -> &str;
}

impl<T: ?Sized> KeyOf<T> for Key<T> {
    fn key_name(&self) -> &str {
        self.name
    }
}

impl<T: ?Sized> KeyOf<T> for &str {
    fn key_name(&self) -> &str {
        self
    }
}

impl<T: ?Sized> KeyOf<T> for &String {
    fn key_name(&self) -> &str {
        self
    }
}

mod private {
    #[allow(unnameable_types, reason = "sealed: the library decides what names a value")]
    pub trait Sealed {}
    impl<T: ?Sized> Sealed for super::Key<T> {}
    impl Sealed for &str {}
    impl Sealed for &String {}
}
