//! `datamp:communication/verification`, as other components call it. The only place that sees what wit-bindgen makes.

use datamp_models::communication::{ClientNetwork, EmailAddress, Language};

use crate::verification::{self, Asker, CheckError, StartError, Tried};

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/communication/1.0.0",
        inline: "
            package datamp:communication-component@1.0.0;

            world component {
                export datamp:communication/verification@1.0.0;
            }
        ",
        generate_all,
    });

    #[cfg(target_arch = "wasm32")]
    use super::Contract;
    #[cfg(target_arch = "wasm32")]
    export!(Contract with_types_in self);
}

use bindings::exports::datamp::communication::verification as wit;

/// A subject of more bytes is nobody's id.
const LONGEST_SUBJECT: usize = 200;

#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "exported from a component alone"))]
struct Contract;

impl wit::Guest for Contract {
    fn start(challenge: wit::Challenge) -> Result<wit::Started, wit::StartError> {
        if challenge.subject.is_empty() || challenge.subject.len() > LONGEST_SUBJECT {
            return Err(wit::StartError::InvalidAddress("the subject takes 1 to 200 bytes".to_owned()));
        }
        let address: EmailAddress = match challenge.channel {
            wit::Channel::Email => {
                challenge.address.parse().map_err(|error| wit::StartError::InvalidAddress(format!("{error}")))?
            }
        };
        let language = match challenge.language {
            wit::Language::Russian => Language::Russian,
            wit::Language::English => Language::English,
        };
        let network = challenge.client_address.as_deref().map(ClientNetwork::of);
        let asker = Asker::Component { subject: &challenge.subject, network: network.as_ref() };
        let started = verification::start(asker, &address, language).map_err(|error| match error {
            StartError::TooMany(seconds) => wit::StartError::TooMany(seconds),
            StartError::InvalidAddress(words) => wit::StartError::InvalidAddress(words),
            StartError::Unavailable(words) => wit::StartError::Unavailable(words),
        })?;
        Ok(wit::Started {
            id: started.id,
            expires_at: started.expires_at.to_rfc3339(),
            resend_at: started.resend_at.to_rfc3339(),
        })
    }

    fn check(subject: String, channel: wit::Channel, code: String) -> Result<wit::Proof, wit::CheckError> {
        let wit::Channel::Email = channel;
        let proof = verification::check(Tried::OfSubject(&subject), &code).map_err(|error| match error {
            CheckError::NotFound => wit::CheckError::NotFound,
            CheckError::WrongCode(left) => wit::CheckError::WrongCode(left),
            CheckError::NoAttemptsLeft => wit::CheckError::NoAttemptsLeft,
            CheckError::Unavailable(words) => wit::CheckError::Unavailable(words),
        })?;
        Ok(wit::Proof { subject, channel, address: proof.address, verified_at: proof.verified_at.to_rfc3339() })
    }
}
