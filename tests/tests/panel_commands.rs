//! Commands of components run from the panel: step by step to their end, refused, asked for again, and never without a record.

use datamp_tests::{
    case::Database,
    component::built,
    host::Host,
    http::{Answer, Outgoing},
    panel::{Form, Member, between},
    shop::platform_settings,
};

struct Panel {
    host: Host,
    admin: Member,
}

impl Panel {
    async fn open(database: Database) -> Self {
        let host = platform_settings(database).component(built("case_operated")).start().await;
        let admin = Member::first(&host).await;
        Self { host, admin }
    }

    /// The first step of a command.
    async fn run(&self, member: &Member, command: &str, arguments: &[(&str, &str)]) -> Answer {
        member.submit(&self.host, "/admin/components/operated/commands", &path(command), arguments).await
    }

    /// The step that a page asks for.
    async fn go_on(&self, page: &str, command: &str, changed: &[(&str, &str)]) -> Answer {
        self.next(page, changed).send(&self.host, &path(command)).await
    }

    /// The form of a page's next step, with some of its fields changed.
    fn next(&self, page: &str, changed: &[(&str, &str)]) -> Form {
        let form = between(page, "data-run-next>", "</form>");
        let mut fields: Vec<(String, String)> = form
            .split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|input| (input.split('"').next().unwrap().to_owned(), between(input, "value=\"", "\"")))
            .map(|(name, value)| (name, value.replace("&#34;", "\"")))
            .collect();
        for (name, value) in changed {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.admin.filled(fields)
    }

    /// The records of commands in the audit, the newest first.
    async fn records(&self) -> Vec<String> {
        let page = self.admin.get(&self.host, "/admin/audit").await.expect(200).text();
        page.split("<tr data-action=\"command.run\">")
            .skip(1)
            .map(|row| row.split("</tr>").next().unwrap().to_owned())
            .collect()
    }
}

fn path(command: &str) -> String {
    format!("/admin/components/operated/commands/{command}")
}

fn lines(page: &str) -> String {
    let output = between(page, "data-run-lines", "</pre>");
    output.split_once('>').unwrap().1.trim_end().to_owned()
}

on_both! {
    a_command_goes_on_to_its_end as a_command_goes_on_to_its_end_on_sqlite, a_command_goes_on_to_its_end_on_postgresql;
    no_step_is_without_its_beginning as no_step_is_without_its_beginning_on_sqlite, no_step_is_without_its_beginning_on_postgresql;
}

async fn a_command_goes_on_to_its_end(database: Database) {
    let panel = Panel::open(database).await;
    let component = panel.admin.get(&panel.host, "/admin/components/operated").await.expect(200).text();
    assert!(component.contains("href=\"/admin/components/operated/commands\""), "{component}");
    let list = panel.admin.get(&panel.host, "/admin/components/operated/commands").await.expect(200).text();
    assert!(list.contains(&path("count")) && list.contains("Counts, one number in each step"), "{list}");
    let form = panel.admin.get(&panel.host, &path("count")).await.expect(200).text();
    assert!(form.contains("name=\"argument-to\"") && form.contains("The last number"), "{form}");

    let arguments = [("argument-to", "3"), ("argument-from", ""), ("argument-fail-at", "")];
    let mut page = panel.run(&panel.admin, "count", &arguments).await.expect(200).text();
    assert!(panel.records().await[0].contains("outcome unknown"), "it has begun");
    let mut told = vec![lines(&page)];
    while page.contains("data-run-next") {
        assert!(page.contains("Running") && page.contains("max=\"3\""), "{page}");
        page = panel.go_on(&page, "count", &[]).await.expect(200).text();
        told.push(lines(&page));
    }
    assert_eq!(told, ["1", "2", "3\nby generations 1"]);
    assert!(page.contains("Done"), "{page}");

    let records = panel.records().await;
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    assert!(record.contains("Command run") && record.contains(">count<") && record.contains("to=3"), "{record}");
    assert!(record.contains("href=\"/admin/components/operated\"") && !record.contains("outcome unknown"), "{record}");
}

