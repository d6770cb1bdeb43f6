//! Deferred work in the panel: what is dead is seen by all staff, and given its life again by administrators.

use datamp_tests::{case::Database, component::built, host::Host, panel::Member, shop::platform_settings, wait::until};
use serde_json::json;

async fn publish(host: &Host, payload: &str) {
    let event = json!({"topic": "deferred.tests", "payload": payload, "end": "commit"});
    host.post("/deferred/publish", &event).await.expect(200);
}

async fn letters(host: &Host, member: &Member, address: &str) -> Vec<String> {
    let page = member.get(host, address).await.expect(200).text();
    page.split("<tr data-letter=\"").skip(1).map(|row| row.split('"').next().unwrap().to_owned()).collect()
}

async fn dead(host: &Host, member: &Member, count: usize) -> Vec<String> {
    until("dead letters are on the page", || async {
        let letters = letters(host, member, "/admin/deferred").await;
        (letters.len() == count).then_some(letters)
    })
    .await
}

on_both! {
    dead_letters_are_replayed as dead_letters_are_replayed_on_sqlite, dead_letters_are_replayed_on_postgresql;
}

async fn dead_letters_are_replayed(database: Database) {
    let host = platform_settings(database).component(built("case_deferred")).start().await;
    let admin = Member::first(&host).await;
    let sam = admin.add(&host, "sam", "support").await;
    for payload in ["rejected", "rejected", "rejected"] {
        publish(&host, payload).await;
    }
    let all = dead(&host, &admin, 3).await;

    // Whoever supports shops sees them, and no way to replay them.
    let page = sam.get(&host, "/admin/deferred?kind=event&state=dead&component=deferred").await.expect(200).text();
    assert!(page.contains(&all[0]) && !page.contains("/admin/deferred/replay"), "{page}");
    let one = [("kind", "event"), ("id", all[0].as_str())];
    sam.submit(&host, "/admin/deferred", "/admin/deferred/replay", &one).await.expect(403);
    assert_eq!(letters(&host, &admin, "/admin/deferred").await, all);

    // It is rejected again, by its receiver: it is the same letter, once more.
    let answer = admin.submit(&host, "/admin/deferred", "/admin/deferred/replay", &one).await.expect(303);
    assert_eq!(answer.headers["location"], "/admin/deferred?kind=event&state=dead");
    let page = admin.get(&host, "/admin/deferred").await.expect(200).text();
    assert!(page.contains("Replayed: 1."), "{page}");
    dead(&host, &admin, 3).await;

    let whole = [("kind", "event"), ("component", "deferred")];
    admin.submit(&host, "/admin/deferred", "/admin/deferred/replay", &whole).await.expect(303);
    let audit = admin.get(&host, "/admin/audit").await.expect(200).text();
    let records: Vec<_> = audit.split("<tr data-action=\"work.replay\">").skip(1).collect();
    assert_eq!(records.len(), 2, "{audit}");
    assert!(records[0].contains("deferred") && !records[0].contains("outcome unknown"), "{}", records[0]);
    assert!(records[1].contains(&all[0]), "{}", records[1]);
    dead(&host, &admin, 3).await;

    // Of the other kind, of another component, or gone, there is nothing.
    for nothing in [
        [("kind", "job"), ("id", all[0].as_str())],
        [("kind", "event"), ("id", "gone")],
        [("kind", "event"), ("component", "core")],
    ] {
        admin.submit(&host, "/admin/deferred", "/admin/deferred/replay", &nothing).await.expect(303);
        let page = admin.get(&host, "/admin/deferred").await.expect(200).text();
        assert!(page.contains("Nothing was replayed"), "{page}");
    }
    let schedules = admin.get(&host, "/admin/deferred?component=core").await.expect(200).text();
    assert!(schedules.contains("data-schedule=\"expire-holds\"") && schedules.contains("* * * * *"), "{schedules}");
}
