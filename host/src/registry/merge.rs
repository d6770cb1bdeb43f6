//! Merged calls: what many callers ask for at once is asked in one call.
//!
//! A function that takes a list and answers a list, element by element, may be called once for many callers: their lists are put
//! together, and each gets the answers to its own elements. A component that writes under a lock, or pays for each commit, then
//! does so once for all. It is *group commit* for any component; the host knows nothing of what is merged.
//!
//! There is no clock in it unless the manifest asks for one. While as many calls as `parallel` allows are under way, callers queue;
//! when one ends, the next takes all that have queued, up to `most` elements. So a caller that is alone waits for nobody, and
//! the busier the function is, the more it does at once.
//!
//! A call that traps is made again for each of its callers alone, so that only the one at fault fails. (Its transaction was rolled
//! back with its instance. What it did beyond a transaction is done again: a merged function has to know its elements by a
//! key.) One that ran out of time is not: it may have been done.
//!
//! The call is on a task of its own, and a caller that goes away changes nothing for the others. One that goes away before the
//! call began is left out.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use wasmtime::component::{
    Val,
    types::{ComponentFunc, Type},
};

use super::Generation;
use crate::{
    engine::{CallContext, CallError, pool::ExportId},
    manifest::Merge,
    telemetry::merging::MergeSeries,
    timers::Timers,
};

/// The queue of one merged function of one generation.
pub struct Merger {
    limits: Merge,
    queue: Mutex<Queue>,
    /// Somebody has queued.
    came: Notify,
    timers: Timers,
    figures: MergeSeries,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// The elements of all that wait.
    elements: usize,
    /// Calls under way.
    running: usize,
}

/// A caller that waits.
struct Waiting {
    elements: Vec<Val>,
    call: CallContext,
    since: Instant,
    answer: oneshot::Sender<Result<Vec<Val>, CallError>>,
}

/// Why a function can't be merged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotMergeable {
    /// It takes something else than one list.
    #[error("it has to take one parameter, a list")]
    Parameters,
    /// It answers something else than a list.
    #[error("it has to answer a list")]
    Results,
}

/// Whether calls of a function can be merged by its type.
///
/// # Errors
/// Why not.
pub fn check(function: &ComponentFunc) -> Result<(), NotMergeable> {
    let mut parameters = function.params().map(|(_, ty)| ty);
    if !matches!((parameters.next(), parameters.next()), (Some(Type::List(_)), None)) {
        return Err(NotMergeable::Parameters);
    }
    let mut results = function.results();
    if !matches!((results.next(), results.next()), (Some(Type::List(_)), None)) {
        return Err(NotMergeable::Results);
    }
    Ok(())
}

impl Merger {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: Merge, figures: MergeSeries) -> Self {
        Self { limits, queue: Mutex::default(), came: Notify::new(), timers: Timers::default(), figures }
    }

    /// Calls the function for one caller, together with whoever else calls it now.
    ///
    /// # Errors
    /// Every way in which a component fails; `saturated` where too many wait already.
    pub async fn call(
        self: &Arc<Self>,
        generation: &Arc<Generation>,
        export: ExportId,
        call: CallContext,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let component = generation.name();
        let ([Val::List(elements)], [result]) = (parameters, results) else {
            return Err(trapped(generation, "a merged function was called with something else than a list"));
        };
        let deadline = call.deadline;
        let late = || CallError::Deadline { component: Arc::clone(component), limit: generation.deadline() };
        let answer = self.join(generation, export, call, elements.clone())?;
        match self.timers.within(deadline, answer).await {
            Ok(Ok(answers)) => {
                *result = Val::List(answers?);
                Ok(())
            }
            Ok(Err(_)) => Err(trapped(generation, "a merged call was given up")),
            Err(_) => Err(late()),
        }
    }

    /// Queues, and begins a call where one more may run.
    fn join(
        self: &Arc<Self>,
        generation: &Arc<Generation>,
        export: ExportId,
        call: CallContext,
        elements: Vec<Val>,
    ) -> Result<oneshot::Receiver<Result<Vec<Val>, CallError>>, CallError> {
        let (answer, receiver) = oneshot::channel();
        self.figures.came();
        let since = Instant::now();
        let begins = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.elements + elements.len() > self.limits.queue && !queue.waiting.is_empty() {
                self.figures.refused();
                return Err(CallError::Saturated { component: Arc::clone(generation.name()) });
            }
            queue.elements += elements.len();
            queue.waiting.push_back(Waiting { elements, call, since, answer });
            let begins = queue.running < self.limits.parallel;
            queue.running += usize::from(begins);
            begins
        };
        self.came.notify_waiters();
        if begins {
            let (merger, generation) = (Arc::clone(self), Arc::clone(generation));
            tokio::spawn(async move {
                let mut running = Running { merger, has_ended: false };
                running.merger.run(&generation, export).await;
                running.has_ended = true;
            });
        }
        Ok(receiver)
    }

    /// Makes calls until nobody waits.
    async fn run(&self, generation: &Arc<Generation>, export: ExportId) {
        loop {
            self.gather().await;
            let Some(callers) = self.take() else { return };
            let _guard = generation.enter();
            let now = Instant::now();
            let elements = callers.iter().map(|caller| caller.elements.len()).sum();
            self.figures.made(elements, callers.iter().map(|caller| now.duration_since(caller.since)));
            serve(generation, export, callers, &self.figures).await;
        }
    }

    /// Waits for more callers, where the manifest asks for it: until the call is full, or for as long as it says.
    async fn gather(&self) {
        if self.limits.wait == Duration::ZERO {
            return;
        }
        let until = Instant::now() + self.limits.wait;
        loop {
            let mut came = std::pin::pin!(self.came.notified());
            came.as_mut().enable();
            if self.queue.lock().unwrap_or_else(PoisonError::into_inner).elements >= self.limits.most {
                return;
            }
            if self.timers.within(until, came).await.is_err() {
                return;
            }
        }
    }

    /// The next callers, with `most` elements or fewer together, but one in any case. `None` where nobody waits: the call that
    /// asked has ended then.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut callers: Vec<Waiting> = Vec::new();
        let mut elements = 0;
        while let Some(next) = queue.waiting.pop_front() {
            if !callers.is_empty() && elements + next.elements.len() > self.limits.most {
                queue.waiting.push_front(next);
                break;
            }
            queue.elements -= next.elements.len();
            // Whoever went away in the meantime asks for nothing any more.
            if !next.answer.is_closed() {
                elements += next.elements.len();
                callers.push(next);
            }
        }
        if callers.is_empty() {
            queue.running -= 1;
            None
        } else {
            Some(callers)
        }
    }
}

