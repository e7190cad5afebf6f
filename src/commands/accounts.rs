//! `carewire token …` and `carewire user …`.

use anyhow::{Context, Result, bail};
use argon2::{Argon2, PasswordHasher};
use carewire_store::{NewUser, Role, User};
use jiff::{Timestamp, ToSpan};

use super::{answer, open_store, organizations};
use crate::{
    cli::{TokenCommand, UserCommand},
    config::Config,
};

pub async fn token(config: Config, command: TokenCommand) -> Result<()> {
    let store = open_store(&config).await?;
    match command {
        TokenCommand::Create { name, role, org, days, json } => {
            let role = parse_role(&role)?;
            let organization = match (&org, role) {
                (Some(slug), _) => Some(organizations::by_slug(&store, slug).await?.id),
                (None, Role::Member) => bail!("a member's token belongs to an organization: give --org SLUG"),
                (None, _) => None,
            };
            let expires = match days {
                Some(days) => Some(Timestamp::now().checked_add((i64::from(days) * 24).hours())?),
                None => None,
            };
            let (token, secret) = store.create_token(&name, role, organization, expires).await?;
            let value = serde_json::json!({"token": token, "secret": secret});
            answer(json, &value, || format!("{secret}\nThis is shown once. Use it as `Authorization: Bearer …`."))
        }
        TokenCommand::List { json } => {
            let tokens = store.tokens().await?;
            answer(json, &tokens, || {
                let lines = tokens.iter().map(|token| {
                    let state = match (token.revoked_at, token.expires_at) {
                        (Some(at), _) => format!("revoked {at}"),
                        (None, Some(at)) => format!("until {at}"),
                        (None, None) => "no end".to_owned(),
                    };
                    format!("{}  {:<9} {:<24} {state}", token.id, token.role.as_str(), token.name)
                });
                let text = lines.collect::<Vec<_>>().join("\n");
                if text.is_empty() { "no tokens yet".to_owned() } else { text }
            })
        }
        TokenCommand::Revoke { id, json } => {
            let id = id.parse().with_context(|| format!("`{id}` is no token id; `carewire token list` shows them"))?;
            store.revoke_token(id).await?;
            answer(json, &serde_json::json!({"revoked": id}), || "revoked".to_owned())
        }
    }
}

pub async fn user(config: Config, command: UserCommand) -> Result<()> {
    let store = open_store(&config).await?;
    match command {
        UserCommand::Add { email, name, role, password_stdin, json } => {
            if !email.contains('@') || email.len() > 254 || email.chars().any(char::is_whitespace) {
                bail!("`{email}` is no mail address");
            }
            let (password, shown) = password(password_stdin)?;
            let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            let new =
                NewUser { email, name, role: parse_role(&role)?, organization: None, password_hash: hash(&password)? };
            let user = store.add_user(new).await?;
            told(json, &user, shown.as_deref())
        }
        UserCommand::Reset { email, role, password_stdin, json } => {
            let role = role.as_deref().map(parse_role).transpose()?;
            let (password, shown) = password(password_stdin)?;
            let user = store.set_password(&email, &hash(&password)?, role).await?;
            told(json, &user, shown.as_deref())
        }
        UserCommand::List { json } => {
            let users = store.users().await?;
            answer(json, &users, || {
                let lines =
                    users.iter().map(|user| format!("{:<9} {:<32} {}", user.role.as_str(), user.email, user.name));
                let text = lines.collect::<Vec<_>>().join("\n");
                if text.is_empty() { "no people yet".to_owned() } else { text }
            })
        }
    }
}

fn told(json: bool, user: &User, shown: Option<&str>) -> Result<()> {
    let value = serde_json::json!({"user": user, "password": shown});
    answer(json, &value, || {
        let password = shown.map(|password| format!("\npassword: {password}\nThis is shown once.")).unwrap_or_default();
        format!("{} ({}){password}", user.email, user.role.as_str())
    })
}

fn parse_role(text: &str) -> Result<Role> {
    serde_json::from_value(serde_json::Value::from(text))
        .with_context(|| format!("`{text}` is no role: operator, curator or member"))
}

/// A password from standard input, or a random one, which is then shown.
fn password(stdin: bool) -> Result<(String, Option<String>)> {
    if stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("no password on standard input")?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        if password.chars().count() < 12 {
            bail!("the password must have 12 characters or more");
        }
        return Ok((password, None));
    }
    let made = uuid::Uuid::new_v4().simple().to_string();
    Ok((made.clone(), Some(made)))
}

/// Argon2id (RFC 9106) with the library's parameters, as a PHC string.
fn hash(password: &str) -> Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow::anyhow!("the password could not be hashed: {error}"))?;
    Ok(hash.to_string())
}
