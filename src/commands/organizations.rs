//! `carewire org …`.

use anyhow::{Context, Result, bail};
use carewire_schemas::{Rights, Slug, Tier};
use carewire_store::{FeedFilter, NewOrganization, Organization, Standing, Store};
use url::Url;

use super::{answer, feeds, open_store};
use crate::{cli::OrgCommand, config::Config};

pub async fn run(config: Config, command: OrgCommand) -> Result<()> {
    let store = open_store(&config).await?;
    match command {
        OrgCommand::Add { name, slug, site, country, kind, accept, json } => {
            let standing = if accept { Standing::Accepted } else { Standing::Applied };
            let new = new_organization(name, slug, site, country, kind, standing)?;
            let made = store.add_organization(new).await?;
            answer(json, &made, || format!("added {}\n{}", line(&made), next_step(&made)))
        }
        OrgCommand::List { json } => {
            let all = all(&store).await?;
            answer(json, &all, || {
                if all.is_empty() {
                    "no organizations yet".to_owned()
                } else {
                    all.iter().map(line).collect::<Vec<_>>().join("\n")
                }
            })
        }
        OrgCommand::Show { slug, json } => {
            let organization = by_slug(&store, &slug).await?;
            let filter = FeedFilter { organization: Some(organization.id), state: None };
            let feeds = store.feeds(&filter, None, 1000).await?;
            let value = serde_json::json!({"organization": organization, "feeds": feeds});
            answer(json, &value, || {
                let lines = feeds.iter().map(feeds::line).collect::<Vec<_>>().join("\n");
                let lines = if lines.is_empty() { "no feeds yet".to_owned() } else { lines };
                format!(
                    "{}\ntrust    {}\nrights   {}\nsite     {}\ncountry  {}\nkind     {}\n\n{lines}",
                    line(&organization),
                    organization.tier.as_str(),
                    organization.rights.as_str(),
                    organization.site.as_deref().unwrap_or("-"),
                    organization.country.as_deref().unwrap_or("-"),
                    organization.kind.as_deref().unwrap_or("-")
                )
            })
        }
        OrgCommand::Trust { slug, tier, json } => {
            let organization = by_slug(&store, &slug).await?;
            let named = Tier::named(&tier);
            let tier = named.with_context(|| format!("`{tier}` is no tier: unproven, member, trusted or core"))?;
            let changed = store.set_tier(organization.id, tier).await?;
            note(&store, "set-trust", &changed, tier.as_str()).await?;
            answer(json, &changed, || line(&changed))
        }
        OrgCommand::Rights { slug, rights, json } => {
            let organization = by_slug(&store, &slug).await?;
            let named = Rights::named(&rights);
            let rights = named.with_context(|| format!("`{rights}` are no rights: link, excerpt or full"))?;
            let changed = store.set_rights(organization.id, rights).await?;
            note(&store, "set-rights", &changed, rights.as_str()).await?;
            answer(json, &changed, || line(&changed))
        }
        OrgCommand::Suspend { slug, undo: true, json, .. } => {
            let organization = by_slug(&store, &slug).await?;
            let changed = store.lift_suspension(organization.id).await?;
            note(&store, "lift-suspension", &changed, "").await?;
            answer(json, &changed, || {
                format!(
                    "{}
what the suspension withdrew comes back",
                    line(&changed)
                )
            })
        }
        OrgCommand::Suspend { slug, withdraw_since, json, .. } => {
            let organization = by_slug(&store, &slug).await?;
            let changed = store.suspend(organization.id, withdraw_since).await?;
            let since = withdraw_since.map_or("all of it".to_owned(), |since| format!("what came since {since}"));
            note(&store, "suspend", &changed, &since).await?;
            answer(json, &changed, || {
                format!(
                    "{}
withdrawn everywhere: {since}
undo: carewire org suspend {slug} --undo",
                    line(&changed)
                )
            })
        }
        OrgCommand::Standing { slug, standing, json } => {
            let organization = by_slug(&store, &slug).await?;
            let standing = parse_standing(&standing)?;
            let changed = store.set_standing(organization.id, standing).await?;
            answer(json, &changed, || line(&changed))
        }
    }
}

/// Notes in the audit log what the operator did here.
async fn note(store: &Store, action: &str, organization: &Organization, detail: &str) -> Result<()> {
    super::note(store, action, format!("organization/{}", organization.slug), detail).await
}

fn parse_standing(text: &str) -> Result<Standing> {
    serde_json::from_value(serde_json::Value::from(text))
        .with_context(|| format!("`{text}` is no standing: applied, accepted, suspended or rejected"))
}

/// Checks what a new organization is made of.
pub fn new_organization(
    name: String,
    slug: Option<String>,
    site: Option<String>,
    country: Option<String>,
    kind: Option<String>,
    standing: Standing,
) -> Result<NewOrganization> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 200 {
        bail!("the name must have 1 to 200 characters");
    }
    let slug = match slug {
        Some(slug) => Slug::new(slug)?,
        None => Slug::from_name(&name)
            .with_context(|| format!("no short name can be made of `{name}`: give one with --slug"))?,
    };
    if let Some(site) = &site {
        let url = Url::parse(site).with_context(|| format!("--site: `{site}` is no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("--site: `{site}` must begin with https:// or http://");
        }
    }
    if let Some(country) = &country
        && !(country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        bail!("--country: `{country}` must be two letters (ISO 3166-1), as DE or US");
    }
    Ok(NewOrganization { slug, name, site, country: country.map(|code| code.to_ascii_uppercase()), kind, standing })
}

/// The organization of that short name, or an error that says how to find it.
pub async fn by_slug(store: &Store, slug: &str) -> Result<Organization> {
    store
        .organization_by_slug(slug)
        .await?
        .with_context(|| format!("there is no organization `{slug}`; `carewire org list` shows all"))
}

/// All organizations, by short name.
pub async fn all(store: &Store) -> Result<Vec<Organization>> {
    let mut all: Vec<Organization> = Vec::new();
    loop {
        let after = all.last().map(|last| last.slug.as_str().to_owned());
        let page = store.organizations(after.as_deref(), 1000, None).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn line(organization: &Organization) -> String {
    let Organization { slug, standing, tier, name, .. } = organization;
    format!("{slug:<28} {:<10} {:<9} {name}", standing.as_str(), tier.as_str())
}

fn next_step(organization: &Organization) -> String {
    let mut text = format!("now: carewire feed add {} URL --vouch", organization.slug);
    if organization.standing != Standing::Accepted {
        text.push_str(&format!(
            "\nits items wait for a curator until it is accepted: carewire org standing {} accepted",
            organization.slug
        ));
    }
    text
}
