//! What a guest writes to its standard output and error becomes log records, line by line.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::ComponentContext;
use crate::telemetry::logs::{Level, Record};

/// A line longer than this is cut into several records.
const LINE: usize = 8 << 10;

/// One output stream of one instance.
#[derive(Clone)]
pub(super) struct GuestOutput {
    component: Arc<ComponentContext>,
    level: Level,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestOutput {
    pub(super) fn stdout(component: Arc<ComponentContext>) -> Self {
        Self { component, level: Level::Info, line: Arc::default() }
    }

    pub(super) fn stderr(component: Arc<ComponentContext>) -> Self {
        Self { component, level: Level::Warn, line: Arc::default() }
    }

    fn log(&self, line: &[u8]) {
        let logs = &self.component.capabilities.platform.logs;
        if logs.enabled(self.level) {
            let message = String::from_utf8_lossy(line).into_owned();
            let record = Record::new(self.level, Arc::clone(&self.component.name), message)
                .of_generation(self.component.manifest.version.to_string(), self.component.generation);
            logs.write(record);
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for &byte in bytes {
            if byte == b'\n' || line.len() >= LINE {
                self.log(&line);
                line.clear();
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
    }
}

impl Drop for GuestOutput {
    fn drop(&mut self) {
        // The last handle of the stream: what stands there without a line break is a line too.
        if let Some(line) = Arc::get_mut(&mut self.line) {
            let line = line.get_mut().unwrap_or_else(PoisonError::into_inner);
            if !line.is_empty() {
                let line = std::mem::take(line);
                self.log(&line);
            }
        }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
