use headwater_catalog as catalog;
use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items of this page.
    items: Vec<T>,
    /// How many items the whole list has.
    total: u64,
    /// The page, from 1.
    page: u64,
    /// How many items a page has.
    size: u64,
}

impl<T, U: From<T>> From<catalog::Page<T>> for Page<U> {
    fn from(page: catalog::Page<T>) -> Self {
        Self {
            items: page.items.into_iter().map(U::from).collect(),
            total: page.total,
            page: page.page,
            size: page.size,
        }
    }
}
