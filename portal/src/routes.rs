//! The one table of the API's routes: the router is built from it, and so is the OpenAPI document, so neither can
//! hold a route that the other has not.

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use utoipa::openapi::{HttpMethod, path::Operation};

use crate::{
    api::{
        channels, checks, conditions, decisions, feed_report, feeds, items, organizations, ownership, posts, previews,
        status, suggest, tokens, trust,
    },
    auth::{self, Access},
    embed, fhir, lookup,
    state::PortalState,
};

/// One route of the API.
pub struct Route {
    /// `get`, `post`, `patch` or `delete`.
    pub method: HttpMethod,
    /// The pattern, such as `/v1/items/{id}`.
    pub path: String,
    /// Who may use it.
    pub access: Access,
    /// Its description, without what [`crate::openapi`] adds to every operation.
    pub operation: Operation,
    handler: MethodRouter<PortalState>,
}

fn route<P: utoipa::Path, T: 'static>(access: Access, handler: impl Handler<T, PortalState>) -> Route {
    let method = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
    let filter = match method {
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    };
    Route { method, path: P::path(), access, operation: P::operation(), handler: on(filter, handler) }
}

/// All routes of the API, in the order of the documentation.
#[must_use]
pub fn table() -> Vec<Route> {
    use Access::{Curator, Member, Open, Operator, Public};
    vec![
        route::<items::__path_list, _>(Public, items::list),
        route::<items::__path_one, _>(Public, items::one),
        route::<posts::__path_create, _>(Member, posts::create),
        route::<trust::__path_explanation, _>(Member, trust::explanation),
        route::<conditions::__path_search, _>(Public, conditions::search),
        route::<conditions::__path_one, _>(Public, conditions::one),
        route::<suggest::__path_suggest, _>(Public, suggest::suggest),
        route::<organizations::__path_list, _>(Public, organizations::list),
        route::<organizations::__path_one, _>(Public, organizations::one),
        route::<organizations::__path_create, _>(Operator, organizations::create),
        route::<organizations::__path_update, _>(Member, organizations::update),
        route::<organizations::__path_standing, _>(Operator, organizations::standing),
        route::<trust::__path_trust, _>(Operator, trust::trust),
        route::<trust::__path_suspend, _>(Operator, trust::suspend),
        route::<trust::__path_lift, _>(Operator, trust::lift),
        route::<channels::__path_list, _>(Public, channels::list),
        route::<channels::__path_one, _>(Public, channels::one),
        route::<channels::__path_create, _>(Member, channels::create),
        route::<channels::__path_update, _>(Member, channels::update),
        route::<channels::__path_remove, _>(Member, channels::remove),
        route::<feeds::__path_list, _>(Public, feeds::list),
        route::<trust::__path_held, _>(Curator, trust::held),
        route::<trust::__path_release, _>(Curator, trust::release),
        route::<feeds::__path_one, _>(Public, feeds::one),
        route::<feeds::__path_create, _>(Member, feeds::create),
        route::<feeds::__path_update, _>(Member, feeds::update),
        route::<feeds::__path_poll, _>(Member, feeds::poll),
        route::<checks::__path_create, _>(Member, checks::create),
        route::<previews::__path_create, _>(Member, previews::create),
        route::<feed_report::__path_report, _>(Public, feed_report::report),
        route::<feed_report::__path_decide, _>(Member, feed_report::decide),
        route::<ownership::__path_show, _>(Member, ownership::show),
        route::<ownership::__path_ask, _>(Member, ownership::ask),
        route::<decisions::__path_create, _>(Curator, decisions::create),
        route::<decisions::__path_list, _>(Curator, decisions::list),
        route::<tokens::__path_list, _>(Operator, tokens::list),
        route::<tokens::__path_create, _>(Operator, tokens::create),
        route::<tokens::__path_revoke, _>(Operator, tokens::revoke),
        route::<status::__path_status, _>(Public, status::status),
        route::<embed::__path_oembed, _>(Open, embed::oembed),
        route::<lookup::__path_service, _>(Open, lookup::service),
        route::<fhir::__path_metadata, _>(Open, fhir::metadata),
        route::<fhir::__path_search, _>(Open, fhir::search),
        route::<fhir::__path_search_by_form, _>(Open, fhir::search_by_form),
        route::<fhir::__path_read, _>(Open, fhir::read),
    ]
}

/// The router of the table, each route behind its [`Access`].
pub(crate) fn router(state: &PortalState) -> Router<PortalState> {
    table().into_iter().fold(Router::new(), |router, route| {
        let guard = middleware::from_fn_with_state((state.clone(), route.access), auth::guard);
        router.route(&route.path, route.handler.route_layer(guard))
    })
}
