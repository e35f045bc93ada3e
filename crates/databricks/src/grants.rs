//! The grants that a principal lacks, as statements to run.

/// An identifier in SQL, whatever is in it.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Opens a catalog, for all that is in it.
pub(crate) fn on_catalog(catalog: &str, principal: &str) -> String {
    let (catalog, principal) = (quote(catalog), quote(principal));
    format!("GRANT USE CATALOG, USE SCHEMA, BROWSE, SELECT ON CATALOG {catalog} TO {principal}")
}

/// Opens a schema.
pub(crate) fn on_schema(catalog: &str, schema: &str, principal: &str) -> String {
    let (principal, schema) = (quote(principal), format!("{}.{}", quote(catalog), quote(schema)));
    format!(
        "GRANT USE CATALOG ON CATALOG {} TO {principal}; GRANT USE SCHEMA, SELECT ON SCHEMA {schema} TO {principal}",
        quote(catalog)
    )
}

/// Opens the tables of lineage.
pub(crate) fn on_lineage(principal: &str) -> String {
    let principal = quote(principal);
    format!(
        "GRANT USE CATALOG ON CATALOG `system` TO {principal}; GRANT USE SCHEMA, SELECT ON SCHEMA `system`.`access` TO \
         {principal}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_is_in_them() {
        assert_eq!(quote("main"), "`main`");
        assert_eq!(quote("a`; DROP TABLE b.c"), "`a``; DROP TABLE b.c`");
        let grant = on_schema("a", "b c", "x@example.com");
        assert!(
            grant.ends_with("GRANT USE SCHEMA, SELECT ON SCHEMA `a`.`b c` TO `x@example.com`"),
            "{grant}"
        );
    }
}