/// Gives a call's place back if its task ends in a panic.
struct Running {
    merger: Arc<Merger>,
    /// It has given its place back itself.
    has_ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.merger.queue.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
    }
}

/// One call for all of them; where it traps, one for each.
async fn serve(generation: &Arc<Generation>, export: ExportId, mut callers: Vec<Waiting>, figures: &MergeSeries) {
    // A list may be long and its elements deep, so it is moved and not copied.
    let counts: Vec<usize> = callers.iter().map(|caller| caller.elements.len()).collect();
    let parameters = [Val::List(callers.iter_mut().flat_map(|caller| std::mem::take(&mut caller.elements)).collect())];
    match ask(generation, export, &callers, &parameters).await {
        Ok(answers) => {
            for (caller, own) in callers.into_iter().zip(divided(answers, &counts)) {
                // A caller that went away needs no answer.
                let _ = caller.answer.send(Ok(own));
            }
        }
        Err(error) if callers.len() > 1 && is_of_an_element(&error) => {
            let [Val::List(elements)] = parameters else { return };
            for (caller, own) in callers.into_iter().zip(divided(elements, &counts)) {
                figures.repeated();
                let answer = ask(generation, export, std::slice::from_ref(&caller), &[Val::List(own)]).await;
                let _ = caller.answer.send(answer);
            }
        }
        Err(error) => {
            for caller in callers {
                let _ = caller.answer.send(Err(error.clone()));
            }
        }
    }
}

/// Lists of so many elements each, in place of the one that they were put together to.
fn divided(elements: Vec<Val>, counts: &[usize]) -> impl Iterator<Item = Vec<Val>> {
    let mut elements = elements.into_iter();
    counts.iter().map(move |count| elements.by_ref().take(*count).collect())
}

/// Whether the call failed for what one of its elements did, and had no effect.
fn is_of_an_element(error: &CallError) -> bool {
    !matches!(
        error,
        CallError::Deadline { .. }
            | CallError::Killed { .. }
            | CallError::Saturated { .. }
            | CallError::NotStarted { .. }
    )
}

/// Asks for a list of elements, the only parameter, and answers as many.
async fn ask(
    generation: &Arc<Generation>,
    export: ExportId,
    callers: &[Waiting],
    parameters: &[Val],
) -> Result<Vec<Val>, CallError> {
    let count = match parameters {
        [Val::List(elements)] => elements.len(),
        _ => 0,
    };
    let mut results = [Val::Bool(false)];
    generation.call_merged(context(generation, callers), export, parameters, &mut results).await?;
    match results {
        [Val::List(answers)] if answers.len() == count => Ok(answers),
        _ => Err(trapped(generation, "a merged function answered another number of elements than it was asked")),
    }
}

/// The merged call belongs to the first caller's trace, and waits for none of the callers' deadlines but the latest.
fn context(generation: &Generation, callers: &[Waiting]) -> CallContext {
    let most = Instant::now() + generation.deadline();
    let deadline = callers.iter().map(|caller| caller.call.deadline).max().unwrap_or(most).min(most);
    let mut waiting: Vec<Arc<str>> = Vec::new();
    for name in callers.iter().flat_map(|caller| &caller.call.callers) {
        if !waiting.contains(name) {
            waiting.push(Arc::clone(name));
        }
    }
    match callers.first() {
        Some(first) => CallContext { callers: waiting, deadline, ..first.call.clone() },
        None => CallContext::idle(deadline),
    }
}

fn trapped(generation: &Generation, reason: &str) -> CallError {
    CallError::Trapped { component: Arc::clone(generation.name()), reason: reason.to_owned() }
}
