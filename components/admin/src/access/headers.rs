//! What browsers are told about every answer of the panel.

use datamp_sdk::Response;

/// No script and no style but the panel's own files, no frame, no form to elsewhere (CSP level 3, Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types datamp-fragment";

/// The rest, the same for all.
const ALWAYS: [(&str, &str); 8] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not `no-referrer`, which would make browsers send forms with `Origin: null`.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-robots-tag", "noindex, nofollow"),
];

/// Adds the security headers. What says nothing about caching is never stored; `secure` says that the panel is reached by https.
pub(crate) fn protect(response: Response, secure: bool) -> Response {
    let storable = response.header_value("cache-control").is_some();
    let response = ALWAYS.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    let response = if storable { response } else { response.header("cache-control", "no-store") };
    if secure { response.header("strict-transport-security", "max-age=31536000") } else { response }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_never_stored_and_run_no_inline_script() {
        let page = protect(Response::new(200), false);
        assert_eq!(page.header_value("cache-control"), Some("no-store"));
        let policy = page.header_value("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        assert_eq!(page.header_value("strict-transport-security"), None);
    }

    #[test]
    fn assets_keep_their_caching_and_https_is_kept_to() {
        let asset = protect(Response::new(200).header("cache-control", "max-age=5"), true);
        assert_eq!(asset.headers().iter().filter(|(name, _)| name == "cache-control").count(), 1);
        assert_eq!(asset.header_value("strict-transport-security"), Some("max-age=31536000"));
    }
}
