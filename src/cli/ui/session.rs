//! Who may read: a link that is printed to the terminal is exchanged, once, for the secret that every request carries.
//!
//! There is no cookie: browsers send the cookies of one port of a host to all other ports of it, so any other program on this
//! machine would receive them.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::{Choice, ConstantTimeEq};

/// A link that was not used expires.
const LINK_VALIDITY: Duration = Duration::from_mins(1);

/// 256 random bits, in hexadecimal digits.
#[derive(Clone)]
struct Secret(String);

impl Secret {
    fn new() -> Result<Self, String> {
        let mut bytes = [0; 32];
        let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
        random.fill(&mut bytes).map_err(|_| "the system provides no random numbers".to_owned())?;
        let mut text = String::new();
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// Takes the same time wherever the texts differ.
    fn is(&self, text: &str) -> Choice {
        self.0.as_bytes().ct_eq(text.as_bytes())
    }
}

/// The secrets that are valid.
#[derive(Default)]
pub(super) struct Sessions {
    /// Of links that were not used yet.
    links: Mutex<Vec<Secret>>,
    /// Of pages, one for each link that was used.
    bearers: Mutex<Vec<Secret>>,
}

impl Sessions {
    /// A secret for a new link. It is valid once, for 60 seconds.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers, as text.
    pub(super) fn issue(self: &Arc<Self>) -> Result<String, String> {
        let secret = Secret::new()?;
        locked(&self.links).push(secret.clone());
        let (sessions, expiring) = (self.clone(), secret.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LINK_VALIDITY).await;
            take(&mut locked(&sessions.links), &expiring.0);
        });
        Ok(secret.0)
    }

    /// The secret of a page, in exchange for that of a link.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers, as text.
    pub(super) fn exchange(&self, link: &str) -> Result<Option<String>, String> {
        if !take(&mut locked(&self.links), link) {
            return Ok(None);
        }
        let bearer = Secret::new()?;
        locked(&self.bearers).push(bearer.clone());
        Ok(Some(bearer.0))
    }

    /// Whether this is the secret of a page.
    pub(super) fn admits(&self, bearer: &str) -> bool {
        locked(&self.bearers).iter().fold(Choice::from(0), |found, one| found | one.is(bearer)).into()
    }
}

/// Removes a secret. Gives whether it was there.
fn take(secrets: &mut Vec<Secret>, text: &str) -> bool {
    let before = secrets.len();
    secrets.retain(|one| !bool::from(one.is(text)));
    secrets.len() < before
}

fn locked(secrets: &Mutex<Vec<Secret>>) -> MutexGuard<'_, Vec<Secret>> {
    secrets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Arc<Sessions> {
        Arc::default()
    }

    #[tokio::test]
    async fn a_link_is_exchanged_once() {
        let sessions = sessions();
        let link = sessions.issue().expect("a link");
        let bearer = sessions.exchange(&link).expect("random numbers").expect("a bearer");
        assert!(sessions.admits(&bearer));
        assert_eq!(sessions.exchange(&link), Ok(None), "the second time");
        assert_eq!(link.len(), 64, "256 bits in hexadecimal digits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_expires_after_a_minute_and_a_page_does_not() {
        let sessions = sessions();
        let (early, late) = (sessions.issue().expect("a link"), sessions.issue().expect("a link"));
        tokio::time::sleep(Duration::from_secs(59)).await;
        let bearer = sessions.exchange(&early).expect("random numbers").expect("a bearer");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(sessions.exchange(&late), Ok(None), "after 61 seconds");
        assert!(sessions.admits(&bearer));
    }

    #[tokio::test]
    async fn other_texts_open_nothing() {
        let sessions = sessions();
        let link = sessions.issue().expect("a link");
        let bearer = sessions.issue().ok().and_then(|link| sessions.exchange(&link).ok().flatten()).expect("a bearer");
        let longer = format!("{bearer}0");
        for text in ["", &link, &longer, &bearer[1..], &bearer.to_uppercase()] {
            assert!(!sessions.admits(text), "{text}");
        }
        for text in ["", &bearer, &link[1..]] {
            assert_eq!(sessions.exchange(text), Ok(None), "{text}");
        }
    }
}
