//! Closed sets of names that are stored and sent as text.

/// A closed set of snake_case names.
pub trait Name: Sized + Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The name that is stored and sent.
    fn as_str(self) -> &'static str;

    /// The one of this name.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == text)
    }
}

/// Declares an enum whose variants are stored and sent by name.
macro_rules! names {
    ($(#[$meta:meta])* pub enum $Enum:ident { $($(#[$doc:meta])* $Variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $Enum { $($(#[$doc])* #[serde(rename = $name)] $Variant,)+ }

        impl $crate::Name for $Enum {
            const ALL: &'static [Self] = &[$(Self::$Variant),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $name),+ }
            }
        }

        impl $Enum {
            /// The name that is stored and sent.
            pub fn as_str(self) -> &'static str {
                $crate::Name::as_str(self)
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $Enum {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::Name>::parse(text).ok_or($crate::UnknownName)
            }
        }
    };
}
pub(crate) use names;
