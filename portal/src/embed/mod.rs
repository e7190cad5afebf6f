//! `/embed/…`: parts of the network on other sites. The only pages that may stand in frames; no cookie, no script of their
//! own. Beside them one web component for sites that would rather have the list in their own page, and oEmbed.
//!
//! A version of the component never changes: sites name its hash (Subresource Integrity). A change is a new version
//! beside the old ones.

mod oembed;
mod pages;

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::state::PortalState;

pub use oembed::{__path_oembed, Oembed, oembed};
pub(crate) use pages::{frame, snippet};

/// The versions of the web component: name of the file, the file, its hash for `integrity`.
pub const COMPONENTS: [(&str, &str, &str); 1] = [(
    "carewire-list-1.js",
    include_str!("carewire-list-1.js"),
    "sha384-0pPy4UA03bK1/b7XNd0gKfvwd6ZX0e9yREiW545ulmcqezJLjlpo0F7bzlwKwDlQ",
)];

/// The routes of embedding.
pub(crate) fn router() -> Router<PortalState> {
    Router::new()
        .route("/embed/list", get(pages::list))
        .route("/embed/items/{id}", get(pages::item))
        .route("/embed/style.css", get(pages::style))
        .route("/embed/{file}", get(component))
}

/// A version of the web component.
async fn component(Path(file): Path<String>) -> Response {
    let Some((_, script, _)) = COMPONENTS.iter().find(|(name, ..)| *name == file) else {
        return crate::problem::Problem::not_found(format!("there is nothing at /embed/{file}")).into_response();
    };
    let mut response = (*script).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    // `integrity` is checked of files that the other site may read.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha384};

    use super::COMPONENTS;

    #[test]
    fn a_version_of_the_component_never_changes() {
        for (name, script, pinned) in COMPONENTS {
            let hash = format!("sha384-{}", STANDARD.encode(Sha384::digest(script.as_bytes())));
            assert_eq!(hash, pinned, "{name} was changed: sites name its hash; make a new version instead");
        }
    }
}
