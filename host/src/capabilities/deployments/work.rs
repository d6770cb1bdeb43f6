//! Deferred work of all components, for the one that operators work with.

use super::{WitError, wit_work as wit};
use crate::{
    engine::InstanceState,
    work::{Kind, Letter, LetterFilter, LetterState, ScheduleRow},
};

impl wit::Host for InstanceState {
    async fn letters(
        &mut self,
        kind: wit::Kind,
        filter: wit::Filter,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<wit::Letter>, WitError>> {
        let wit::Filter { component, name, dead } = filter;
        let filter = LetterFilter { component, name, dead, limit: Some(limit), after, without_payload: true };
        self.with_control(async |control| {
            let letters = control.platform().work.letters(kind.into(), &filter).await?;
            Ok(letters.into_iter().map(wit::Letter::from).collect())
        })
        .await
    }

    async fn replay(&mut self, kind: wit::Kind, which: wit::Which) -> wasmtime::Result<Result<u64, WitError>> {
        let (component, name, id) = match which {
            wit::Which::One(id) => (String::new(), String::new(), id),
            wit::Which::AllOf((component, name)) => (component, name.unwrap_or_default(), String::new()),
        };
        if component.is_empty() && id.is_empty() {
            return Ok(Err(WitError::Refused("it is not said which dead letters: a component or an id".to_owned())));
        }
        self.with_control(async |control| {
            Ok(control.platform().work.replay(kind.into(), &component, &name, &id).await?)
        })
        .await
    }

    async fn schedules(&mut self) -> wasmtime::Result<Result<Vec<wit::Schedule>, WitError>> {
        self.with_control(async |control| {
            let schedules = control.platform().work.schedules().await?;
            Ok(schedules.into_iter().map(wit::Schedule::from).collect())
        })
        .await
    }
}

impl From<wit::Kind> for Kind {
    fn from(kind: wit::Kind) -> Self {
        match kind {
            wit::Kind::Event => Self::Event,
            wit::Kind::Job => Self::Job,
        }
    }
}

impl From<Letter> for wit::Letter {
    fn from(letter: Letter) -> Self {
        Self {
            id: letter.id,
            component: letter.component,
            name: letter.name,
            key: letter.key,
            origin: letter.origin,
            state: match letter.state {
                LetterState::Waiting => wit::LetterState::Waiting,
                LetterState::Working => wit::LetterState::Working,
                LetterState::Dead => wit::LetterState::Dead,
            },
            created_at: letter.created_at,
            due_at: letter.due_at,
            attempts: letter.attempts,
            last_error: letter.last_error,
            dead_at: letter.dead_at,
        }
    }
}

impl From<ScheduleRow> for wit::Schedule {
    fn from(row: ScheduleRow) -> Self {
        Self { component: row.component, name: row.name, cron: row.cron, next_at: row.next_at }
    }
}
