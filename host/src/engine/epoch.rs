//! The clock that guests are interrupted by: one thread that advances the epoch of every engine.

use std::{thread, time::Duration};

use wasmtime::{Engine, EngineWeak};

/// Starts the thread. It ends by itself once all engines are gone.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(engines: &[&Engine], tick: Duration) -> std::io::Result<()> {
    let engines: Vec<EngineWeak> = engines.iter().map(|engine| engine.weak()).collect();
    thread::Builder::new().name("epoch".to_owned()).spawn(move || {
        loop {
            thread::sleep(tick);
            let mut alive = false;
            for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                engine.increment_epoch();
                alive = true;
            }
            if !alive {
                return;
            }
        }
    })?;
    Ok(())
}
