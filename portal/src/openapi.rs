//! The OpenAPI 3.1 document, made of the table of routes ([`crate::routes::table`]), of the API's own types, and of
//! the JSON Schema of the event types that the API shows as they are.

use std::borrow::Cow;

use carewire_schemas::{ConditionTag, CuratedV1, Source, Verdict};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        self, ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, OpenApiBuilder, PathItem, PathsBuilder, Ref,
        RefOr, Response, Schema, SecurityRequirement, ServerBuilder, Tag,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    api::{
        channels, checks, conditions, decisions, feed_report, feeds, items, model, organizations, ownership, posts,
        previews, status, suggest, tokens, trust,
    },
    auth::Access,
    problem::{FieldError, PROBLEM_JSON, Problem, ProblemKind},
    routes,
};

/// A stand-in for a type whose schema is made elsewhere: in answers it is a reference to that schema.
macro_rules! stands_for {
    ($(#[$doc:meta])* $name:ident = $schema:literal) => {
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::Ref(Ref::from_schema_name($schema))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($schema)
            }
        }
    };
}

stands_for! {
    /// An item in API answers: `CuratedV1` with `first` and `seq`.
    ItemSchema = "Item"
}
stands_for! {
    /// `carewire_schemas::ConditionTag`.
    ConditionTagSchema = "ConditionTag"
}
stands_for! {
    /// `carewire_schemas::Source`.
    SourceSchema = "Source"
}
stands_for! {
    /// `carewire_schemas::Verdict`.
    VerdictSchema = "Verdict"
}

/// The name of the security scheme.
const TOKEN: &str = "token";

/// The document as JSON. `server` is the network's address without a slash at its end.
#[must_use]
pub fn document(server: &str, version: &str) -> Value {
    let mut components = ComponentsBuilder::new().security_scheme(
        TOKEN,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("A token, as `carewire token create` or `POST /v1/tokens` makes it."))
                .build(),
        ),
    );
    for (name, schema) in own_schemas() {
        components = components.schema(name, schema);
    }
    let mut paths = PathsBuilder::new();
    for route in routes::table() {
        let operation = completed(&route);
        paths = paths.path(route.path.clone(), PathItem::new(route.method, operation));
    }
    let info = InfoBuilder::new()
        .title("Carewire")
        .version(version)
        .description(Some(
            "What health-care organizations publish, curated: items, conditions, organizations, feeds. Reading what \
             is public needs no token. Lists have `next` addresses; follow them, do not make them. Errors are \
             `application/problem+json` (RFC 9457).",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url(server).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(TAGS.map(|(name, text)| {
            let mut tag = Tag::new(name);
            tag.description = Some(text.to_owned());
            tag
        })))
        .build();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(event_schemas());
    }
    document
}

const TAGS: [(&str, &str); 13] = [
    ("items", "What the network carries."),
    ("conditions", "Conditions and health topics, by any name or code."),
    ("suggest", "Conditions while somebody types."),
    ("organizations", "Who publishes."),
    ("channels", "Named, saved questions with feeds of their own."),
    ("feeds", "Their feeds and channels, and how each fares."),
    ("checks", "A preflight of a feed: what is wrong with it, and how to mend it."),
    ("previews", "What would be read of a feed or site map, before it is registered."),
    ("decisions", "What curators decided."),
    ("tokens", "Who may write."),
    ("status", "The network as a whole."),
    ("oembed", "Items on other sites."),
    ("look-up", "For health records: the HL7 Infobutton request, and FHIR R4."),
];

/// `/v1/items/{id}` → `items`; the look-ups of other systems share a tag.
fn tag(path: &str) -> Option<&str> {
    let mut parts = path.split('/').skip(1);
    match parts.next() {
        Some("v1") => parts.next(),
        Some("service" | "fhir") => Some("look-up"),
        other => other,
    }
}

