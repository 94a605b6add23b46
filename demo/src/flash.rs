//! Messages that outlive one redirect.
//!
//! A form answers with a redirect, so that reloading the page does not send it again. What it has to say is
//! kept in the session and shown, once, by the next page.

use cloakroom::{Result, Session};
use serde::{Deserialize, Serialize};

const KEY: &str = "flash";

/// A message for the next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flash {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// Whether what the visitor asked for was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Done,
    Refused,
}

impl Flash {
    /// Whether a screen reader should be interrupted for it.
    pub(crate) fn is_alert(&self) -> bool {
        self.tone == Tone::Refused
    }
}

/// Says that it was done.
pub(crate) fn done(session: &Session, text: impl Into<String>) -> Result<()> {
    push(session, Flash { tone: Tone::Done, text: text.into() })
}

/// Says that it was not done, and why.
pub(crate) fn refused(session: &Session, text: impl Into<String>) -> Result<()> {
    push(session, Flash { tone: Tone::Refused, text: text.into() })
}

fn push(session: &Session, flash: Flash) -> Result<()> {
    // An update and not an insert: two tabs may both have something to say.
    session.update(KEY, move |waiting: &mut Vec<Flash>| waiting.push(flash.clone()))
}

/// Takes the messages out, to be shown now. Changes nothing when there are none, so that a page view with
/// nothing to say stays a read.
pub(crate) fn take(session: &Session) -> Result<Vec<Flash>> {
    let Some(waiting) = session.get(KEY)? else { return Ok(Vec::new()) };
    session.remove(KEY)?;
    Ok(waiting)
}
