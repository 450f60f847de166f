//! What is cached, and for how long.

use super::*;

#[tokio::test(start_paused = true)]
async fn concurrent_reconciles_share_one_exchange() {
    let stage = Stage::with_team();
    let object = object("team");
    let reconciles = (0..50).map(|_| stage.token(&object));
    assert!(futures::future::join_all(reconciles).await.into_iter().all(|one| one.is_ok()));
    assert_eq!((stage.exchanges(), stage.kubernetes.requests(&["POST", "/token"]).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn account_is_read_again_after_a_minute() {
    let stage = Stage::with_team();
    let object = object("team");
    stage.token(&object).await.expect("a token");
    let (first, reads) = (stage.of(&object).await, stage.reads());
    tokio::time::advance(ACCOUNT_TTL / 2).await;
    assert!(Arc::ptr_eq(&stage.of(&object).await, &first));
    assert_eq!(stage.reads(), reads, "it was read a moment ago");
    tokio::time::advance(ACCOUNT_TTL).await;
    assert!(Arc::ptr_eq(&stage.of(&object).await, &first), "it is the same account");
    assert_eq!(stage.reads(), reads + 1);
    assert_eq!(stage.exchanges(), 1, "the token still holds");
}

#[tokio::test(start_paused = true)]
async fn account_is_read_at_once_where_freshness_matters() {
    let stage = Stage::with_team();
    stage.token(&object("team")).await.expect("a token");
    let reads = stage.reads();
    stage.of_fresh(&object("team"), Freshness::Now).await;
    assert_eq!(stage.reads(), reads + 1);
    assert_eq!(stage.exchanges(), 1, "the token still holds");
}

#[tokio::test(start_paused = true)]
async fn changed_account_gets_no_token_of_the_former_one() {
    let good = [(CLIENT_ID, ONE), (TENANT_ID, TENANT)];
    for (case, uid, annotations) in [
        ("the same name", "u2", good),
        ("another client", "u1", [(CLIENT_ID, TWO), (TENANT_ID, TENANT)]),
        ("another tenant", "u1", [(CLIENT_ID, ONE), (TENANT_ID, TWO)]),
    ] {
        let stage = Stage::with_team();
        stage.token(&object("team")).await.expect("a token");
        stage.kubernetes.put_account("team-a", "team", uid, &annotations);
        tokio::time::advance(ACCOUNT_TTL * 2).await;
        stage.token(&object("team")).await.expect("a token");
        assert_eq!(stage.exchanges(), 2, "{case}");
        assert_eq!(stage.cached(), ["team"], "{case}: the former is dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn least_recently_used_identity_is_evicted_first() {
    let stage = Stage::new(None);
    let stage = Stage { identities: Identities { capacity: 3, ..stage.identities }, ..stage };
    for name in ["a", "b", "c", "a", "d"] {
        stage.put(name);
        stage.of(&object(name)).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(stage.cached(), ["a", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn identity_that_is_unused_for_an_hour_is_dropped() {
    let stage = Stage::new(None);
    for name in ["busy", "idle", "new"] {
        stage.put(name);
    }
    stage.of(&object("busy")).await;
    stage.of(&object("idle")).await;
    tokio::time::advance(IDLE_TTL / 2).await;
    stage.of(&object("busy")).await;
    tokio::time::advance(IDLE_TTL / 2 + Duration::from_secs(1)).await;
    stage.of(&object("new")).await;
    assert_eq!(stage.cached(), ["busy", "new"]);
}