async fn no_step_is_without_its_beginning(database: Database) {
    let panel = Panel::open(database).await;
    let first = panel.run(&panel.admin, "count", &[("argument-to", "5")]).await.expect(200).text();
    let other = panel.run(&panel.admin, "count", &[("argument-to", "6")]).await.expect(200).text();
    let started = |page: &str| between(page, "name=\"started\" value=\"", "\"");

    // Another command's beginning, other arguments, none at all, or one of nobody.
    let (others, nobodys) = (started(&other), "audit_01h455vb4pex5vsknk084sn02q".to_owned());
    for (name, value) in [
        ("started", others.as_str()),
        ("started", &nobodys),
        ("started", ""),
        ("argument-to", "1000"),
        ("argument-from", "2"),
    ] {
        panel.go_on(&first, "count", &[(name, value)]).await.expect(409);
    }
    panel.go_on(&first, "whoami", &[]).await.expect(409);

    // Another administrator's.
    let boris = panel.admin.add(&panel.host, "boris", "admin").await;
    let his = panel.run(&boris, "count", &[("argument-to", "5")]).await.expect(200).text();
    panel.go_on(&first, "count", &[("started", &started(&his))]).await.expect(409);

    // A page that was left open goes on, until the command has ended.
    let mut page = first.clone();
    while page.contains("data-run-next") {
        page = panel.go_on(&page, "count", &[]).await.expect(200).text();
    }
    panel.go_on(&first, "count", &[]).await.expect(409);

    let manager = panel.admin.add(&panel.host, "mary", "manager").await;
    for hidden in ["/admin/components/operated/commands", &path("count")] {
        manager.get(&panel.host, hidden).await.expect(403);
    }
    manager.submit(&panel.host, "/admin", &path("whoami"), &[]).await.expect(403);
    let unfinished = panel.records().await.iter().filter(|record| record.contains("outcome unknown")).count();
    assert_eq!(unfinished, 2, "what the others began and left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_run_says_why() {
    let panel = Panel::open(Database::Sqlite).await;
    let (host, admin) = (&panel.host, &panel.admin);

    let missing = panel.run(admin, "count", &[]).await.expect(422).text();
    assert!(missing.contains("aria-invalid=\"true\""), "{missing}");
    let wrong =
        panel.run(admin, "count", &[("argument-to", "<many>"), ("argument-from", "2")]).await.expect(422).text();
    assert!(
        wrong.contains("value=\"&#60;many&#62;\"") && wrong.contains("name=\"argument-from\" value=\"2\""),
        "{wrong}"
    );
    let unknown =
        panel.run(admin, "count", &[("argument-to", "1"), ("argument-colour", "red")]).await.expect(422).text();
    assert!(unknown.contains("colour"), "{unknown}");
    let record = panel.records().await.remove(0);
    assert!(record.contains("refused") && record.contains("colour"), "{record}");

    panel.run(admin, "nothing", &[]).await.expect(404);
    admin.get(host, &path("nothing")).await.expect(404);
    admin.get(host, "/admin/components/nothing/commands").await.expect(404);
    let none = admin.get(host, "/admin/components/gate/commands").await.expect(200).text();
    assert!(none.contains("This component has no commands."), "{none}");
    let long = "x".repeat(128 << 10);
    panel.run(admin, "count", &[("argument-to", &long)]).await.expect(422);
    // One cookie and one form do not make a run: the token of the session has to be there too.
    let without = Outgoing::new("POST", &path("whoami")).header("content-type", "application/x-www-form-urlencoded");
    let answer = host.send(without.body("state=")).await;
    assert!([303, 403].contains(&answer.status.as_u16()), "{}", answer.status);

    let failed = panel.run(admin, "count", &[("argument-to", "3"), ("argument-fail-at", "1")]).await.expect(200).text();
    assert!(failed.contains("1 is too much") && !failed.contains("data-run-next"), "{failed}");

    // What can't be done now, and what broke, may be asked for again.
    for (command, status) in [("busy", 503), ("trap", 502), ("chatter", 502), ("hang", 502)] {
        let page = panel.run(admin, command, &[]).await.expect(status).text();
        assert!(page.contains("data-run-next") && !page.contains("name=\"state\""), "{page}");
        panel.go_on(&page, command, &[]).await.expect(status);
    }
    let page = panel.run(admin, "count", &[("argument-to", "2")]).await.expect(200).text();
    panel.go_on(&page, "count", &[("state", "no JSON")]).await.expect(422);
    panel.go_on(&page, "count", &[("state", "\"no number\"")]).await.expect(409);

    let page = panel.run(admin, "forget", &[]).await.expect(200).text();
    panel.go_on(&page, "forget", &[]).await.expect(409);
}
