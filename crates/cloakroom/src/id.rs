//! Session IDs: the secret a browser carries, and the public handle inside it.
//!
//! An ID is `handle (16 bytes) ‖ secret (16 bytes or more)`. The handle names the record for its whole life
//! and may be logged; the secret proves possession and exists only in the cookie. A record holds the
//! SHA-256 of the whole ID, so that nothing a store holds can be presented as a cookie, and a record copied
//! under another handle authenticates nobody.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, ErrorKind, Result};

/// Bytes of an ID that are the public handle.
const HANDLE_BYTES: usize = 16;
/// The smallest number of bytes an ID may have: a 16-byte handle and 128 secret bits.
///
/// Source: OWASP ASVS 5.0, 7.2.3 and 11.5.1 (at least 128 bits of entropy in the secret).
pub const MIN_ID_BYTES: usize = 32;
/// The largest number of bytes an ID may have.
pub const MAX_ID_BYTES: usize = 64;

/// How an ID is written in the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IdFormat {
    /// Unpadded base64url (RFC 4648, section 5): 43 characters for 32 bytes. The default.
    #[default]
    Base64Url,
    /// Lower-case hexadecimal: 64 characters for 32 bytes, as Litestar writes it.
    Hex,
}

impl IdFormat {
    /// The number of characters an ID of `id_bytes` bytes has in this format.
    pub const fn text_len(self, id_bytes: usize) -> usize {
        match self {
            Self::Base64Url => (id_bytes * 4).div_ceil(3),
            Self::Hex => id_bytes * 2,
        }
    }
}

/// The secret value of a session cookie.
///
/// It is never printed, serialised or compared with `==`; it is wiped from memory when dropped. What may be
/// shown is its [`handle`](Self::handle).
///
/// # Examples
/// ```
/// use cloakroom::{IdFormat, SessionId};
///
/// let id = SessionId::generate(32)?;
/// let text = id.expose(IdFormat::Base64Url);
/// assert_eq!(text.len(), 43);
/// assert_eq!(SessionId::parse(text.as_bytes(), 32, IdFormat::Base64Url).unwrap().handle(), id.handle());
/// assert!(!format!("{id:?}").contains(text.as_str()));
/// # Ok::<(), cloakroom::Error>(())
/// ```
#[derive(Clone)]
pub struct SessionId {
    /// On the heap, so that a move leaves no copy behind, and none is as long as the bytes.
    bytes: Box<[u8]>,
}

impl SessionId {
    /// Makes a new ID of `len` bytes from the operating system's random generator.
    ///
    /// There is no fallback generator and no state in the process, so that a fork or a restored snapshot can
    /// not repeat an ID.
    ///
    /// # Errors
    /// [`ErrorKind::Random`] if the operating system gives no randomness.
    ///
    /// # Panics
    /// If `len` is outside [`MIN_ID_BYTES`]`..=`[`MAX_ID_BYTES`]; a built configuration never asks for it.
    pub fn generate(len: usize) -> Result<Self> {
        Self::generate_with(len, &os_random)
    }

    pub(crate) fn generate_with(len: usize, random: &RandomSource) -> Result<Self> {
        assert!((MIN_ID_BYTES..=MAX_ID_BYTES).contains(&len), "an ID has 32 to 64 bytes");
        let mut id = Self::blank(len);
        random(&mut id.bytes)?;
        Ok(id)
    }

    /// Reads an ID of exactly `len` bytes from the text of a cookie.
    ///
    /// Only the canonical spelling is accepted: no padding, no blanks, no quotes, no other alphabet, no
    /// non-zero trailing bits, so that each ID has one text. Everything else is `None`.
    pub fn parse(text: &[u8], len: usize, format: IdFormat) -> Option<Self> {
        if !(MIN_ID_BYTES..=MAX_ID_BYTES).contains(&len) || text.len() != format.text_len(len) {
            return None;
        }
        // data-encoding wants the output to have the maximal decoded length for this input length, which for
        // canonical lengths is exactly `len`.
        let mut id = Self::blank(len);
        let out = &mut id.bytes[..];
        let written = match format {
            IdFormat::Base64Url => BASE64URL_NOPAD.decode_mut(text, out),
            IdFormat::Hex => HEXLOWER.decode_mut(text, out),
        };
        (written.ok()? == len).then_some(id)
    }

    /// The text that goes into the cookie. The returned string is wiped when dropped.
    ///
    /// Named `expose` so that each place where a secret leaves is easy to find.
    pub fn expose(&self, format: IdFormat) -> Zeroizing<String> {
        let mut text = String::with_capacity(self.text_len(format));
        self.expose_into(format, &mut text);
        Zeroizing::new(text)
    }

