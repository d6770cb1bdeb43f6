//! Writes the API's document to standard output; `cargo xtask openapi` puts it into its place.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match datamp_core::openapi::written() {
        Ok(written) => {
            print!("{written}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("the API is not described in full:\n{faults}");
            ExitCode::FAILURE
        }
    }
}
