//! Tokens and users: who may do what.

use carewire_schemas::OrganizationId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    named::{named_enum, row_id},
};

named_enum! {
    /// What somebody may do; each includes what follows it.
    Role {
        /// Runs the network.
        Operator = "operator",
        /// Decides what carries the network's name.
        Curator = "curator",
        /// Looks after one organization.
        Member = "member",
    }
}

row_id! {
    /// A bearer token.
    TokenId
}
row_id! {
    /// A user.
    UserId
}

/// A bearer token, without its secret, of which only a hash is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name, as it stands in decisions.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The organization of a member.
    pub organization: Option<OrganizationId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Who is asking.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Principal {
    /// The name of the token or user, as it stands in decisions.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose organization they look after.
    pub organization: Option<OrganizationId>,
}

/// A user.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Mail address; unique, compared in lower case.
    pub email: String,
    /// Their name, as it stands in decisions.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose organization they look after.
    pub organization: Option<OrganizationId>,
    /// The password's argon2id hash in PHC form; never shown.
    #[serde(skip)]
    pub password_hash: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What an account is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Mail address.
    pub email: String,
    /// Name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose organization they look after.
    pub organization: Option<OrganizationId>,
    /// The password's argon2id hash in PHC form.
    pub password_hash: String,
}

impl Store {
    /// Makes a token. The second value is its secret, `cw_` and 64 hexadecimal digits: shown once, kept only as its
    /// SHA-256.
    ///
    /// # Errors
    /// `NotFound` when the organization is not there.
    pub async fn create_token(
        &self,
        name: &str,
        role: Role,
        organization: Option<OrganizationId>,
        expires: Option<Timestamp>,
    ) -> Result<(Token, String)> {
        todo!("{name} {role} {organization:?} {expires:?}")
    }

    /// Who holds this secret; none when it is unknown, has ended or was revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Principal>> {
        todo!("{}", secret.len())
    }

    /// All tokens, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        todo!()
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        todo!("{id}")
    }

    /// Adds a user.
    ///
    /// # Errors
    /// `Conflict` when the address is taken, `NotFound` when the organization is not there.
    pub async fn add_user(&self, new: NewUser) -> Result<User> {
        todo!("{}", new.email)
    }

    /// The user with that mail address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        todo!("{email}")
    }

    /// Sets a user's password hash, and the role where one is given.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_password(
        &self,
        email: &str,
        password_hash: &str,
        role: Option<Role>,
    ) -> Result<User> {
        todo!("{email} {} {role:?}", password_hash.len())
    }

    /// All users in order of mail address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>> {
        todo!()
    }
}
