//! `datamp run core verify`.

use std::time::{Duration, Instant};

use datamp_models::core::AccountId;
use datamp_sdk::operator::{Call, Command, CommandError, Step};
use serde::{Deserialize, Serialize};

use super::audit::{Audit, Counts, Part};
use super::store;
use crate::ledger::chain::Hash;

/// How long a step works, in a deadline of ten seconds: short enough to be stopped, long enough to be worth a call.
const STEP: Duration = Duration::from_millis(700);

/// How it is called, and what it takes.
pub fn command() -> Command {
    Command::new("verify", "Checks the ledger: every chain, balance and hold, and that all accounts come to nothing")
        .optional("account", "Only this account, by its id")
        .optional("head", "With an account: a head that its chain had once, which has to be in it still")
}

/// What goes from step to step.
#[derive(Serialize, Deserialize)]
struct State {
    audit: Audit,
    /// How many accounts there were in the beginning.
    total: u64,
}

/// One step.
pub fn verify(call: &Call) -> Result<Step, CommandError> {
    let mut state = match call.state()? {
        Some(state) => state,
        None => begin(call)?,
    };
    let began = Instant::now();
    let part = state.audit.go_on(&store::Tables, || began.elapsed() >= STEP)?;
    let counts = state.audit.counts();
    let step = if part.has_ended { end(&state.audit, &part) } else { Step::more(&state)?.lines(faults(&part)) };
    // Accounts may have been opened meanwhile.
    let total = state.total.max(counts.accounts);
    Ok(step.progress(counts.accounts, total, format!("accounts, {} entries", counts.entries)))
}

fn begin(call: &Call) -> Result<State, CommandError> {
    let head = call.argument("head").map(|text| {
        Hash::parse(text).ok_or_else(|| CommandError::argument("head", "must be 64 digits of lower-case hex"))
    });
    let head = head.transpose()?;
    let account: Option<AccountId> = call.parse("account")?;
    match (account, head) {
        (Some(id), head) => {
            if store::account(id.as_str())?.is_none() {
                return Err(CommandError::argument("account", format!("there is no account {id}")));
            }
            Ok(State { audit: Audit::of_account(id.as_str(), head), total: 1 })
        }
        (None, Some(_)) => Err(CommandError::argument("head", "is of one account, which has to be given, too")),
        (None, None) => Ok(State { audit: Audit::of_all(), total: store::count()? }),
    }
}

fn faults(part: &Part) -> impl Iterator<Item = String> {
    part.faults.iter().map(|fault| format!("fault: {fault}"))
}

/// All that there is to tell at the end.
fn end(audit: &Audit, part: &Part) -> Step {
    let Counts { accounts, entries, unsealed, faults: found } = audit.counts();
    let step = match found {
        0 => Step::done(),
        1 => Step::failed("the ledger is not sound: 1 fault"),
        _ => Step::failed(format!("the ledger is not sound: {found} faults")),
    };
    let mut step = step
        .lines(faults(part))
        .line(format!("accounts: {accounts}"))
        .line(format!("entries: {entries}, a transfer being one in each of its two accounts"))
        .line(format!("entries without a hash: {unsealed}"));
    for sums in &part.sums {
        step = step.line(format!("{}: all accounts together {}, pending {}", sums.currency, sums.posted, sums.pending));
    }
    if let Some(heads) = audit.heads() {
        step = step.line(format!("digest of heads: {heads}"));
    }
    if found == 0 { step.line("sound") } else { step }
}
