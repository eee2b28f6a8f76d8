//! The connection when the disk fails in between, and when the org is crowded for long.

use std::io;

use super::ways::by_key;
use super::*;
use crate::engine::audit::oldest;

/// A disk that takes so many more writes.
struct Failing(AtomicI64);

impl SyncHook for Failing {
    fn before_apply(&self) -> io::Result<()> {
        match self.0.fetch_sub(1, Ordering::SeqCst) {
            1.. => Ok(()),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

impl Failing {
    fn after(writes: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(writes)))
    }
}

impl Stage {
    fn says_signed_in(&self) -> bool {
        let entries = oldest(&self.state, 0, 1_000).unwrap();
        entries.iter().any(|(_, e)| e.line.contains("signed_in"))
    }
}

#[tokio::test]
async fn the_log_says_signed_in_exactly_when_the_tokens_are_kept() {
    let mut kept = false;
    for writes in 0.. {
        let disk = Failing::after(i64::MAX);
        let stage = Stage::watched(Some(Arc::clone(&disk) as Arc<dyn SyncHook>)).await;
        stage.well(ORG).await;
        let connector = stage.connector();
        disk.0.store(writes, Ordering::SeqCst);
        let done = sign_in(&connector).await;
        assert_eq!(
            stage.says_signed_in(),
            stage.has_tokens(),
            "after {writes} writes"
        );
        assert_eq!(connector.is_signed_in(), stage.has_tokens());
        assert_eq!(connector.identity().is_some(), stage.has_tokens());
        if done.is_ok() {
            kept = stage.has_tokens();
            break;
        }
        assert_eq!(stage.revoked().await, 1);
    }
    assert!(kept);
}

#[tokio::test]
async fn a_disk_that_fails_takes_no_earlier_sign_in_away() {
    let disk = Failing::after(i64::MAX);
    let stage = Stage::watched(Some(Arc::clone(&disk) as Arc<dyn SyncHook>)).await;
    stage.well(ORG).await;
    let unreadable = b"of a newer version".to_vec();
    let mut tx = stage.state.begin();
    tx.put(&TOKENS, &[], &unreadable);
    tx.commit(Durability::Now).unwrap();
    for writes in 0..2 {
        let connector = stage.connector();
        disk.0.store(writes, Ordering::SeqCst);
        if sign_in(&connector).await.is_ok() {
            assert_eq!(writes, 1);
            break;
        }
        let there = stage.state.store().get(&TOKENS, &[]).unwrap();
        assert_eq!(there.as_ref(), Some(&unreadable));
        disk.0.store(i64::MAX, Ordering::SeqCst);
        stage.state.store().probe().unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_by_key_says_why_the_kept_key_cannot_be_had() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let mut tx = stage.state.begin();
    tx.put(&TOKENS, &[], &b"not a sign-in".to_vec());
    tx.commit(Durability::Now).unwrap();
    let error = by_key(&stage).begin(None).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.message().contains("cannot be read"), "{error}");
}

#[tokio::test]
async fn a_call_that_is_not_repeated_takes_nothing_from_the_budget_of_repeats() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    stage.server.reset().await;
    let crowded = json!([{
        "errorCode": "REQUEST_LIMIT_EXCEEDED",
        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    }]);
    stage
        .on("GET", "/services/data/v67.0/limits", 403, crowded)
        .await;
    let crm = connector.crm().await.unwrap().lane(Class::Interactive);
    // One attempt a call: each is the last.
    for _ in 0..50 {
        let error = crm.limits().await.unwrap_err();
        assert_eq!(error.code, "REQUEST_LIMIT_EXCEEDED");
    }
    assert!(connector.gate().standing().down.is_none());
    let left = (0..100)
        .take_while(|_| connector.gate().may_repeat())
        .count();
    assert!(left > 30, "{left}");
}
