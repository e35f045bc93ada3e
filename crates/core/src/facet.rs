//! A part of an asset that may or may not have been read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An optional part of an asset, which may not have been read this time.
///
/// # Contract
/// - [`Read`](Facet::Read) is the source's answer, and may be empty: `Read(vec![])` says "there are none".
/// - [`Unread`](Facet::Unread) says nothing: the read was refused, skipped, or the source has no such
///   thing. What a catalog holds for the part stays, and no difference is recorded.
///
/// In JSON an unread part is `null`, as is a part that was read and is absent (`Read(None)`); `null`
/// reads back as `Unread`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Facet<T> {
    /// The source's answer.
    Read(T),
    /// No answer: keep what is known.
    #[default]
    Unread,
}

impl<T> Facet<T> {
    /// The answer, where there is one.
    pub fn as_option(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread => None,
        }
    }

    /// The answer to change, where there is one.
    pub fn as_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread => None,
        }
    }

    /// The answer itself, where there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread => None,
        }
    }

    /// Whether there is no answer.
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Unread)
    }

    /// This answer, or else the stored one.
    #[must_use]
    pub fn or(self, stored: Self) -> Self {
        match self {
            Self::Read(_) => self,
            Self::Unread => stored,
        }
    }
}

impl<T> Facet<Option<T>> {
    /// The value, where the part was read and is there.
    pub fn value(&self) -> Option<&T> {
        self.as_option().and_then(Option::as_ref)
    }
}

impl<T> From<T> for Facet<T> {
    fn from(value: T) -> Self {
        Self::Read(value)
    }
}

impl<T: Serialize> Serialize for Facet<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_option().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Facet<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Unread, Self::Read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_empty_is_not_unread() {
        let empty: Facet<Vec<u8>> = Facet::Read(vec![]);
        assert_eq!(serde_json::to_string(&empty).unwrap(), "[]");
        assert_eq!(serde_json::to_string(&Facet::<Vec<u8>>::Unread).unwrap(), "null");
        assert_eq!(serde_json::from_str::<Facet<Vec<u8>>>("[]").unwrap(), empty);
        assert!(
            serde_json::from_str::<Facet<Vec<u8>>>("null")
                .unwrap()
                .is_unread()
        );
    }

    #[test]
    fn unread_keeps_the_stored_answer() {
        assert_eq!(Facet::Unread.or(Facet::Read(1)), Facet::Read(1));
        assert_eq!(Facet::Read(2).or(Facet::Read(1)), Facet::Read(2));
    }
}
