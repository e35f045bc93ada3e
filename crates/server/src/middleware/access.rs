//! Who may call a route: the key, the space, the role, in this order.

use crate::{
    app::App,
    extract::{Caller, InSpace},
    problem::{Code, Problem},
    wire::is_slug,
};
use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use headwater_catalog::{Principal, Role, SpaceRef};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: the route is open.
    Nothing,
    /// A valid key.
    Key,
    /// A key of the instance.
    InstanceKey,
    /// A key of the instance, and the space that the path names.
    InstanceKeyInSpace,
    /// At least this role in the space that the path names.
    Role(Role),
}

impl Needs {
    /// Its name in the API's document.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Key => Some("key"),
            Self::InstanceKey | Self::InstanceKeyInSpace => Some("instance"),
            Self::Role(role) => Some(role.as_str()),
        }
    }
}

/// Lets a request through to its handler when the caller may use the route. The handler's extractors run
/// after that, so that nobody learns from a bad body what a route is.
pub(crate) async fn admit(
    needs: Needs,
    req: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    match check(needs, &req).await {
        Ok(()) => next.call(req).await,
        Err(problem) => Ok(req.error_response(problem)),
    }
}

async fn check(needs: Needs, req: &ServiceRequest) -> Result<(), Problem> {
    if needs == Needs::Nothing {
        return Ok(());
    }
    let app = app(req)?;
    let caller = Caller(authenticate(app, req).await?);
    if let Some(limit) = &app.limit {
        limit.count(&caller.0)?;
    }
    if matches!(needs, Needs::Role(_) | Needs::InstanceKeyInSpace) {
        let space = space(app, req, &caller.0).await?;
        let caller = caller.clone();
        req.extensions_mut().insert(InSpace { space, caller });
    }
    permit(needs, &caller.0)?;
    req.extensions_mut().insert(caller);
    Ok(())
}

fn permit(needs: Needs, principal: &Principal) -> Result<(), Problem> {
    let detail = match needs {
        Needs::InstanceKey | Needs::InstanceKeyInSpace if principal.space.is_some() => {
            "this takes a key of the instance".to_owned()
        }
        Needs::Role(role) if principal.role < role => {
            format!("this takes the role {role}; this key has {}", principal.role)
        }
        _ => return Ok(()),
    };
    Err(Problem::new(Code::Forbidden, detail))
}

fn app(req: &ServiceRequest) -> Result<&App, Problem> {
    let app = req.app_data::<web::Data<App>>();
    app.map(|app| &***app)
        .ok_or_else(|| Problem::internal("app is not set up"))
}

async fn authenticate(app: &App, req: &ServiceRequest) -> Result<Principal, Problem> {
    let refused = || {
        let detail = "API key missing, unknown, revoked or expired; send it as Authorization: Bearer hw_..";
        Problem::new(Code::Unauthorized, detail)
    };
    let sent = req.headers().get(header::AUTHORIZATION);
    let key = sent
        .and_then(|value| bearer(value.to_str().ok()?))
        .ok_or_else(refused)?;
    app.authenticate(key).await?.ok_or_else(refused)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// The space of the path, unless it is not there or not the caller's: both look alike.
async fn space(app: &App, req: &ServiceRequest, principal: &Principal) -> Result<SpaceRef, Problem> {
    let slug = req.match_info().get("slug").unwrap_or_default();
    let space = match &principal.space {
        Some(own) => Some(own.clone()).filter(|own| own.slug == slug),
        None if is_slug(slug) => app.store.resolve_space(slug).await?,
        None => None,
    };
    space.ok_or_else(|| Problem::not_found("space"))
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(bearer("Bearer hw_x"), Some("hw_x"));
        assert_eq!(bearer("bearer hw_x"), Some("hw_x"));
        assert_eq!(bearer("Basic hw_x"), None);
        assert_eq!(bearer("hw_x"), None);
    }
}
