//! Tokens, users, mail, audit.

use carewire_schemas::OrganizationId;
use carewire_store::{AuditEntry, NewUser, Role, StoreError, TokenId};
use jiff::{SignedDuration, Timestamp};

use crate::harness::{Kit, conformance, organization};

async fn tokens_work_until_revoked_or_over(kit: Kit) {
    let store = &kit.store;
    let org = organization(store, "a").await;
    let (token, secret) = store.create_token("press office", Role::Member, Some(org.id), None).await.unwrap();
    assert!(secret.starts_with("cw_") && secret.len() == 67);
    let principal = store.authenticate(&secret).await.unwrap().unwrap();
    assert_eq!(
        (principal.name.as_str(), principal.role, principal.organization),
        ("press office", Role::Member, Some(org.id))
    );
    for wrong in ["", "cw_", "cw_00", &secret[1..], &format!("{secret}0")] {
        assert_eq!(store.authenticate(wrong).await.unwrap(), None, "{wrong}");
    }
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    let (_, over) = store.create_token("over", Role::Operator, None, Some(past)).await.unwrap();
    assert_eq!(store.authenticate(&over).await.unwrap(), None);
    store.revoke_token(token.id).await.unwrap();
    assert_eq!(store.authenticate(&secret).await.unwrap(), None);
    let tokens = store.tokens().await.unwrap();
    assert_eq!(tokens.len(), 2);
    assert!(tokens[1].revoked_at.is_some());
    assert!(matches!(store.revoke_token(TokenId::random()).await, Err(StoreError::NotFound(_))));
    let nobody = store.create_token("x", Role::Member, Some(OrganizationId::random()), None).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
}

async fn users_are_found_by_mail_address(kit: Kit) {
    let store = &kit.store;
    let new = NewUser {
        email: "Ana@Hospital.example ".into(),
        name: "Ana".into(),
        role: Role::Curator,
        organization: None,
        password_hash: "$argon2id$1".into(),
    };
    store.add_user(new.clone()).await.unwrap();
    assert!(matches!(store.add_user(new).await, Err(StoreError::Conflict(_))));
    let ana = store.user_by_email("ana@HOSPITAL.example").await.unwrap().unwrap();
    assert_eq!(ana.email, "ana@hospital.example");
    let changed = store.set_password("ana@hospital.example", "$argon2id$2", Some(Role::Operator)).await.unwrap();
    assert_eq!((changed.role, changed.password_hash.as_str()), (Role::Operator, "$argon2id$2"));
    assert_eq!(store.users().await.unwrap(), [changed]);
    assert!(matches!(store.set_password("x@y.example", "", None).await, Err(StoreError::NotFound(_))));
}

async fn mail_waits_until_sent(kit: Kit) {
    let store = &kit.store;
    let one = store.queue_mail("a@b.example", "one", "text").await.unwrap();
    let two = store.queue_mail("a@b.example", "two", "text").await.unwrap();
    store.mark_mail_sent(one, Some("no server")).await.unwrap();
    store.mark_mail_sent(two, None).await.unwrap();
    let unsent = store.unsent_mail(10).await.unwrap();
    assert_eq!(unsent.len(), 1);
    assert_eq!((unsent[0].tries, unsent[0].error.as_deref()), (1, Some("no server")));
    assert_eq!(store.recent_mail(1).await.unwrap()[0].subject, "two");
    assert_eq!(store.counts().await.unwrap().unsent_mail, 1);
    assert!(matches!(store.mark_mail_sent(99, None).await, Err(StoreError::NotFound(_))));
}

async fn what_was_done_is_noted(kit: Kit) {
    for n in 0..3 {
        let entry = AuditEntry {
            actor: "command line".into(),
            action: "add-feed".into(),
            subject: format!("feed/{n}"),
            detail: "{}".into(),
        };
        kit.store.audit(entry).await.unwrap();
    }
    let log = kit.store.audit_log(2).await.unwrap();
    assert_eq!(log.iter().map(|row| row.entry.subject.as_str()).collect::<Vec<_>>(), ["feed/2", "feed/1"]);
}

conformance! {
    tokens_work_until_revoked_or_over,
    users_are_found_by_mail_address,
    mail_waits_until_sent,
    what_was_done_is_noted,
}
