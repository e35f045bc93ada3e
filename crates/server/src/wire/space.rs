use super::Time;
use crate::problem::Problem;
use headwater_catalog as catalog;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A space: connectors, products and keys of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Space {
    /// Its id.
    id: String,
    /// Its name in addresses.
    #[schema(example = "sales")]
    slug: String,
    /// Its name for people.
    name: String,
    /// How many connectors it has.
    connector_count: u64,
    /// How many active products it has.
    product_count: u64,
    /// When it was made.
    created_at: Time,
}

impl From<catalog::Space> for Space {
    fn from(space: catalog::Space) -> Self {
        Self {
            id: space.id.to_string(),
            slug: space.slug,
            name: space.name,
            connector_count: space.connector_count,
            product_count: space.product_count,
            created_at: Time(space.created_at),
        }
    }
}

/// A space to be made.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSpace {
    /// Its name in addresses: small letters, digits and inner dashes, at most 63.
    #[schema(example = "sales", pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
}

impl NewSpace {
    /// Checks what a JSON Schema of types does not.
    pub(crate) fn check(self) -> Result<Self, Problem> {
        if !is_slug(&self.slug) {
            let detail = "expected 1 to 63 small letters, digits and inner dashes";
            return Err(Problem::invalid_body("/slug", detail));
        }
        if self.name.trim().is_empty() {
            return Err(Problem::invalid_body(
                "/name",
                "expected a name that is not blank",
            ));
        }
        Ok(self)
    }
}

/// Whether a text could be a space's slug.
pub(crate) fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let dashed = |byte: u8| plain(byte) || byte == b'-';
    let ends = (text.bytes().next(), text.bytes().last());
    (1..=63).contains(&text.len())
        && text.bytes().all(dashed)
        && matches!(ends, (Some(first), Some(last)) if plain(first) && plain(last))
}

#[cfg(test)]
mod tests {
    use super::is_slug;

    #[test]
    fn slugs() {
        for good in ["a", "sales", "7-eleven", &"a".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "a-", "Sales", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