    /// The number of characters of its text.
    pub(crate) fn text_len(&self, format: IdFormat) -> usize {
        format.text_len(self.as_bytes().len())
    }

    pub(crate) fn expose_into(&self, format: IdFormat, text: &mut String) {
        match format {
            IdFormat::Base64Url => BASE64URL_NOPAD.encode_append(self.as_bytes(), text),
            IdFormat::Hex => HEXLOWER.encode_append(self.as_bytes(), text),
        }
    }

    /// The public name of the session this ID belongs to.
    pub fn handle(&self) -> SessionHandle {
        let mut handle = [0; HANDLE_BYTES];
        handle.copy_from_slice(&self.bytes[..HANDLE_BYTES]);
        SessionHandle(handle)
    }

    /// What a record keeps to recognise this ID: its SHA-256.
    pub fn secret_hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.as_bytes()).into())
    }

    /// The same handle with a fresh random secret.
    pub(crate) fn with_new_secret(&self, random: &RandomSource) -> Result<Self> {
        let mut id = self.clone();
        random(&mut id.bytes[HANDLE_BYTES..])?;
        Ok(id)
    }

    /// The same handle with the secret that everyone who holds this ID derives from `nonce`.
    ///
    /// HMAC-SHA256 keyed with this ID over a label, the nonce and a block counter: whoever reads the nonce in
    /// the store lacks the key, and every request that holds the old ID arrives at the same successor.
    pub(crate) fn successor(&self, nonce: &[u8; 16]) -> Self {
        let mut id = self.clone();
        for (block, out) in (0u8..).zip(id.bytes[HANDLE_BYTES..].chunks_mut(32)) {
            let mut mac = Hmac::<Sha256>::new_from_slice(self.as_bytes())
                .expect("HMAC takes a key of any length");
            mac.update(b"cloakroom rotate v1");
            mac.update(nonce);
            mac.update(&[block]);
            let mut derived = mac.finalize().into_bytes();
            out.copy_from_slice(&derived[..out.len()]);
            derived.as_mut_slice().zeroize();
        }
        id
    }

    fn blank(len: usize) -> Self {
        Self { bytes: vec![0; len].into_boxed_slice() }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether both are the same ID, compared in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// Wipes the ID.
impl Drop for SessionId {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl ZeroizeOnDrop for SessionId {}

/// Prints the handle, never the secret.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionId").field("handle", &self.handle()).finish_non_exhaustive()
    }
}

/// The public name of a session: the first 16 bytes of its ID.
///
/// It is safe to log, to list and to put into a URL: it selects a record for an operator and proves nothing.
/// It stays the same for the whole life of a session, also when its secret changes. Written as 32 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionHandle([u8; HANDLE_BYTES]);

impl SessionHandle {
    /// A handle from its 16 bytes, as a store keeps them.
    pub const fn from_bytes(bytes: [u8; HANDLE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for a store's key.
    pub const fn as_bytes(&self) -> &[u8; HANDLE_BYTES] {
        &self.0
    }
}

impl fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; HANDLE_BYTES * 2];
        HEXLOWER.encode_mut(&self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionHandle {
    type Err = Error;

    /// Reads the 32 lower-case hexadecimal digits of a handle.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidHandle`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let mut handle = [0; HANDLE_BYTES];
        if text.len() != HANDLE_BYTES * 2
            || HEXLOWER.decode_mut(text.as_bytes(), &mut handle).is_err()
        {
            return Err(Error::new(
                ErrorKind::InvalidHandle,
                "a session handle is 32 lower-case hexadecimal digits",
            ));
        }
        Ok(Self(handle))
    }
}

impl serde::Serialize for SessionHandle {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SessionHandle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The SHA-256 of a session ID, as a record keeps it.
///
/// Compared in constant time; not a credential, but not printed either.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// A hash read back from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Constant-time comparison, by words: a byte at a time takes as long as the rest of a load.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        let word = |hash: &[u8; 32], at| {
            hash[at..].first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let difference = [0, 8, 16, 24].map(|at| word(&self.0, at) ^ word(&other.0, at));
        difference.into_iter().fold(0, |all, one| all | one).ct_eq(&0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// Fills a buffer with unpredictable bytes or fails; a seam so that tests can make it fail or repeat.
pub(crate) type RandomSource = dyn Fn(&mut [u8]) -> Result<()> + Send + Sync;

/// The operating system's generator.
pub(crate) fn os_random(out: &mut [u8]) -> Result<()> {
    getrandom::fill(out).map_err(|cause| {
        Error::new(ErrorKind::Random, "the operating system gave no random bytes")
            .with_source(cause)
    })
}
