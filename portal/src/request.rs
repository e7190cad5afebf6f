//! What handlers take out of a request: JSON bodies and query parameters, with errors that name the field.

use std::{borrow::Cow, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::{FieldError, Problem, ProblemKind};

/// Largest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A JSON body. What cannot be read is a [`Problem`]: 415 for another media type, 413 for more than
/// [`MAX_BODY_BYTES`], 400 for what is no JSON, 422 with the field's name for JSON of the wrong shape.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !declared.is_some_and(is_json) {
            let said = declared.unwrap_or("none");
            let detail = format!("the content type is `{said}`; it must be `application/json`");
            return Err(Problem::new(ProblemKind::UnsupportedType, detail));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| body_problem(&rejection))?;
        parse_json(&bytes).map(Self)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn body_problem(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("a body may have {MAX_BODY_BYTES} bytes");
        return Problem::new(ProblemKind::TooLarge, detail);
    }
    Problem::new(ProblemKind::BadRequest, "the body ended before it was complete")
}

/// Reads JSON; errors carry the path of the field.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        json_problem(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| json_problem(".", &error))?;
    Ok(value)
}

fn json_problem(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    if error.classify() != Category::Data {
        return Problem::new(ProblemKind::BadRequest, format!("the body is no valid JSON: {text}"));
    }
    // The position says nothing that the field's name does not say better.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let message = match message.strip_prefix("UUID parsing failed") {
        Some(_) => "must be a UUID, such as 01930c5e-7d5a-7cc1-a1f3-0d6a3a8f9b11",
        None => message,
    };
    // For an unknown field the path ends at the object around it on some depths, at the field on others.
    let named = message
        .split('`')
        .nth(1)
        .filter(|_| message.starts_with("unknown field") || message.starts_with("missing field"));
    let field = match (path, named) {
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => format!("{path}.{name}"),
        (".", None) => "body".to_owned(),
        (path, _) => path.to_owned(),
    };
    Problem::field(field, message)
}

/// The parameters of a query string, each given once, none that the route does not know.
#[derive(Debug, Default)]
pub struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Reads `query`; a parameter that is not among `known`, or stands there twice, is an error that names it.
    /// Empty values count as absent, as an HTML form sends them.
    ///
    /// # Errors
    /// A 400 problem.
    pub fn read(query: Option<&'a str>, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let message = match known {
                    [] => "there is no such parameter; this address takes none".to_owned(),
                    _ => format!("there is no such parameter; there are {}", known.join(", ")),
                };
                return Err(Problem::parameter(name, message));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Problem::parameter(name, "is given twice; give it once"));
            }
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// A parameter read as `T`; `right` says what would be right.
    ///
    /// # Errors
    /// A 400 problem that names the parameter.
    pub fn parse<T: FromStr>(&self, name: &str, right: &str) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|value| value.parse().map_err(|_| Problem::parameter(name, format!("`{value}` is not {right}"))))
            .transpose()
    }

    /// A parameter that is one of a few words.
    ///
    /// # Errors
    /// A 400 problem that names the parameter and the words.
    pub fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|value| choose(value, words).map_err(|message| Problem::parameter(name, message)))
            .transpose()
    }

    /// `limit`: 1 to 100, 20 without it.
    ///
    /// # Errors
    /// A 400 problem.
    pub fn limit(&self) -> Result<usize, Problem> {
        let right = "a number from 1 to 100";
        let limit = self.parse::<usize>("limit", right)?.unwrap_or(DEFAULT_LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::parameter("limit", format!("`{limit}` is not {right}")))
    }
}

/// Things in an answer when the request does not say how many.
pub const DEFAULT_LIMIT: usize = 20;
/// Most things in one answer.
pub const MAX_LIMIT: usize = 100;

/// The meaning of `value` among `words`; the error says which words there are.
pub(crate) fn choose<T: Copy>(value: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let list = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let value: String = value.chars().take(60).collect();
        format!("`{value}` is not possible; it must be one of {list}")
    })
}

/// An error of one field, for bodies in which several are wrong.
pub(crate) fn field_error(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

/// A problem with all fields that are wrong, or nothing where none is.
pub(crate) fn check(errors: Vec<FieldError>) -> Result<(), Problem> {
    let Some(first) = errors.first() else { return Ok(()) };
    let mut problem = Problem::field(first.field.clone(), first.message.clone());
    problem.errors = errors;
    Err(problem)
}
