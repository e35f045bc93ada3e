//! Listings that come page by page.

use headwater_core::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// Follows page tokens to the end. A token that comes twice is an error: it would never end.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    seen: HashSet<String>,
    next: Option<String>,
}

impl Pages {
    /// The token of the next page; `None` for the first.
    pub(crate) fn token(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Takes the token that came with a page. A page may be empty and have one: only its absence is the end.
    ///
    /// # Errors
    /// `DataInvalid` for a token that was there before.
    pub(crate) fn turn(&mut self, token: Option<String>) -> Result<bool> {
        self.next = token.filter(|token| !token.is_empty());
        match &self.next {
            None => Ok(false),
            Some(token) if self.seen.insert(token.clone()) => Ok(true),
            Some(_) => {
                let message = "BigQuery answered with the same page again: the listing has no end";
                Err(Error::new(ErrorKind::DataInvalid, message).with_code("repeated_page"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_on_once() {
        let mut pages = Pages::default();
        assert_eq!(pages.token(), None);
        assert!(pages.turn(Some("a".into())).unwrap());
        assert_eq!(pages.token(), Some("a"));
        assert!(pages.turn(Some("b".into())).unwrap());
        assert_eq!(pages.turn(Some("a".into())).unwrap_err().code(), "repeated_page");
        assert!(!Pages::default().turn(None).unwrap());
        assert!(!Pages::default().turn(Some(String::new())).unwrap());
    }
}
