//! The API's description: the OpenAPI document itself, and a page made of it.

use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use super::{html_answer, layout};
use crate::{api::json_bytes, problem::ProblemKind, state::PortalState};

/// `/openapi.json`
pub async fn openapi_json(State(state): State<PortalState>) -> Response {
    let body = serde_json::to_vec(state.openapi()).unwrap_or_default();
    json_bytes(StatusCode::OK, body)
}

/// `/docs`
pub async fn page(State(state): State<PortalState>) -> Response {
    let document = state.openapi();
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let body = html! {
        section.hero.small {
            h1 { "API" }
            p.lead { (inline_code(document["info"]["description"].as_str().unwrap_or_default())) }
            p { a.button href="/openapi.json" { "OpenAPI 3.1 document" } }
        }
        (example(&state))
        @for tag in document["tags"].as_array().into_iter().flatten() {
            @let name = tag["name"].as_str().unwrap_or_default();
            section.api aria-labelledby={ "tag-" (name) } {
                h2 id={ "tag-" (name) } { (name) }
                p { (tag["description"].as_str().unwrap_or_default()) }
                @for (path, item) in paths {
                    @for (method, operation) in item.as_object().into_iter().flatten() {
                        @if operation["tags"][0].as_str() == Some(name) { (operation_view(path, method, operation)) }
                    }
                }
            }
        }
        (schemas(document))
        (problems())
    };
    let page = layout::Page { title: "API".to_owned(), active: "docs", ..layout::Page::default() };
    html_answer(StatusCode::OK, page.render(&state, &body))
}

fn example(state: &PortalState) -> Markup {
    html! {
        section {
            h2 { "In two lines" }
            pre { code {
                "curl '" (state.absolute("/v1/items?condition=D003920&language=en&limit=5")) "'\n"
                "curl -H 'Authorization: Bearer cw_…' '" (state.absolute("/v1/items?state=held")) "'"
            } }
        }
    }
}

fn operation_view(path: &str, method: &str, operation: &Value) -> Markup {
    let text = operation["description"].as_str().unwrap_or_default();
    let parameters = operation["parameters"].as_array();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    html! {
        details.operation id=(operation["operationId"].as_str().unwrap_or_default()) {
            summary {
                span.method.(method) { (method.to_uppercase()) } " " code { (path) } " "
                span.quiet { (inline_code(operation["summary"].as_str().unwrap_or_default())) }
            }
            @for paragraph in text.split("\n\n") { p { (inline_code(paragraph)) } }
            @if let Some(parameters) = parameters {
                h4 { "Parameters" }
                dl.parameters {
                    @for parameter in parameters {
                        div {
                            dt { code { (parameter["name"].as_str().unwrap_or_default()) } @if parameter["required"] == true { span.quiet { " required" } } }
                            dd { (type_of(&parameter["schema"])) " " (inline_code(parameter["description"].as_str().unwrap_or_default())) }
                        }
                    }
                }
            }
            @if !body.is_null() { h4 { "Body" } p { (type_of(body)) } }
            h4 { "Answers" }
            dl.parameters {
                @for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                    div {
                        dt { code { (status) } }
                        dd {
                            (inline_code(response["description"].as_str().unwrap_or_default())) " "
                            @for (_, content) in response["content"].as_object().into_iter().flatten() { (type_of(&content["schema"])) }
                        }
                    }
                }
            }
        }
    }
}

fn schemas(document: &Value) -> Markup {
    html! {
        section.api aria-labelledby="types" {
            h2 #types { "Types" }
            @for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
                details.operation id={ "type-" (name) } {
                    summary { code { (name) } " " span.quiet { (inline_code(schema["description"].as_str().unwrap_or_default())) } }
                    (members(schema))
                }
            }
        }
    }
}

fn members(schema: &Value) -> Markup {
    let required = |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    html! {
        @for key in ["allOf", "oneOf", "anyOf"] {
            @for part in schema[key].as_array().into_iter().flatten() {
                @if part["properties"].is_object() { (members(part)) } @else { p { (type_of(part)) " " (inline_code(part["description"].as_str().unwrap_or_default())) } }
            }
        }
        @if let Some(values) = schema["enum"].as_array() {
            p { @for value in values { code { (value.as_str().unwrap_or_default()) } " " } }
        }
        @if let Some(properties) = schema["properties"].as_object() {
            dl.parameters {
                @for (name, property) in properties {
                    div {
                        dt { code { (name) } @if required(name) { span.quiet { " always" } } }
                        dd { (type_of(property)) " " (inline_code(property["description"].as_str().unwrap_or_default())) }
                    }
                }
            }
        }
    }
}

/// A type in short: a link to a named one, else its JSON type.
fn type_of(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|address| address.rsplit('/').next()) {
        return html! { a href={ "#type-" (name) } { (name) } };
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[key].as_array() {
            let parts: Vec<_> = parts.iter().filter(|part| part["type"] != "null").collect();
            return html! { @for (position, part) in parts.iter().enumerate() { @if position > 0 { " or " } (type_of(part)) } };
        }
    }
    if schema["type"] == "array" {
        return html! { span.quiet { "list of " } (type_of(&schema["items"])) };
    }
    if let Some(value) = schema["const"].as_str() {
        return html! { code { (value) } };
    }
    let name = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any"),
        Value::String(name) => name,
        _ => "any",
    };
    let format = schema["format"].as_str().filter(|format| matches!(*format, "uuid" | "date-time"));
    html! { span.quiet { (format.unwrap_or(name)) } }
}

fn problems() -> Markup {
    html! {
        section.api aria-labelledby="problems" {
            h2 #problems { "Problems" }
            p { "Everything that goes wrong is answered as " code { "application/problem+json" } " (RFC 9457); " code { "errors" } " names the fields or parameters, and the header " code { "X-Request-Id" } " what to look for in the log." }
            dl.parameters {
                @for kind in ProblemKind::ALL {
                    div id=(kind.slug()) { dt { code { (kind.slug()) } } dd { (kind.status().as_u16()) ". " (kind.title()) "." } }
                }
            }
        }
    }
}

/// Text with `code` marked as such.
fn inline_code(text: &str) -> Markup {
    let mut out = String::with_capacity(text.len() + 16);
    for (position, part) in text.split('`').enumerate() {
        let escaped = html! { (part) }.into_string();
        if position % 2 == 1 {
            out.push_str("<code>");
            out.push_str(&escaped);
            out.push_str("</code>");
        } else {
            out.push_str(&escaped);
        }
    }
    PreEscaped(out)
}
