//! An account that is gone, and a Kubernetes that does not answer or refuses.

use super::*;

/// One that had a token for the account, which is gone since.
async fn stage_without_its_account() -> Stage {
    let stage = Stage::with_team();
    // To be renewed from its beginning.
    stage.entra.lifetime.store(200, Ordering::Relaxed);
    stage.token(&object("team")).await.expect("a token");
    stage.kubernetes.remove_accounts();
    tokio::time::advance(ACCOUNT_TTL * 2).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn deleted_object_without_its_account_uses_the_last_token_while_it_holds() {
    let stage = stage_without_its_account().await;
    stage.token(&deleted("team")).await.expect("the last token still holds");
    stage.token(&object("team")).await.expect_err("an object that stays has to have its account");
    assert_eq!(stage.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleted_object_without_its_account_and_a_token_says_what_helps() {
    let stage = stage_without_its_account().await;
    // The token expires, then the identity is dropped: as after a restart.
    for wait in [Duration::from_mins(2), Duration::from_hours(2)] {
        tokio::time::advance(wait).await;
        let error = stage.token(&deleted("team")).await.expect_err("there is no account");
        for words in ["does not exist. Create it again", "docs/deletion.md"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    assert_eq!(stage.exchanges(), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_of_kubernetes_keeps_a_known_identity_and_makes_a_new_one_unavailable() {
    let stage = Stage::with_team();
    stage.token(&object("team")).await.expect("a token");
    tokio::time::advance(ACCOUNT_TTL * 2).await;
    stage.kubernetes.refuse("", 500, "", "m");
    stage.token(&object("team")).await.expect("what was true when it last answered");
    let error = stage.token(&object("new")).await.expect_err("nothing is known");
    assert!(matches!(error, azure::Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn refusal_of_kubernetes_names_the_setting_that_is_missing() {
    let stage = Stage::with_team();
    stage.token(&object("team")).await.expect("a token");
    tokio::time::advance(ACCOUNT_TTL * 2).await;
    stage.kubernetes.refuse("", 403, "", "m");
    let error = stage.token(&object("team")).await.expect_err("it may not");
    assert!(
        matches!(&error, azure::Error::CredentialUnavailable(error) if error.message.contains("namespaceIdentity.enabled")),
        "{error:?}"
    );
}
