//! From a request to typed values: the caller, ids, query parameters, bodies.

use crate::{
    app::App,
    problem::{Code, Problem},
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, Bytes},
};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use headwater_catalog::{Actor, Name, PageRequest, Principal, SpaceRef};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// Who calls. The route's [`Needs`](crate::middleware::Needs) have been met.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

impl Caller {
    /// Who it is, for the audit.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            name: self.0.name.clone(),
            key_id: self.0.key_id,
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = req.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Problem::internal("route asks for a caller and needs no key")))
    }
}

/// Who calls, in the space that the path names.
#[derive(Debug, Clone)]
pub(crate) struct InSpace {
    pub(crate) space: SpaceRef,
    pub(crate) caller: Caller,
}

impl InSpace {
    /// Who it is, for the audit.
    pub(crate) fn actor(&self) -> Actor {
        self.caller.actor()
    }
}

impl FromRequest for InSpace {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = req.extensions().get::<Self>().cloned();
        ready(found.ok_or_else(|| Problem::internal("route asks for a space and has none")))
    }
}

/// The id at which the path ends, or stands before its last word. A malformed one is nobody's: 404.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req.match_info().iter().last().and_then(|(_, id)| id.parse().ok());
        ready(id.map(Id).ok_or_else(|| Problem::not_found("resource")))
    }
}

/// The query parameters. Unknown ones are ignored.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    const LARGEST_PAGE: u64 = 100;

    /// A parameter's text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// A parameter that is parsed. `expected` says what is allowed.
    pub(crate) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(invalid_parameter(name, expected)),
        }
    }

    /// A parameter that is one of these names.
    pub(crate) fn choice<T>(
        &self,
        name: &str,
        choices: impl IntoIterator<Item = (&'static str, T)>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let mut names = Vec::new();
        for (choice, value) in choices {
            if choice == text {
                return Ok(Some(value));
            }
            names.push(choice);
        }
        Err(invalid_parameter(name, &format!("one of {}", names.join(", "))))
    }

    /// A parameter that is `true` or `false`; false where it is absent.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.parse(name, "true or false")?.unwrap_or(false))
    }

    /// A parameter that is one of a closed set of names.
    pub(crate) fn name<T: Name>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.choice(name, T::ALL.iter().map(|one| (one.as_str(), *one)))
    }

    /// A parameter that is a number of a range.
    pub(crate) fn within<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, Problem>
    where
        T: FromStr + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match self.parse(name, &expected)? {
            Some(value) if !range.contains(&value) => Err(invalid_parameter(name, &expected)),
            value => Ok(value),
        }
    }

    /// Which page of a list.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        let default = PageRequest::default();
        let most = u64::from(u32::MAX);
        let page = self.within("page", 1..=most)?.unwrap_or(default.page);
        let size = self.within("size", 1..=most)?.unwrap_or(default.size);
        Ok(PageRequest {
            page,
            size: size.min(Self::LARGEST_PAGE),
        })
    }
}

fn invalid_parameter(name: &str, expected: &str) -> Problem {
    Problem::new(Code::InvalidParameter, format!("{name}: expected {expected}"))
}

impl FromRequest for Params {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let params = web::Query::<Vec<(String, String)>>::from_query(req.query_string());
        let params = params.ok().map(web::Query::into_inner);
        let usable = params.filter(|all| !all.iter().any(|(_, value)| value.contains('\0')));
        ready(
            usable
                .map(Self)
                .ok_or_else(|| Problem::new(Code::InvalidParameter, "the query string cannot be understood")),
        )
    }
}

/// A JSON body. Faults name their places and never quote a value.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = claims_json(req);
        let bytes = bytes(req, payload);
        Box::pin(async move {
            if !is_json {
                let detail = "send the body as Content-Type: application/json";
                return Err(Problem::new(Code::UnsupportedMediaType, detail));
            }
            Ok(Self(parse(&bytes.await?)?))
        })
    }
}

/// A body that may be left out. One that is there is JSON, whatever it says it is.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + JsonSchema + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = bytes(req, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            let is_blank = bytes.trim_ascii().is_empty();
            Ok(Self(if is_blank { T::default() } else { parse(&bytes)? }))
        })
    }
}

/// Whether the body says that it is JSON, or says nothing.
fn claims_json(req: &HttpRequest) -> bool {
    if !req.headers().contains_key(header::CONTENT_TYPE) {
        return true;
    }
    let essence = req.content_type().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The body, unless it is longer than the server takes.
fn bytes(req: &HttpRequest, payload: &mut Payload) -> LocalBoxFuture<'static, Result<Bytes, Problem>> {
    let limit = req.app_data::<web::Data<App>>().map_or(0, |app| app.body_limit);
    let length = req.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let payload = web::Payload::from_request(req, payload).into_inner();
    Box::pin(async move {
        let too_large = || {
            let detail = format!("the body is longer than {limit} bytes");
            Problem::new(Code::BodyTooLarge, detail)
        };
        if length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let broken = |_cause| Problem::new(Code::InvalidBody, "the body broke off");
        let payload = payload.map_err(broken)?;
        let read = payload.to_bytes_limited(limit).await;
        read.map_err(|_longer| too_large())?.map_err(broken)
    })
}

fn parse<T: DeserializeOwned + JsonSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let detail = format!(
            "not valid JSON at line {} column {}",
            error.line(),
            error.column()
        );
        Problem::invalid_body("", detail)
    })?;
    if let Some(pointer) = nul(&value) {
        let detail = "text must not hold the character U+0000";
        return Err(Problem::invalid_body(pointer, detail));
    }
    headwater_core::from_json(value).map_err(|error| Problem::invalid(Code::InvalidBody, &error))
}

/// Where a text holds U+0000, which PostgreSQL cannot store.
fn nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| Some(format!("/{index}{}", nul(item)?))),
        Value::Object(members) => members
            .iter()
            .find_map(|(key, member)| Some(format!("/{key}{}", nul(member)?))),
        _ => None,
    }
}
