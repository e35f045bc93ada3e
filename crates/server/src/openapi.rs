//! The description of the API: made of the handlers' own attributes, and of the route table for who may call.

use crate::{handlers, problem::ProblemBody, routes};
use actix_web::http::{Method, StatusCode};
use utoipa::{
    IntoParams, OpenApi,
    openapi::{
        Content, ContentBuilder, PathItem, Ref, RefOr, ResponseBuilder, ServerBuilder,
        extensions::ExtensionsBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Params::page` reads")]
pub(crate) struct PageParams {
    /// The page, from 1.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// Items of a page; more than 100 counts as 100.
    #[param(minimum = 1, default = 20)]
    size: Option<u64>,
}

/// Whether to ask the source before anything is stored.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Params::flag` reads")]
pub(crate) struct VerifyParam {
    /// Asks the source first, for at most 30 seconds. Where it cannot be used with these settings the answer
    /// is 400 and nothing is stored.
    #[param(default = false)]
    verify: Option<bool>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Headwater",
        description = "Keeps a catalog of data warehouses and dbt projects true. Errors are \
            `application/problem+json`; `code` says what kind.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        handlers::spaces::list,
        handlers::spaces::create,
        handlers::spaces::get,
        handlers::spaces::delete,
        handlers::api_keys::list,
        handlers::api_keys::create,
        handlers::api_keys::revoke,
        handlers::api_keys::list_of_instance,
        handlers::api_keys::create_of_instance,
        handlers::api_keys::revoke_of_instance,
        handlers::audit::list,
        handlers::connector_types::list,
        handlers::connectors::list,
        handlers::connectors::create,
        handlers::connectors::get,
        handlers::connectors::update,
        handlers::connectors::delete,
        handlers::connectors::test,
        handlers::sync_jobs::start,
        handlers::uploads::start,
        handlers::sync_jobs::history,
        handlers::sync_jobs::get,
        handlers::sync_jobs::cancel,
        handlers::sync_jobs::decide_removals,
        handlers::products::list,
        handlers::products::get,
        handlers::products::update,
        handlers::products::schema_changes,
        handlers::products::lineage,
        handlers::operations::health,
        handlers::operations::ready,
        handlers::operations::metrics,
        handlers::operations::openapi,
        handlers::operations::docs_home,
    ),
    components(schemas(ProblemBody))
)]
struct Document;

/// The OpenAPI description of the API, under this base path.
pub fn document(base_path: &str) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    if !base_path.is_empty() {
        document.servers = Some(vec![ServerBuilder::new().url(base_path).build()]);
    }
    let mut key = Http::new(HttpAuthScheme::Bearer);
    key.description = Some("An API key: `hw_..`".to_owned());
    let components = document.components.get_or_insert_default();
    components
        .security_schemes
        .insert("api_key".to_owned(), SecurityScheme::Http(key).into());
    for endpoint in routes::routes() {
        let Some(item) = document.paths.paths.get_mut(endpoint.path) else {
            continue;
        };
        for (method, needs) in &endpoint.methods {
            if let Some(operation) = operation(item, method) {
                complete(operation);
                if let Some(needs) = needs.as_str() {
                    restrict(operation, needs);
                }
            }
        }
    }
    document
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// Gives an operation what all of them have alike: an id that is unique (the handlers of two resources may
/// share a name), a word for each status, a problem for each error.
fn complete(operation: &mut Operation) {
    let resource = operation
        .tags
        .iter()
        .flatten()
        .next()
        .map(|tag| tag.replace(' ', "_"));
    if let (Some(resource), Some(name)) = (resource, &operation.operation_id) {
        operation.operation_id = Some(format!("{resource}_{name}"));
    }
    for (status, response) in &mut operation.responses.responses {
        let status = StatusCode::from_bytes(status.as_bytes()).ok();
        if let (Some(status), RefOr::T(response)) = (status, response) {
            if response.description.is_empty() {
                response.description = status.canonical_reason().unwrap_or_default().to_owned();
            }
            if status.is_client_error() {
                response.content.insert(PROBLEM.to_owned(), problem().into());
            }
        }
    }
}

/// Says who may call an operation, and that any other outcome is a problem.
fn restrict(operation: &mut Operation, needs: &str) {
    operation.security = Some(vec![SecurityRequirement::new("api_key", [] as [&str; 0])]);
    let role = ExtensionsBuilder::new().add("x-required-role", needs).build();
    operation.extensions.get_or_insert_default().merge(role);
    let other = ResponseBuilder::new()
        .description("Any other outcome")
        .content(PROBLEM, problem());
    operation
        .responses
        .responses
        .insert("default".to_owned(), other.build().into());
}

const PROBLEM: &str = "application/problem+json";

fn problem() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The viewer's own files are the one route that is no part of the API.
    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let mut routed = BTreeSet::new();
        for endpoint in routes::routes()
            .iter()
            .filter(|endpoint| endpoint.path != "/docs/{file:.*}")
        {
            for (method, _) in &endpoint.methods {
                routed.insert(format!("{method} {}", endpoint.path));
            }
        }
        let mut described = BTreeSet::new();
        for (path, mut item) in document("").paths.paths {
            for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
                if operation(&mut item, &method).is_some() {
                    described.insert(format!("{method} {path}"));
                }
            }
        }
        assert_eq!(routed, described);
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut ids = BTreeSet::new();
        for (path, mut item) in document("").paths.paths {
            for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
                if let Some(operation) = operation(&mut item, &method) {
                    let id = operation.operation_id.clone().unwrap();
                    assert!(ids.insert(id.clone()), "{method} {path}: {id} is taken");
                }
            }
        }
    }

    #[test]
    fn the_document() {
        insta::assert_json_snapshot!(document(""));
    }
}
