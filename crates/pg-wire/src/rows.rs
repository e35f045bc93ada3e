//! Rows, column by column.

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::{
    Client, Error, Row,
    types::{FromSql, ToSql, Type},
};

/// Bound values, each with its type.
pub type Values<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// What a row becomes.
pub trait FromRow: Sized + Send {
    /// Reads the columns.
    ///
    /// # Errors
    /// When one is of another type.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// All rows of a statement.
///
/// # Errors
/// The server's, the connection's, or that of a row.
pub async fn query<T: FromRow>(client: &Client, sql: &str, values: Values<'_>) -> Result<Vec<T>, Error> {
    let stream = client.query_typed_raw(sql, values.to_vec()).await?;
    pin_mut!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(T::from_row(&row)?);
    }
    Ok(rows)
}

/// A text as the server sends it. Bytes that are no UTF-8 are replaced: a server in an encoding of its own
/// may hold them.
#[derive(Debug)]
pub struct Text(pub String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TEXT | Type::NAME | Type::VARCHAR)
    }
}

/// The text of a column.
///
/// # Errors
/// When it is NULL or of another type.
pub fn text(row: &Row, index: usize) -> Result<String, Error> {
    Ok(row.try_get::<_, Text>(index)?.0)
}

/// The text of a column, or NULL.
///
/// # Errors
/// When it is of another type.
pub fn optional_text(row: &Row, index: usize) -> Result<Option<String>, Error> {
    Ok(row.try_get::<_, Option<Text>>(index)?.map(|text| text.0))
}

/// The texts of an array; none for NULL.
///
/// # Errors
/// When it is of another type.
pub fn texts(row: &Row, index: usize) -> Result<Vec<String>, Error> {
    let all: Option<Vec<Text>> = row.try_get(index)?;
    Ok(all.unwrap_or_default().into_iter().map(|text| text.0).collect())
}
