//! The switch of languages.

use std::time::Duration;

use datamp_sdk::cookies::SameSite;
use datamp_sdk::{Form, SetCookie};
use serde::Deserialize;

use super::{local, see};
use crate::access::{Answer, Refusal, Visit, transport};
use crate::i18n::{Language, choice};

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Deserialize)]
pub(crate) struct Choice {
    language: String,
    #[serde(default)]
    back: String,
}

/// `POST /admin/language`
pub(crate) fn choose(_: &Visit, Form(choice): Form<Choice>) -> Answer {
    let language = Language::of_tag(&choice.language).ok_or_else(Refusal::not_found)?;
    let cookie = SetCookie::new(choice::COOKIE, language.tag())
        .path("/admin")
        .max_age(A_YEAR)
        .secure(transport().secure)
        .same_site(SameSite::Lax);
    Ok(see(local(&choice.back)).cookie(cookie))
}
