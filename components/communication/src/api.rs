//! HTTP for client applications, which may be anybody: `/communication/v1`.
//!
//! An answer depends on what was asked from this network and for this recipient before, and on nothing that any service knows of
//! the address.

use datamp_models::communication::{ClientNetwork, EmailAddress, Language};
use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::verification::{self, Asker, CheckError, StartError, Tried};

const LONGEST_SUBJECT: usize = 200;

pub(crate) fn routes(router: &mut Router) {
    router.post("/communication/v1/email-verifications", start);
    router.post("/communication/v1/email-verifications/{id}/check", check);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewVerification {
    /// What the application calls the person: at most 200 bytes.
    subject: Option<String>,
    email: String,
    language: Language,
}

#[derive(Serialize)]
struct StartedVerification {
    id: String,
    expires_at: Timestamp,
    resend_at: Timestamp,
}

/// 202: the letter is on its way.
fn start(
    ClientAddress(client): ClientAddress,
    Json(new): Json<NewVerification>,
) -> Result<(u16, Json<StartedVerification>), Problem> {
    let mut problem = Problem::unprocessable("A code can't be sent there.");
    if new.subject.as_ref().is_some_and(|subject| subject.is_empty() || subject.len() > LONGEST_SUBJECT) {
        problem = problem.field("subject", "must have 1 to 200 bytes");
        return Err(problem);
    }
    let address: EmailAddress = match new.email.parse() {
        Ok(address) => address,
        Err(error) => return Err(problem.field("email", format!("{error}"))),
    };
    let network = ClientNetwork::of(&client);
    let asker = Asker::Client { subject: new.subject.as_deref(), network: &network };
    match verification::start(asker, &address, new.language) {
        Ok(started) => Ok((
            202,
            Json(StartedVerification { id: started.id, expires_at: started.expires_at, resend_at: started.resend_at }),
        )),
        Err(StartError::InvalidAddress(words)) => Err(problem.field("email", words)),
        Err(StartError::TooMany(seconds)) => Err(Problem::too_many_requests(u64::from(seconds))),
        Err(StartError::Unavailable(_)) => Err(Problem::unavailable("The code could not be sent. Try again.")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    code: String,
}

#[derive(Serialize)]
struct Verified {
    id: String,
    subject: Option<String>,
    email: String,
    verified_at: Timestamp,
}

/// 200: the address is the person's.
fn check(Path(id): Path<String>, Json(attempt): Json<Attempt>) -> Result<Json<Verified>, Problem> {
    match verification::check(Tried::OfClient(&id), &attempt.code) {
        Ok(proof) => Ok(Json(Verified {
            id: proof.id,
            subject: proof.subject,
            email: proof.address,
            verified_at: proof.verified_at,
        })),
        Err(CheckError::NotFound) => {
            Err(Problem::not_found("There is no such code, or it has expired, or it was used."))
        }
        Err(CheckError::WrongCode(left)) => Err(Problem::new(422, "wrong-code", "The code is wrong")
            .field("code", "is not the one in the letter")
            .with("attempts_left", left)),
        Err(CheckError::NoAttemptsLeft) => {
            Err(Problem::new(409, "no-attempts-left", "The code was tried too often").detail("Ask for a new one."))
        }
        Err(CheckError::Unavailable(_)) => Err(Problem::unavailable("The code could not be checked. Try again.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What needs no platform: everything that is refused before a code is made.
    fn post(path: &str, body: &str) -> (u16, String) {
        let mut router = Router::new();
        routes(&mut router);
        let answer = router.handle(&Request::new(Method::Post, path).with_body("application/json", body));
        (answer.status(), answer.text().into_owned())
    }

    #[test]
    fn what_is_no_address_is_refused_and_the_field_is_named() {
        let (status, body) = post("/communication/v1/email-verifications", r#"{"email": "anna", "language": "ru"}"#);
        assert_eq!(status, 422);
        assert!(body.contains(r#""field":"email""#), "{body}");
    }

    #[test]
    fn a_subject_is_bounded() {
        for subject in [String::new(), "s".repeat(201)] {
            let body = format!(r#"{{"subject": "{subject}", "email": "anna@example.com", "language": "en"}}"#);
            let (status, body) = post("/communication/v1/email-verifications", &body);
            assert_eq!(status, 422);
            assert!(body.contains(r#""field":"subject""#), "{body}");
        }
    }

    #[test]
    fn a_language_that_no_letter_is_written_in_is_refused() {
        let (status, body) =
            post("/communication/v1/email-verifications", r#"{"email": "anna@example.com", "language": "de"}"#);
        assert_eq!(status, 422);
        assert!(body.contains(r#""field":"language""#), "{body}");
    }

    #[test]
    fn what_is_no_id_is_not_found() {
        let (status, _) = post("/communication/v1/email-verifications/ver_x/check", r#"{"code": "123456"}"#);
        assert_eq!(status, 404);
    }
}
