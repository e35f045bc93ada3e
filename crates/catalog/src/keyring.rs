//! Encryption of credentials at rest.
//!
//! AES-256-GCM with a fresh random nonce for each text. A sealed text is `key id (8) | nonce (12) |
//! ciphertext and tag`; the key id is the beginning of the key's SHA-256, so that the right key of the ring
//! is found without trying. The owner's id is authenticated with it: a sealed text that someone moves to
//! another row of the database does not open there.

use crate::{Error, Result};
use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use headwater_core::Secret;
use sha2::{Digest, Sha256};
use std::fmt;

const ID: usize = 8;
const NONCE: usize = 12;

/// The keys that seal credentials: the active one seals, all of them open.
#[derive(Clone)]
pub struct KeyRing {
    active: Key,
    older: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; ID],
    cipher: Aes256Gcm,
}

impl KeyRing {
    /// A ring of an active key and older ones.
    pub fn new(active: [u8; 32], older: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self {
            active: Key::new(active),
            older: older.into_iter().map(Key::new).collect(),
        }
    }

    /// Reads a ring: 64 hex digits a line, the active key first; empty lines don't count.
    ///
    /// # Errors
    /// [`Error::Keys`] naming the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let mut key = [0; 32];
            hex::decode_to_slice(line, &mut key).map_err(|_quotes_the_key| {
                Error::Keys(format!("secret key is not 64 hex digits [line={}]", number + 1))
            })?;
            keys.push(key);
        }
        match keys.split_first() {
            Some((active, older)) => Ok(Self::new(*active, older.iter().copied())),
            None => Err(Error::Keys("secret key is empty; give 64 hex digits".to_owned())),
        }
    }

    /// A new key, as the text that [`parse`](Self::parse) reads.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate_text() -> Result<Secret> {
        Ok(Secret::new(hex::encode(random::<32>()?)))
    }

    /// Seals a text for an owner.
    pub(crate) fn seal(&self, owner: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let payload = Payload {
            msg: plain,
            aad: owner.as_bytes(),
        };
        let sealed = self
            .active
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_opaque| Error::Keys("credentials are too long to be encrypted".to_owned()))?;
        Ok([&self.active.id[..], &nonce, &sealed].concat())
    }

    /// Opens a text that was sealed for this owner.
    pub(crate) fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let damaged = || Error::Keys("stored credentials are damaged; send them again".to_owned());
        let (id, rest) = sealed.split_first_chunk::<ID>().ok_or_else(damaged)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let key = self.key(id).ok_or_else(|| {
            Error::Keys(format!(
                "credentials are sealed with a key that is not in the key ring; add it as a further line of the secret key, or send the credentials again [key={}]",
                hex::encode(id)
            ))
        })?;
        let payload = Payload {
            msg,
            aad: owner.as_bytes(),
        };
        key.cipher
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_opaque| damaged())
    }

    fn key(&self, id: &[u8; ID]) -> Option<&Key> {
        std::iter::once(&self.active)
            .chain(&self.older)
            .find(|key| key.id == *id)
    }
}

impl Key {
    fn new(key: [u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut id = [0; ID];
        id.copy_from_slice(&digest[..ID]);
        Self {
            id,
            cipher: Aes256Gcm::new(&key.into()),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("active", &hex::encode(self.active.id))
            .field("older", &self.older.len())
            .finish()
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Keys(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = br#"{"password":"hunter2"}"#;

    #[test]
    fn what_is_sealed_opens_for_its_owner_only() {
        let ring = KeyRing::new([1; 32], []);
        let sealed = ring.seal("a", PLAIN).unwrap();
        assert_eq!(ring.open("a", &sealed).unwrap(), PLAIN);
        assert_eq!(
            ring.open("b", &sealed).unwrap_err().to_string(),
            "stored credentials are damaged; send them again"
        );
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same() {
        let ring = KeyRing::new([1; 32], []);
        assert_ne!(ring.seal("a", PLAIN).unwrap(), ring.seal("a", PLAIN).unwrap());
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let ring = KeyRing::new([1; 32], []);
        let sealed = ring.seal("a", PLAIN).unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(
                matches!(ring.open("a", &damaged), Err(Error::Keys(_))),
                "byte {at}"
            );
        }
        assert!(ring.open("a", &sealed[..ID + 3]).is_err());
    }

    #[test]
    fn an_older_key_opens_and_a_missing_one_is_named() {
        let old = KeyRing::new([1; 32], []);
        let sealed = old.seal("a", PLAIN).unwrap();
        assert_eq!(
            KeyRing::new([2; 32], [[1; 32]]).open("a", &sealed).unwrap(),
            PLAIN
        );
        let error = KeyRing::new([2; 32], [])
            .open("a", &sealed)
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with(&format!("[key={}]", hex::encode(old.active.id))),
            "{error}"
        );
    }

    #[test]
    fn a_ring_is_read_line_by_line_and_never_shown() {
        let (new, old) = ("ab".repeat(32), "cd".repeat(32));
        let ring = KeyRing::parse(&format!("{new}\n\n{old}\n")).unwrap();
        assert_eq!(ring.older.len(), 1);
        assert!(!format!("{ring:?}").contains("abab"));
        for (text, expected) in [
            ("", "secret key is empty; give 64 hex digits".to_owned()),
            ("hunter2", "secret key is not 64 hex digits [line=1]".to_owned()),
            (
                &format!("{new}\nhunter2"),
                "secret key is not 64 hex digits [line=2]".to_owned(),
            ),
        ] {
            assert_eq!(KeyRing::parse(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_generated_key_can_be_read() {
        let text = KeyRing::generate_text().unwrap();
        assert_eq!(text.expose().len(), 64);
        KeyRing::parse(text.expose()).unwrap();
    }
}
