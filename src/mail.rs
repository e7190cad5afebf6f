//! Mail: what waits in the store's outbox is sent, or shown to the operator where no server is configured.

use std::time::Duration;

use anyhow::{Context, Result};
use carewire_bus::stage::BackOff;
use carewire_store::{Leading, Mail, Store};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Config;

const LEASE: &str = "mail";
const LEASE_TTL: Duration = Duration::from_secs(30);
/// After so many tries a mail is left alone; it stays visible in the outbox.
const TRIES: i64 = 10;

/// Sends mail until `stop`: active while this process holds the lease.
///
/// # Errors
/// When the configuration is wrong.
pub async fn run(config: &Config, store: &Store, stop: &CancellationToken) -> Result<()> {
    let transport = transport(config)?;
    let owner = Uuid::now_v7();
    let mut wait = BackOff::default();
    while !stop.is_cancelled() {
        match Leading::acquire(store, LEASE, owner, LEASE_TTL).await {
            Ok(Some(leading)) => {
                while !stop.is_cancelled() && !leading.lost().is_cancelled() {
                    let mut activity = store.activity();
                    match send_waiting(store, transport.as_ref()).await {
                        Ok(()) => wait = BackOff::default(),
                        Err(error) => {
                            tracing::warn!(error = format!("{error:#}"), "mail waits");
                            wait.stopped(stop).await;
                        }
                    }
                    tokio::select! {
                        _ = activity.changed() => {}
                        () = tokio::time::sleep(Duration::from_secs(60)) => {}
                        () = leading.lost().cancelled() => {}
                        () = stop.cancelled() => {}
                    }
                }
                leading.release().await;
            }
            Ok(None) => {
                tokio::select! {
                    () = tokio::time::sleep(LEASE_TTL / 2) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::debug!(%error, "mail waits for the database");
                wait.stopped(stop).await;
            }
        }
    }
    Ok(())
}

type Transport = (AsyncSmtpTransport<Tokio1Executor>, Mailbox);

fn transport(config: &Config) -> Result<Option<Transport>> {
    let (Some(smtp), Some(from)) = (&config.mail.smtp, &config.mail.from) else { return Ok(None) };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp.0)
        .map_err(|error| anyhow::anyhow!("mail.smtp: {error}; give it as smtps://user:password@host:465"))?
        .timeout(Some(Duration::from_secs(30)))
        .build();
    let from = from.parse().context("mail.from: give it as \"Carewire <network@example.org>\"")?;
    Ok(Some((transport, from)))
}

async fn send_waiting(store: &Store, transport: Option<&Transport>) -> Result<()> {
    for mail in store.unsent_mail(50).await? {
        let Some((transport, from)) = transport else {
            // What would be mailed is shown to the operator.
            tracing::info!(
                to = mail.to,
                subject = mail.subject,
                text = mail.text,
                "would be mailed, but no mail server is configured"
            );
            store.mark_mail_sent(mail.id, None).await?;
            continue;
        };
        match message(&mail, from) {
            Ok(message) => match transport.send(message).await {
                Ok(_) => store.mark_mail_sent(mail.id, None).await?,
                Err(error) if error.is_permanent() || mail.tries + 1 >= TRIES => {
                    tracing::error!(to = mail.to, %error, "mail was refused");
                    store.mark_mail_sent(mail.id, Some(&error.to_string())).await?;
                }
                Err(error) => return Err(error).context("the mail server does not take mail"),
            },
            Err(error) => store.mark_mail_sent(mail.id, Some(&format!("{error:#}"))).await?,
        }
    }
    Ok(())
}

fn message(mail: &Mail, from: &Mailbox) -> Result<Message> {
    Ok(Message::builder()
        .from(from.clone())
        .to(mail.to.parse().context("the recipient is no mail address")?)
        .subject(&mail.subject)
        .body(mail.text.clone())?)
}
