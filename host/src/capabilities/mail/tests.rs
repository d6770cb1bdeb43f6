//! The mailer against a server in this process, and the local mailbox on real stores.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::{MailError, MailSettings, MailSettingsError, Mailer, Message};
use crate::{capabilities::crypto::test_store, rounds::Rounds};

fn message(to: &str) -> Message {
    Message {
        to: to.to_owned(),
        subject: "Код подтверждения".to_owned(),
        text: "123456\n.\nthe end".to_owned(),
        html: Some("<b>123456</b>".to_owned()),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// What a server says to a command; what is not named is taken.
type Script = fn(&str) -> Option<&'static str>;

/// An SMTP server that follows a script. Answers its port and the messages it took, with their recipients.
async fn smtp_server(script: Script) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let messages = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, script, Arc::clone(&messages)));
        }
    });
    (port, taken)
}

async fn converse(stream: TcpStream, script: Script, messages: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.test ESMTP\r\n").await?;
    let (mut line, mut message, mut in_message) = (String::new(), String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if in_message && line != ".\r\n" {
            message.push_str(&line);
            continue;
        }
        let command = if in_message { "END" } else { line.trim_end() };
        let mut reply = script(command).unwrap_or(match command {
            "DATA" => "354 go on",
            _ => "250 fine",
        });
        if reply == "stall" {
            tokio::time::sleep(Duration::from_secs(3)).await;
            reply = "250 at last";
        }
        if command.starts_with("RCPT") {
            message = format!("{command}\n");
        }
        if in_message && reply.starts_with('2') {
            messages.lock().unwrap().push(std::mem::take(&mut message));
        }
        in_message = reply.starts_with("354");
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

async fn mailer(url: &str) -> Mailer {
    let store = test_store::sqlite().await;
    let settings =
        MailSettings { smtp_url: Some(url.to_owned()), from: Some("DataMP <no-reply@datamp.test>".to_owned()) };
    Mailer::new(&settings, store.pool).unwrap()
}

#[tokio::test]
async fn a_message_reaches_the_server_whole() {
    let (port, taken) = smtp_server(|_| None).await;
    let mailer = mailer(&format!("smtp://127.0.0.1:{port}")).await;
    let id = mailer.send("communication", message("a@example.com"), soon()).await.unwrap();
    mailer.send("communication", message("b@example.com"), soon()).await.unwrap();
    let taken = taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 2);
    let sent = &taken[0];
    for part in [
        "RCPT TO:<a@example.com>",
        "From: DataMP <no-reply@datamp.test>\r\n",
        "To: a@example.com\r\n",
        &format!("Message-ID: <{id}@datamp.test>\r\n"),
        "Content-Type: multipart/alternative",
        "Date: ",
        "<b>123456</b>",
        "\r\n..\r\nthe end",
    ] {
        assert!(sent.contains(part), "{part:?} in {sent}");
    }
    assert!(!sent.contains("Код"), "the subject is encoded");
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_told_from_what_may_be_tried_again() {
    let cases: [(Script, MailError); 6] = [
        (
            |c| c.starts_with("RCPT").then_some("550 5.1.1 no such user secret-words"),
            MailError::Rejected("the mail server refused it: 550".to_owned()),
        ),
        (
            |c| (c == "END").then_some("554 looks like spam"),
            MailError::Rejected("the mail server refused it: 554".to_owned()),
        ),
        (
            |c| c.starts_with("RCPT").then_some("450 mailbox busy"),
            MailError::Unavailable("the mail server can't take it now: 450".to_owned()),
        ),
        (
            |c| c.starts_with("MAIL").then_some("421 closing down"),
            MailError::Unavailable("the mail server can't take it now: 421".to_owned()),
        ),
        (
            |c| c.starts_with("MAIL").then_some("530 authenticate first"),
            MailError::Unavailable("the mail server does not let the host in".to_owned()),
        ),
        (
            |c| c.starts_with("EHLO").then_some("gibberish"),
            MailError::Unavailable("the mail server could not be reached".to_owned()),
        ),
    ];
    for (script, expected) in cases {
        let (port, taken) = smtp_server(script).await;
        let refused =
            mailer(&format!("smtp://127.0.0.1:{port}")).await.send("c", message("a@example.com"), soon()).await;
        assert_eq!(refused, Err(expected));
        assert!(taken.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = mailer(&format!("smtp://127.0.0.1:{closed}")).await.send("c", message("a@example.com"), soon()).await;
    assert_eq!(refused, Err(MailError::Unavailable("the mail server could not be reached".to_owned())));
}

#[tokio::test]
async fn a_deadline_in_the_middle_of_a_message_does_not_mix_it_with_the_next() {
    let (port, taken) = smtp_server(|c| (c == "END").then_some("stall")).await;
    let mailer = mailer(&format!("smtp://127.0.0.1:{port}")).await;
    let rounds = Rounds::begin();
    loop {
        let start = Instant::now();
        let late = mailer.send("c", message("a@example.com"), start + Duration::from_millis(300)).await;
        assert_eq!(late, Err(MailError::Unavailable("the message was not taken in time".to_owned())));
        if rounds.quick(start.elapsed(), Duration::from_secs(2)) {
            break;
        }
    }
    mailer.send("c", message("b@example.com"), soon()).await.unwrap();
    let taken = taken.lock().unwrap();
    assert!(taken.iter().any(|sent| sent.starts_with("RCPT TO:<b@example.com>")), "{taken:?}");
    for sent in taken.iter() {
        assert_eq!(sent.matches("RCPT TO").count(), 1, "{sent}");
        assert_eq!(sent.matches("Message-ID").count(), 1, "{sent}");
    }
}

#[tokio::test]
async fn settings_that_can_not_work_are_refused_without_telling_the_password() {
    let store = test_store::sqlite().await;
    let new = |url: &str, from: Option<&str>| {
        let settings = MailSettings { smtp_url: Some(url.to_owned()), from: from.map(str::to_owned) };
        Mailer::new(&settings, store.pool.clone()).map(drop)
    };
    assert!(new("smtps://user:hunter2@mail.test", Some("a@example.com")).is_ok());
    assert!(matches!(new("smtps://user:hunter2@mail.test", None), Err(MailSettingsError::From)));
    assert!(matches!(new("smtps://user:hunter2@mail.test", Some("nobody")), Err(MailSettingsError::From)));
    for url in ["", "mail.test", "http://user:hunter2@mail.test", "smtp://user:hunter2@mail.test?tls=maybe"] {
        let error = new(url, Some("a@example.com")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn without_a_server_mail_waits_in_the_mailbox_newest_first() {
    for store in test_store::all().await {
        let mailer = Mailer::new(&MailSettings::default(), store.pool.clone()).unwrap();
        let mut ids = Vec::new();
        for to in ["a@example.com", "B@Example.com", "a@example.com"] {
            ids.push(mailer.send("communication", message(to), soon()).await.unwrap());
        }
        let all = mailer.mailbox().recent(None, 10).await.unwrap();
        ids.reverse();
        assert_eq!(all.iter().map(|mail| &mail.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
        assert_eq!(all[0].component, "communication");
        assert_eq!(all[0].message.text, "123456\n.\nthe end");
        assert_eq!(all[0].message.html.as_deref(), Some("<b>123456</b>"));
        assert_eq!(mailer.mailbox().recent(Some("A@example.com"), 10).await.unwrap().len(), 2);
        assert_eq!(mailer.mailbox().recent(Some("b@example.com"), 10).await.unwrap().len(), 1);
        assert_eq!(mailer.mailbox().recent(None, 1).await.unwrap()[0].id, ids[0]);
        let bad = mailer.send("c", message("nobody"), soon()).await;
        assert!(matches!(bad, Err(MailError::InvalidAddress(_))));
        assert_eq!(mailer.mailbox().recent(None, u32::MAX).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn the_mailbox_keeps_the_newest_ten_thousand() {
    for store in test_store::all().await {
        let old = "INSERT INTO host_mail (id, component, recipient, subject, body_text, sent_at) \
                   WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500) \
                   SELECT 'mail_0' || (100000 + i), 'c', 'a@example.com', '', '', i FROM n";
        sqlx::raw_sql(old).execute(&store.pool).await.unwrap();
        let mailer = Mailer::new(&MailSettings::default(), store.pool.clone()).unwrap();
        mailer.send("c", message("a@example.com"), soon()).await.unwrap();
        let (count, oldest): (i64, i64) =
            sqlx::query_as("SELECT CAST(COUNT(*) AS BIGINT), CAST(MIN(sent_at) AS BIGINT) FROM host_mail")
                .fetch_one(&store.pool)
                .await
                .unwrap();
        assert_eq!((count, oldest), (10_000, 502));
    }
}
