//! What a token endpoint answers.

use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Refusal, Reply, Settings, Token};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// The answer of an OAuth token endpoint.
#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    expires_in: Option<i64>,
}

/// Why an OAuth token endpoint refuses.
#[derive(Deserialize)]
struct Refused {
    error: Reason,
}

/// OAuth's own code as a text, or the object of Google's other APIs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reason {
    Code(String),
    Status { status: String },
}

/// A client of token endpoints.
pub(super) fn client(host: &Host) -> Result<Client> {
    let mut settings = Settings::new("Google's token endpoint");
    settings.explain = explain;
    Client::new(host, settings)
}

/// The token of an answer.
pub(super) fn read(reply: &Reply, clock: &dyn Clock) -> Result<Token> {
    let answer: Answer = reply.json()?;
    let lifetime = answer.expires_in.map(SignedDuration::from_secs);
    Ok(Token {
        secret: answer.access_token,
        expires_at: lifetime.and_then(|lifetime| clock.now().checked_add(lifetime).ok()),
    })
}

/// The answer of `generateAccessToken`, which has other names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    access_token: Secret,
    expire_time: Option<Timestamp>,
}

pub(super) fn read_generated(reply: &Reply) -> Result<Token> {
    let generated: Generated = reply.json()?;
    Ok(Token {
        secret: generated.access_token,
        expires_at: generated.expire_time,
    })
}

/// A refused token request is a matter of the credentials, whatever its status.
fn explain(refusal: &Refusal) -> Option<Error> {
    let reason = refusal.json::<Refused>().map(|refused| match refused.error {
        Reason::Code(text) | Reason::Status { status: text } => text,
    });
    let message = match reason.as_deref()? {
        "invalid_grant" => {
            "Google refuses the credentials: the key or token was revoked, has ended, or this machine's clock \
             is wrong"
        }
        "invalid_client" | "unauthorized_client" => "Google does not know the client of the credentials",
        "invalid_target" => "Google knows no such audience of the identity federation",
        "invalid_request" | "invalid_scope" | "INVALID_ARGUMENT" => "Google cannot read the credentials",
        "PERMISSION_DENIED" => {
            "the credentials may not act as the service account: they need the role Service Account Token Creator \
             on it"
        }
        "NOT_FOUND" => "the service account to act as does not exist",
        "UNAUTHENTICATED" => "Google refuses the credentials",
        _ => return None,
    };
    Some(Error::new(ErrorKind::Unauthenticated, message))
}
