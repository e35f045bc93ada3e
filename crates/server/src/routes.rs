//! Every route on one page: path, method, who may call it, handler.

use crate::{
    handlers::{
        api_keys, audit, connector_types, connectors, operations, products, spaces, sync_jobs, uploads,
    },
    middleware::{Needs, admit},
    problem::Problem,
};
use actix_web::{
    FromRequest, Handler, Resource, Responder, Route, guard,
    http::Method,
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use headwater_catalog::Role;

const OPEN: Needs = Needs::Nothing;
const KEY: Needs = Needs::Key;
const INSTANCE: Needs = Needs::InstanceKey;
const INSTANCE_IN_SPACE: Needs = Needs::InstanceKeyInSpace;
const VIEWER: Needs = Needs::Role(Role::Viewer);
const EDITOR: Needs = Needs::Role(Role::Editor);
const ADMIN: Needs = Needs::Role(Role::Admin);

pub(crate) fn routes() -> Vec<Endpoint> {
    vec![
        at("/health").get(OPEN, operations::health),
        at("/ready").get(OPEN, operations::ready),
        at("/metrics").get(OPEN, operations::metrics),
        at("/openapi.json").get(OPEN, operations::openapi),
        at("/docs").get(OPEN, operations::docs_home),
        at("/docs/{file:.*}").get(OPEN, operations::docs),
        at("/catalog/connector-types").get(KEY, connector_types::list),
        at("/catalog/api-keys")
            .get(INSTANCE, api_keys::list_of_instance)
            .post(INSTANCE, api_keys::create_of_instance),
        at("/catalog/api-keys/{key_id}").delete(INSTANCE, api_keys::revoke_of_instance),
        at("/catalog/spaces")
            .get(KEY, spaces::list)
            .post(INSTANCE, spaces::create),
        at("/catalog/spaces/{slug}")
            .get(VIEWER, spaces::get)
            .delete(INSTANCE_IN_SPACE, spaces::delete),
        at("/catalog/spaces/{slug}/api-keys")
            .get(ADMIN, api_keys::list)
            .post(ADMIN, api_keys::create),
        at("/catalog/spaces/{slug}/api-keys/{key_id}").delete(ADMIN, api_keys::revoke),
        at("/catalog/spaces/{slug}/audit").get(ADMIN, audit::list),
        at("/catalog/spaces/{slug}/connectors")
            .get(VIEWER, connectors::list)
            .post(ADMIN, connectors::create),
        at("/catalog/spaces/{slug}/connectors/{id}")
            .get(VIEWER, connectors::get)
            .patch(ADMIN, connectors::update)
            .delete(ADMIN, connectors::delete),
        at("/catalog/spaces/{slug}/connectors/{id}/test").post(ADMIN, connectors::test),
        at("/catalog/spaces/{slug}/connectors/{id}/sync").post(EDITOR, sync_jobs::start),
        at("/catalog/spaces/{slug}/connectors/{id}/dbt-manifest").post(EDITOR, uploads::start),
        at("/catalog/spaces/{slug}/sync-history").get(VIEWER, sync_jobs::history),
        at("/catalog/spaces/{slug}/sync-jobs/{job_id}").get(VIEWER, sync_jobs::get),
        at("/catalog/spaces/{slug}/sync-jobs/{job_id}/cancel").post(EDITOR, sync_jobs::cancel),
        at("/catalog/spaces/{slug}/sync-jobs/{job_id}/removals").post(ADMIN, sync_jobs::decide_removals),
        at("/catalog/spaces/{slug}/products").get(VIEWER, products::list),
        at("/catalog/spaces/{slug}/products/{id}")
            .get(VIEWER, products::get)
            .patch(EDITOR, products::update),
        at("/catalog/spaces/{slug}/products/{id}/schema-changes").get(VIEWER, products::schema_changes),
        at("/catalog/spaces/{slug}/products/{id}/lineage").get(VIEWER, products::lineage),
    ]
}

/// One path and its methods.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) methods: Vec<(Method, Needs)>,
    resource: Resource,
}

fn at(path: &'static str) -> Endpoint {
    Endpoint {
        path,
        methods: Vec::new(),
        resource: web::resource(path),
    }
}

impl Endpoint {
    /// GET, and HEAD with it.
    fn get<A>(self, needs: Needs, handler: impl Answers<A>) -> Self
    where
        A: FromRequest + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.on(Method::GET, route, needs, handler)
    }

    fn post<A>(self, needs: Needs, handler: impl Answers<A>) -> Self
    where
        A: FromRequest + 'static,
    {
        self.on(Method::POST, web::post(), needs, handler)
    }

    fn patch<A>(self, needs: Needs, handler: impl Answers<A>) -> Self
    where
        A: FromRequest + 'static,
    {
        self.on(Method::PATCH, web::patch(), needs, handler)
    }

    fn delete<A>(self, needs: Needs, handler: impl Answers<A>) -> Self
    where
        A: FromRequest + 'static,
    {
        self.on(Method::DELETE, web::delete(), needs, handler)
    }

    fn on<H, A>(mut self, method: Method, route: Route, needs: Needs, handler: H) -> Self
    where
        H: Answers<A>,
        A: FromRequest + 'static,
    {
        self.methods.push((method, needs));
        let admitted = from_fn(move |req, next| admit(needs, req, next));
        self.resource = self.resource.route(route.to(handler).wrap(admitted));
        self
    }

    /// What the answer to any other method names.
    pub(crate) fn allow(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.join(", ")
    }

    fn register(self, config: &mut ServiceConfig) {
        let allow = self.allow();
        let other = move || {
            let problem = Problem::method_not_allowed(&allow);
            async move { Err::<String, _>(problem) }
        };
        config.service(self.resource.default_service(web::to(other)));
    }
}

/// A handler, as short as a bound can be.
trait Answers<A>: Handler<A, Output: Responder + 'static> {}
impl<A, H: Handler<A, Output: Responder + 'static>> Answers<A> for H {}

/// Sets up all routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    for endpoint in routes() {
        endpoint.register(config);
    }
}

/// What is nobody's path.
pub(crate) async fn nothing_here() -> Result<String, Problem> {
    Err(Problem::not_found("path"))
}
