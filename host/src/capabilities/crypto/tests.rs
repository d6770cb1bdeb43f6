//! The keyring on real stores.

use std::time::Duration;

use super::{signatures::SignatureKey, test_store, tokens, *};
use ed25519_dalek::SigningKey;
use keyring::Mac;
use std::sync::Arc;

fn master(byte: u8) -> Arc<MasterKey> {
    Arc::new(MasterKey::new(&[byte; 32]))
}

fn now() -> i64 {
    crate::telemetry::clock::now_micros() / 1_000_000
}

#[tokio::test]
async fn hosts_that_race_for_the_first_key_get_the_same() {
    for store in test_store::all().await {
        let mut hosts = Vec::new();
        for _ in 0..8 {
            hosts.push(Keyring::open(store.pool.clone(), master(1)).await.unwrap());
        }
        let rings = futures::future::join_all(hosts.iter().map(|host| host.ring::<SigningKey>("core", ""))).await;
        let ids: Vec<_> = rings.iter().map(|ring| ring.as_ref().unwrap().newest().id.clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let token = tokens::sign(rings[0].as_ref().unwrap(), "{}", 60, now()).unwrap();
        assert!(tokens::verify(rings[7].as_ref().unwrap(), &token, now()).is_ok());
    }
}

#[tokio::test]
async fn components_purposes_and_names_have_keys_of_their_own() {
    for store in test_store::all().await {
        let keyring = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let code = async |component: &str, name: &str| {
            SignatureKey::Own(keyring.ring::<Mac>(component, name).await.unwrap()).sign(b"message")
        };
        let first = code("core", "a").await;
        assert_eq!(first, code("core", "a").await);
        assert_ne!(first, code("core", "b").await);
        assert_ne!(first, code("gate", "a").await);
        let again = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let kept = SignatureKey::Own(again.ring::<Mac>("core", "a").await.unwrap());
        assert!(kept.verify(b"message", &first), "the key outlives the host");
        assert!(!kept.verify(b"massage", &first) && !kept.verify(b"message", &first[..31]));
    }
}

#[tokio::test]
async fn a_key_does_not_open_in_the_place_of_another_or_under_another_master_key() {
    for store in test_store::all().await {
        let keyring = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        keyring.ring::<Mac>("core", "a").await.unwrap();
        let (sealed,): (String,) = sqlx::query_as("SELECT sealed FROM host_key WHERE component = 'core'")
            .fetch_one(&store.pool)
            .await
            .unwrap();
        assert!(sealed.len() > 60);
        // Whoever can write to the store makes core's key out as gate's.
        sqlx::query("UPDATE host_key SET component = 'gate' WHERE component = 'core'")
            .execute(&store.pool)
            .await
            .unwrap();
        let stolen = keyring.ring::<Mac>("gate", "a").await.map(drop);
        assert!(matches!(stolen, Err(KeyError::Unsealable { .. })), "{stolen:?}");
        let stranger = Keyring::open(store.pool.clone(), master(2)).await.map(drop);
        assert!(matches!(stranger, Err(KeyError::Unsealable { .. })), "{stranger:?}");
    }
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_the_old_one_verifies_on_every_host() {
    for store in test_store::all().await {
        let here = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let there = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let before = here.ring::<SigningKey>("gate", "").await.unwrap();
        let stale = there.ring::<SigningKey>("gate", "").await.unwrap();
        let old = tokens::sign(&before, "{}", 60, now()).unwrap();

        here.rotate_tokens("gate").await.unwrap();
        let after = here.ring::<SigningKey>("gate", "").await.unwrap();
        assert_ne!(after.newest().id, before.newest().id);
        let new = tokens::sign(&after, "{}", 60, now()).unwrap();
        assert!(tokens::verify(&after, &old, now()).is_ok());
        assert_eq!(tokens::public_keys(&after, now()).matches("\"kid\"").count(), 2);

        // The other host has not heard of it, looks once, and then knows.
        assert_eq!(tokens::verify(&stale, &new, now()), Err(tokens::Refused::UnknownKey));
        let first = crate::telemetry::clock::now_micros();
        let look = async |ring: &keyring::Ring<SigningKey>, at| there.recheck_at(at, ring, "gate", "").await.unwrap();
        let fresh = look(&stale, first).await.unwrap();
        assert!(tokens::verify(&fresh, &new, now()).is_ok() && tokens::verify(&fresh, &old, now()).is_ok());
        for ring in [&stale, &fresh] {
            assert!(look(ring, first + 999_999).await.is_none(), "a moment later it does not look again");
            assert!(look(ring, first + 1_000_000).await.is_some(), "after a second it does");
        }

        // Longer than any of its tokens lives, and it is out of use.
        let retired = now() + i64::from(MAXIMAL_LIFETIME) + 3601;
        assert_eq!(tokens::public_keys(&after, retired).matches("\"kid\"").count(), 1);
        assert_eq!(tokens::verify(&after, &old, retired), Err(tokens::Refused::UnknownKey));
    }
}

#[tokio::test]
async fn a_rotated_signature_key_verifies_for_its_overlap() {
    for store in test_store::all().await {
        let keyring = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let old = SignatureKey::Own(keyring.ring("core", "a").await.unwrap()).sign(b"m");
        keyring.rotate_signatures("core", "a", None).await.unwrap();
        let key = SignatureKey::Own(keyring.ring("core", "a").await.unwrap());
        assert_ne!(key.sign(b"m"), old);
        assert!(key.verify(b"m", &old));
        keyring.rotate_signatures("core", "a", Some(Duration::ZERO)).await.unwrap();
        let key = SignatureKey::Own(keyring.ring("core", "a").await.unwrap());
        assert!(!key.verify(b"m", &old));
    }
}

#[tokio::test]
async fn a_component_can_not_fill_the_store_with_keys() {
    for store in test_store::all().await {
        let keyring = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        for bad in ["", "A", "a b", "a/b", "ключ", &"a".repeat(65)] {
            assert!(matches!(keyring.ring::<Mac>("core", bad).await, Err(KeyError::InvalidName(_))), "{bad:?}");
        }
        for number in 0..64 {
            keyring.ring::<Mac>("core", &format!("key-{number}")).await.unwrap();
        }
        assert!(matches!(keyring.ring::<Mac>("core", "one-more").await, Err(KeyError::TooMany)));
        assert!(keyring.ring::<Mac>("core", "key-7").await.is_ok());
        assert!(keyring.ring::<SigningKey>("core", "").await.is_ok());
        assert!(keyring.ring::<Mac>("gate", "one-more").await.is_ok());
    }
}

#[tokio::test]
async fn keys_in_memory_serve_while_the_store_is_away() {
    for store in test_store::all().await {
        let keyring = Keyring::open(store.pool.clone(), master(1)).await.unwrap();
        let ring = keyring.ring::<SigningKey>("gate", "").await.unwrap();
        let token = tokens::sign(&ring, "{}", 60, now()).unwrap();
        store.pool.close().await;
        let ring = keyring.ring::<SigningKey>("gate", "").await.unwrap();
        assert!(tokens::verify(&ring, &token, now()).is_ok());
        assert!(matches!(keyring.ring::<SigningKey>("core", "").await, Err(KeyError::Store(_))));
    }
}
