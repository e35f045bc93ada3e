//! Account identifiers, in all the forms in which people have them at hand.

use headwater_core::{Error, Result};

const POINTER: &str = "/config/account";
const FORMS: &str = "expected an account identifier such as myorg-myaccount, or a locator with its region such as \
                     xy12345.eu-central-1 or xy12345.west-europe.azure";
const DOMAINS: [&str; 3] = [
    ".snowflakecomputing.com",
    ".snowflakecomputing.cn",
    ".snowflakecomputing.mil",
];

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The name that logins and their tokens carry: without region, upper case.
    pub(crate) name: String,
    /// Where it answers.
    pub(crate) host: String,
}

impl Account {
    /// Reads an identifier, a host name, or an address that was copied from a browser.
    ///
    /// # Errors
    /// `ConfigInvalid` that says the forms. It never quotes the text: an address may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::invalid_field(POINTER, FORMS);
        let text = text.trim().to_lowercase();
        let text = match text.split_once("://") {
            Some(("https" | "http", rest)) => rest,
            Some(_) => return Err(wrong()),
            None => &text,
        };
        let text = match text.strip_prefix("app.snowflake.com/") {
            Some(path) => &snowsight(path).ok_or_else(wrong)?,
            None => text.split(['/', '?', '#']).next().unwrap_or_default(),
        };
        let (identifier, domain) = split_domain(text);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.starts_with(|first: char| first.is_ascii_alphanumeric())
                && label
                    .chars()
                    .all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_'))
        };
        let labels: Vec<&str> = identifier.split('.').collect();
        if labels.len() > 4 || !labels.iter().all(|label| is_label(label)) {
            return Err(wrong());
        }
        Ok(Self {
            name: name(&labels),
            // Certificates name no host with an underscore; Snowflake answers to the hyphen in its place.
            host: format!("{}{domain}", identifier.replace('_', "-")),
        })
    }
}

/// `myorg/myaccount/#/home`, the path of the web interface.
fn snowsight(path: &str) -> Option<String> {
    let mut parts = path.split(['/', '#', '?']).filter(|part| !part.is_empty());
    Some(format!("{}-{}", parts.next()?, parts.next()?))
}

/// The identifier, and the domain that it belongs to.
fn split_domain(text: &str) -> (&str, &'static str) {
    for domain in DOMAINS {
        if let Some(identifier) = text.strip_suffix(domain) {
            return (identifier, domain);
        }
    }
    let [common, china, _] = DOMAINS;
    let in_china = text.split('.').any(|label| label.starts_with("cn-"));
    (text, if in_china { china } else { common })
}

fn name(labels: &[&str]) -> String {
    let first = labels.first().copied().unwrap_or_default();
    let bare = match labels.get(1) {
        // Replicated accounts: the part after the hyphen is an external id.
        Some(&"global") => first.split('-').next().unwrap_or(first),
        _ => first,
    };
    bare.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String) {
        let account = Account::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (account.name, account.host)
    }

    #[test]
    fn every_form_leads_to_its_name_and_host() {
        for (text, name, host) in [
            ("myorg-acct1", "MYORG-ACCT1", "myorg-acct1.snowflakecomputing.com"),
            (
                " MyOrg-My_Acct ",
                "MYORG-MY_ACCT",
                "myorg-my-acct.snowflakecomputing.com",
            ),
            ("xy12345", "XY12345", "xy12345.snowflakecomputing.com"),
            (
                "xy12345.eu-central-1",
                "XY12345",
                "xy12345.eu-central-1.snowflakecomputing.com",
            ),
            (
                "xy12345.us-east-2.aws",
                "XY12345",
                "xy12345.us-east-2.aws.snowflakecomputing.com",
            ),
            (
                "xy12345.west-europe.azure",
                "XY12345",
                "xy12345.west-europe.azure.snowflakecomputing.com",
            ),
            (
                "xy12345.cn-northwest-1",
                "XY12345",
                "xy12345.cn-northwest-1.snowflakecomputing.cn",
            ),
            (
                "xy12345.us-east-1.privatelink",
                "XY12345",
                "xy12345.us-east-1.privatelink.snowflakecomputing.com",
            ),
            (
                "acme-ext9.global",
                "ACME",
                "acme-ext9.global.snowflakecomputing.com",
            ),
            (
                "myorg-acct1.snowflakecomputing.com",
                "MYORG-ACCT1",
                "myorg-acct1.snowflakecomputing.com",
            ),
            (
                "https://myorg-acct1.privatelink.snowflakecomputing.com/console/login?x=1",
                "MYORG-ACCT1",
                "myorg-acct1.privatelink.snowflakecomputing.com",
            ),
            (
                "https://app.snowflake.com/myorg/acct1/#/homepage",
                "MYORG-ACCT1",
                "myorg-acct1.snowflakecomputing.com",
            ),
        ] {
            assert_eq!(parsed(text), (name.to_owned(), host.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused_with_the_forms() {
        for text in [
            "",
            "my org",
            "-acct",
            "a..b",
            "user:hunter2@acct",
            "jdbc:snowflake://acct.snowflakecomputing.com",
            "snowflake://u:hunter2@acct/db",
            "https://app.snowflake.com/",
            "a.b.c.d.e",
        ] {
            let error = Account::parse(text).unwrap_err();
            assert_eq!(error.fields()[0].pointer, POINTER, "{text}");
            assert!(error.to_string().contains("myorg-myaccount"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
