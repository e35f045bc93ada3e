//! Options of foreign tables and of their servers, which everyone may read in the catalogs. Passwords belong
//! into user mappings, but a wrapper may take them here, and people put them here.

use serde_json::{Map, Value};

/// What hides the value of an option whose name holds it.
const SECRET: &[&str] = &[
    "auth",
    "cert",
    "conn",
    "credential",
    "header",
    "key",
    "pass",
    "private",
    "pwd",
    "secret",
    "signature",
    "token",
];
/// Shell commands: they may hold anything.
const COMMANDS: &[&str] = &["command", "program"];

/// From `name=value`, as the catalogs hold them, to an object. A value that may be a secret is null.
pub(crate) fn shown(options: impl IntoIterator<Item = String>) -> Map<String, Value> {
    let one = |option: String| {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        let value = match may_be_secret(name, value) {
            true => Value::Null,
            false => value.into(),
        };
        (name.to_owned(), value)
    };
    options.into_iter().map(one).collect()
}

fn may_be_secret(name: &str, value: &str) -> bool {
    let (name, value) = (name.to_lowercase(), value.to_lowercase());
    let names_one = |text: &str| SECRET.iter().any(|word| text.contains(word));
    // `password=..` within a connection string, `https://user:..@host`, `https://host/?sig=..`.
    let assigns = value.contains(['=', ':']) && names_one(&value);
    let is_url_with_more = value.contains("://") && value.contains(['@', '?', '#']);
    names_one(&name) || COMMANDS.iter().any(|word| name.contains(word)) || assigns || is_url_with_more
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(options: &[&str]) -> Value {
        Value::Object(shown(options.iter().map(|option| (*option).to_owned())))
    }

    #[test]
    fn plain_options_are_shown_as_they_are() {
        assert_eq!(
            of(&[
                "host=db.example.com",
                "port=5432",
                "filename=/srv/a=b.csv",
                "null=",
                "table_name=tokens"
            ]),
            json!({"host": "db.example.com", "port": "5432", "filename": "/srv/a=b.csv", "null": "",
                   "table_name": "tokens"})
        );
        assert_eq!(
            of(&["url=https://example.com/rows"]),
            json!({"url": "https://example.com/rows"})
        );
    }

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for option in [
            "password=hunter2",
            "sslpassword=hunter2",
            "passfile=/hunter2",
            "SECRET_ACCESS=hunter2",
            "aws_access_key_id=hunter2",
            "api_token=hunter2",
            "http_headers=hunter2",
            "conninfo=hunter2",
            "program=curl -u me:hunter2 https://host",
            "extra=host=db password=hunter2",
            "url=https://me:hunter2@host/rows",
            "url=https://host/rows?x=hunter2",
        ] {
            let shown = of(&[option]);
            assert!(!shown.to_string().contains("hunter2"), "{shown}");
            assert!(shown.as_object().unwrap().values().all(Value::is_null), "{shown}");
        }
    }
}
