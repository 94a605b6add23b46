//! What must be true of every adapter: of the glue between a web framework and a
//! [`ServerSideSessionBackend`].
//!
//! An adapter is tested from outside, over HTTP/1.1 on a loopback address, by an application of its framework
//! that serves the routes below. Each case starts one of its own, on a store that fails on command and a clock
//! that stands still; [`adapter_conformance!`](crate::adapter_conformance) turns all of them into named tests.
//!
//! # Routes
//! Bodies are JSON, and `Content-Type` says `application/json`, unless the answer is a plain `ok`.
//!
//! | route | does | answers |
//! |---|---|---|
//! | `GET /untouched` | does not use the session | 200 `ok` |
//! | `GET /session` | loads | 200 `{"exists":bool,"subject":str or null,"absence":str or null,"data":{…}}`, and more if it likes; `absence` by [`Absence::name`](crate::Absence::name) |
//! | `POST /set` `{…}` | inserts every member | 204 |
//! | `POST /incr/{k}` | [`update`](crate::Session::update) of an integer, +1 from 0 | 200, the new value |
//! | `POST /status/{code}` `{…}` | inserts every member | that status |
//! | `POST /panic` `{…}` | inserts every member, then panics | 500 |
//! | `POST /sign-in` `{"subject":str}` | signs in | 204 |
//! | `POST /destroy` | destroys | 204 |
//! | `POST /destroy/status/{code}` | destroys | that status |
//! | `GET /stream` | sends the head, then inserts `"streamed":true` and saves by [`detached`](crate::Session::detached), unless there is no session, then ends the body; a session that is gone by then is no failure | 200 `ok` |
//! | `GET /skip` | a route marked to have no session, which tries to use it | 200 `{"session":"skipped"}` |
//! | `GET /public/…` | loads; cases exclude it by its path | as `GET /session`, or `{"session":"excluded"}` |
//!
//! A store that cannot be asked, or cannot store, is answered 503 with `Retry-After` and
//! `{"error":"unavailable"}`.
//!
//! # Panics
//! Every case panics when the adapter breaks a rule.
#![allow(clippy::missing_panics_doc, reason = "said once above: to panic is what a case is for")]

mod caching;
mod commits;
mod cookies;
mod excluded;
mod races;
mod site;
mod streams;
mod suite;

pub use self::caching::*;
pub use self::commits::*;
pub use self::cookies::*;
pub use self::excluded::*;
pub use self::races::*;
pub use self::site::{Site, Start};
pub use self::streams::*;

#[cfg(doc)]
use crate::ServerSideSessionBackend;
