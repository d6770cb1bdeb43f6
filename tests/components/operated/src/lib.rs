//! Has commands for operators, and limits: see `tests/tests/operator.rs`.

use std::time::Duration;

use datamp_sdk::{
    config, environment,
    limits::{self, Quota},
    operator::{Call, Command, CommandError, Commands, Step},
    prelude::*,
};
use serde::{Deserialize, Serialize};

datamp_sdk::service!("component.toml", routes, commands = commands);

fn routes(router: &mut Router) {
    router.get("/operated/greeting", || config::get("greeting").unwrap_or_default()).get("/operated/take", take);
}

#[derive(Deserialize)]
struct Take {
    key: String,
    limit: u32,
    period: u32,
    cost: u32,
}

fn take(Query(wish): Query<Take>) -> Result<Json<String>, Problem> {
    match limits::take(&wish.key, Quota::new(wish.limit, wish.period), wish.cost) {
        Ok(decision) => Ok(Json(format!(
            "{} {} {}",
            decision.allowed,
            decision.remaining,
            decision.retry_after.map_or_else(|| "-".to_owned(), |wait| wait.as_millis().to_string())
        ))),
        Err(error) => Err(Problem::unprocessable(error.to_string())),
    }
}

fn commands(commands: &mut Commands) {
    commands
        .add(
            Command::new("count", "Counts, one number in each step")
                .required("to", "The last number")
                .default("from", "1", "The first number")
                .optional("fail-at", "The number at which it fails"),
            count,
        )
        .add(Command::new("whoami", "Tells who runs it"), |call| Ok(Step::done().line(call.operator())))
        .add(Command::new("trap", "Traps"), |_| {
            #[allow(clippy::panic, reason = "it is to trap")]
            {
                panic!("as it was told to")
            }
        })
        .add(Command::new("hang", "Takes longer than its deadline"), |_| {
            std::thread::sleep(Duration::from_secs(60));
            Ok(Step::done())
        })
        .add(Command::new("busy", "Can't do it now"), |_| Err(CommandError::Unavailable("it is busy".to_owned())))
        .add(Command::new("chatter", "Tells more than a step may"), |_| {
            Ok(Step::done().lines((0..2000).map(|number| number.to_string())))
        })
        .add(Command::new("forget", "Hands over a state that it can't read"), |call: &Call| {
            call.state::<u64>()?;
            Step::more("no number")
        });
}

#[derive(Deserialize, Serialize)]
struct Counted {
    number: u64,
    generations: Vec<u64>,
}

fn count(call: &Call) -> Result<Step, CommandError> {
    let to: u64 = call.parse("to")?.unwrap_or_default();
    let first = Counted { number: call.parse("from")?.unwrap_or_default(), generations: Vec::new() };
    let mut counted = call.state::<Counted>()?.unwrap_or(first);
    counted.generations.push(environment::describe().generation);
    counted.generations.dedup();
    let number = counted.number;
    let step = if call.parse("fail-at")? == Some(number) {
        Step::failed(format!("{number} is too much"))
    } else if number >= to {
        let generations: Vec<_> = counted.generations.iter().map(u64::to_string).collect();
        Step::done().line(number.to_string()).line(format!("by generations {}", generations.join(" ")))
    } else {
        counted.number += 1;
        Step::more(&counted)?.line(number.to_string())
    };
    Ok(step.progress(number, to, "numbers"))
}
