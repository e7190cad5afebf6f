//! Who asks, and what they may do: bearer tokens (RFC 6750, section 2.1) and roles.
//!
//! Each route of the table in [`crate::routes`] states its [`Access`]; [`guard`] enforces it before the handler
//! runs. What depends on the object (a member's own organization) is asked by the handler through [`Caller`].

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use carewire_schemas::OrganizationId;
use carewire_store::{Principal, Role};

use crate::{
    problem::{Problem, ProblemKind},
    state::PortalState,
};

/// Who may use a route. Operators may do what curators may, curators what members may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// Everybody; tokens are not looked at, for clients of other systems may send ones that mean nothing here.
    Open,
    /// Everybody; a token, where one is sent, must be valid all the same.
    Public,
    /// Members, for their own organization; curators and operators for all.
    Member,
    /// Curators and operators.
    Curator,
    /// Operators.
    Operator,
}

impl Access {
    /// In words, for the documentation.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "everybody; tokens are not looked at",
            Self::Public => "everybody, without a token",
            Self::Member => "members for their own organization, curators, operators",
            Self::Curator => "curators, operators",
            Self::Operator => "operators",
        }
    }

    fn allows(self, role: Role) -> bool {
        let rank = match role {
            Role::Member => Self::Member,
            Role::Curator => Self::Curator,
            Role::Operator => Self::Operator,
        };
        rank >= self
    }
}

/// Who asks: nobody in particular, or the owner of a token.
#[derive(Clone, Debug, Default)]
pub struct Caller(pub Option<Principal>);

impl Caller {
    /// Whether a curator or operator asks.
    #[must_use]
    pub fn is_curator(&self) -> bool {
        self.0.as_ref().is_some_and(|principal| Access::Curator.allows(principal.role))
    }

    /// Whether an operator asks.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.0.as_ref().is_some_and(|principal| Access::Operator.allows(principal.role))
    }

    /// Whether the caller belongs to `organization`, or is a curator.
    #[must_use]
    pub fn belongs_to(&self, organization: OrganizationId) -> bool {
        self.is_curator() || self.0.as_ref().is_some_and(|principal| principal.organization == Some(organization))
    }

    /// The name to write into decisions and the audit log.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.as_ref().map_or("anonymous", |principal| principal.name.as_str())
    }

    /// # Errors
    /// 403 where the caller is neither of that organization nor a curator.
    pub fn may_write(&self, organization: OrganizationId) -> Result<(), Problem> {
        if self.belongs_to(organization) {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::Forbidden, "the token belongs to another organization"))
    }
}

/// Enforces `access`, and hands the handler its [`Caller`] as an extension.
pub(crate) async fn guard(
    State((state, access)): State<(PortalState, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match caller(&state, request.headers(), access).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(state: &PortalState, headers: &HeaderMap, access: Access) -> Result<Caller, Problem> {
    let unauthorized = |detail: &str| Problem::new(ProblemKind::Unauthorized, detail);
    if access == Access::Open {
        return Ok(Caller::default());
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        if access == Access::Public {
            return Ok(Caller::default());
        }
        return Err(unauthorized("send the header `Authorization: Bearer` with a token"));
    };
    let secret = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim())
        .ok_or_else(|| unauthorized("the header `Authorization` must be `Bearer` and a token"))?;
    let principal = state.store().authenticate(secret).await?;
    let principal = principal.ok_or_else(|| unauthorized("the token is unknown, expired or revoked"))?;
    if access == Access::Public || access.allows(principal.role) {
        return Ok(Caller(Some(principal)));
    }
    Err(Problem::new(ProblemKind::Forbidden, format!("this is for {}", access.words())))
}
