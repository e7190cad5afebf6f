//! Tokens and users: who may do what.

use carewire_schemas::OrganizationId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use sha2::{Digest, Sha256};

use crate::{
    Result, Store, StoreError,
    db::{Row, args, millis, transaction},
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

macro_rules! columns {
    () => {
        "id, email, name, role, organization, password_hash, created_at"
    };
}

fn user(row: &Row) -> Result<User> {
    Ok(User {
        id: UserId(row.uuid(0)?),
        email: row.text(1)?,
        name: row.text(2)?,
        role: row.named(3)?,
        organization: row.opt_uuid(4)?.map(OrganizationId),
        password_hash: row.text(5)?,
        created_at: row.time(6)?,
    })
}

/// Mail addresses are compared in lower case.
fn address(email: &str) -> String {
    email.trim().to_lowercase()
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn no_organization(error: StoreError, organization: Option<OrganizationId>) -> StoreError {
    match (error, organization) {
        (StoreError::NotFound(_), Some(id)) => StoreError::NotFound(format!("organization {id}")),
        (error, _) => error,
    }
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
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|error| StoreError::Unavailable(format!("random numbers: {error}")))?;
        let secret = format!("cw_{}", hex(&random));
        let now = self.now().await?;
        let token = Token {
            id: TokenId::random(),
            name: name.to_owned(),
            role,
            organization,
            created_at: millis(now),
            expires_at: expires.map(millis),
            revoked_at: None,
        };
        transaction!(self, |tx| {
            let sql = "INSERT INTO tokens (id, hash, name, role, organization, created_at, expires_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let organization = organization.map(|id| id.0);
            let args = args![token.id.0, hash(&secret), name, role.as_str(), organization, now, expires];
            tx.execute(sql, args).await.map(drop)
        })
        .map_err(|error| no_organization(error, organization))?;
        Ok((token, secret))
    }

    /// Who holds this secret; none when it is unknown, has ended or was revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Principal>> {
        if !secret.starts_with("cw_") {
            return Ok(None);
        }
        let now = self.now().await?;
        let sql = "SELECT name, role, organization FROM tokens WHERE hash = $1 AND revoked_at IS NULL \
                   AND (expires_at IS NULL OR expires_at > $2)";
        let row = self.inner.db.fetch_opt(sql, args![hash(secret), now]).await?;
        row.map(|row| {
            Ok(Principal {
                name: row.text(0)?,
                role: row.named(1)?,
                organization: row.opt_uuid(2)?.map(OrganizationId),
            })
        })
        .transpose()
    }

    /// All tokens, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let sql =
            "SELECT id, name, role, organization, created_at, expires_at, revoked_at FROM tokens ORDER BY id DESC";
        let rows = self.inner.db.fetch(sql, vec![]).await?;
        rows.iter()
            .map(|row| {
                Ok(Token {
                    id: TokenId(row.uuid(0)?),
                    name: row.text(1)?,
                    role: row.named(2)?,
                    organization: row.opt_uuid(3)?.map(OrganizationId),
                    created_at: row.time(4)?,
                    expires_at: row.opt_time(5)?,
                    revoked_at: row.opt_time(6)?,
                })
            })
            .collect()
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
            match tx.execute(sql, args![id.0, now]).await? {
                0 => Err(StoreError::NotFound(format!("token {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// Adds a user.
    ///
    /// # Errors
    /// `Conflict` when the address is taken, `NotFound` when the organization is not there.
    pub async fn add_user(&self, new: NewUser) -> Result<User> {
        let email = address(&new.email);
        let user = User {
            id: UserId::random(),
            email: email.clone(),
            name: new.name,
            role: new.role,
            organization: new.organization,
            password_hash: new.password_hash,
            created_at: millis(self.now().await?),
        };
        transaction!(self, |tx| {
            let sql = "INSERT INTO users (id, email, name, role, organization, password_hash, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING";
            let organization = user.organization.map(|id| id.0);
            let User { id, name, role, password_hash, created_at, .. } = &user;
            let args = args![id.0, &*email, &**name, role.as_str(), organization, &**password_hash, *created_at];
            match tx.execute(sql, args).await? {
                0 => Err(StoreError::Conflict(format!("user {email}"))),
                _ => Ok(()),
            }
        })
        .map_err(|error| no_organization(error, new.organization))?;
        Ok(user)
    }

    /// The user with that mail address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let sql = concat!("SELECT ", columns!(), " FROM users WHERE email = $1");
        self.inner.db.fetch_opt(sql, args![address(email)]).await?.as_ref().map(user).transpose()
    }

    /// Sets a user's password hash, and the role where one is given.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_password(&self, email: &str, password_hash: &str, role: Option<Role>) -> Result<User> {
        let email = address(email);
        transaction!(self, |tx| {
            let sql = concat!(
                "UPDATE users SET password_hash = $2, role = COALESCE($3, role) WHERE email = $1 RETURNING ",
                columns!()
            );
            let row = tx.fetch_opt(sql, args![&*email, password_hash, role.map(Role::as_str)]).await?;
            row.as_ref().map_or_else(|| Err(StoreError::NotFound(format!("user {email}"))), user)
        })
    }

    /// All users in order of mail address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>> {
        let sql = concat!("SELECT ", columns!(), " FROM users ORDER BY email");
        self.inner.db.fetch(sql, vec![]).await?.iter().map(user).collect()
    }
}