/// The route's operation with what its access and shape say of every such route: security and problems.
fn completed(route: &routes::Route) -> openapi::path::Operation {
    let mut operation = route.operation.clone();
    let access = format!("For {}.", route.access.words());
    operation.description = Some(match operation.description.take().filter(|text| !text.trim().is_empty()) {
        Some(text) => format!("{}\n\n{access}", text.trim()),
        None => access,
    });
    operation.tags = tag(&route.path).map(|tag| vec![tag.to_owned()]);
    let token = SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, []);
    operation.security = Some(match route.access {
        Access::Open => vec![SecurityRequirement::default()],
        Access::Public => vec![SecurityRequirement::default(), token],
        _ => vec![token],
    });
    // Answers of FHIR are resources, those that say what is wrong too.
    if route.path.starts_with("/fhir") {
        return operation;
    }
    let mut kinds = vec![ProblemKind::BadRequest, ProblemKind::Unavailable];
    if route.access != Access::Open {
        kinds.push(ProblemKind::Unauthorized);
    }
    if !matches!(route.access, Access::Open | Access::Public) {
        kinds.push(ProblemKind::Forbidden);
    }
    if route.path.contains('{') {
        kinds.push(ProblemKind::NotFound);
    }
    if operation.request_body.is_some() {
        kinds.extend([ProblemKind::TooLarge, ProblemKind::UnsupportedType, ProblemKind::InvalidField]);
    }
    for kind in kinds {
        let status = kind.status().as_u16().to_string();
        let mut response = Response::new(format!("{}.", kind.title()));
        let schema = Some(RefOr::<Schema>::Ref(Ref::from_schema_name("Problem")));
        response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(Content::new(schema)));
        operation.responses.responses.entry(status).or_insert(RefOr::T(response));
    }
    operation
}

fn own_schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    add::<Problem>(&mut all);
    add::<FieldError>(&mut all);
    add::<items::ItemPage>(&mut all);
    add::<items::ReviewPage>(&mut all);
    add::<items::FacetValues>(&mut all);
    add::<items::FacetValue>(&mut all);
    add::<conditions::ConditionHits>(&mut all);
    add::<suggest::Suggestions>(&mut all);
    add::<suggest::Suggestion>(&mut all);
    add::<conditions::ConditionView>(&mut all);
    add::<model::OrganizationView>(&mut all);
    add_page::<model::OrganizationView>(&mut all);
    add::<organizations::NewOrganizationBody>(&mut all);
    add::<organizations::OrganizationPatchBody>(&mut all);
    add::<organizations::StandingBody>(&mut all);
    add::<channels::ChannelView>(&mut all);
    add_page::<channels::ChannelView>(&mut all);
    add::<channels::NewChannelBody>(&mut all);
    add::<channels::ChannelPatchBody>(&mut all);
    add::<model::FeedView>(&mut all);
    add_page::<model::FeedView>(&mut all);
    add::<feed_report::FeedDetailView>(&mut all);
    add::<feed_report::ReportView>(&mut all);
    add::<feed_report::ProposalBody>(&mut all);
    add::<feeds::NewFeedBody>(&mut all);
    add::<feeds::FeedPatchBody>(&mut all);
    add::<checks::NewCheckBody>(&mut all);
    add::<checks::CheckView>(&mut all);
    add::<posts::PostBody>(&mut all);
    add::<posts::PostedView>(&mut all);
    add::<previews::NewPreviewBody>(&mut all);
    add::<previews::PreviewView>(&mut all);
    add::<ownership::OwnershipView>(&mut all);
    add::<ownership::OwnershipBody>(&mut all);
    add::<decisions::NewDecisionBody>(&mut all);
    add::<decisions::Decision>(&mut all);
    add_page::<decisions::Decision>(&mut all);
    add::<model::TokenView>(&mut all);
    add_page::<model::TokenView>(&mut all);
    add::<tokens::NewTokenBody>(&mut all);
    add::<tokens::NewToken>(&mut all);
    add::<status::Status>(&mut all);
    add::<trust::TrustBody>(&mut all);
    add::<trust::SuspensionBody>(&mut all);
    add::<trust::HeldFeeds>(&mut all);
    add::<trust::ReleaseBody>(&mut all);
    add::<trust::Released>(&mut all);
    add::<trust::ExplanationView>(&mut all);
    add::<crate::embed::Oembed>(&mut all);
    all
}

/// Adds a type's schema and those that it refers to.
fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

/// Adds the schema of a page of `T`, under the name by which operations refer to it.
fn add_page<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((format!("Page_{}", T::name()), model::Page::<T>::schema()));
}

/// The schemas of the event types. OpenAPI 3.1 takes JSON Schema as it is; they replace the stand-ins.
fn event_schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<CuratedV1>();
    generator.subschema_for::<ConditionTag>();
    generator.subschema_for::<Source>();
    generator.subschema_for::<Verdict>();
    let mut all = generator.take_definitions(true);
    all.insert(
        "Item".to_owned(),
        json!({
            "description": "An item: `CuratedV1` with its place in the sequence.",
            "allOf": [
                {"$ref": "#/components/schemas/CuratedV1"},
                {
                    "type": "object",
                    "required": ["first", "seq"],
                    "properties": {
                        "first": {"type": "integer", "format": "int64", "description": "The number when it was first curated: order of lists."},
                        "seq": {"type": "integer", "format": "int64", "description": "The number of its last change: for synchronisation."},
                    },
                },
            ],
        }),
    );
    all
}
