//! The panel's own files: a style sheet, a script, an icon. They are inside the component and need nothing from elsewhere.

use datamp_sdk::{Path, Problem, Query, Response};
use serde::Deserialize;

use crate::access::guarded;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    /// Changes with the text, so that a browser can keep it for ever under this address.
    version: u64,
}

const fn asset(name: &'static str, content_type: &'static str, text: &'static str) -> Asset {
    Asset { name, content_type, text, version: fnv1a(text.as_bytes()) }
}

const STYLES: &str = concat!(
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/frame.css"),
    include_str!("../../assets/css/parts.css"),
    include_str!("../../assets/css/narrow.css"),
);

static ASSETS: [Asset; 3] = [
    asset("admin.css", "text/css; charset=utf-8", STYLES),
    asset("admin.js", "text/javascript; charset=utf-8", include_str!("../../assets/admin.js")),
    asset("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// FNV-1a, 64 bits: it tells versions apart, and protects nothing.
#[allow(clippy::indexing_slicing, reason = "an iterator can't be used in a constant")]
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut place = 0;
    while place < bytes.len() {
        hash = (hash ^ bytes[place] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        place += 1;
    }
    hash
}

/// Where an asset is: `/admin/assets/admin.css?v=…`.
pub(super) fn address(name: &str) -> String {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => format!("/admin/assets/{name}?v={:016x}", asset.version),
        None => String::new(),
    }
}

#[derive(Deserialize)]
pub(crate) struct Version {
    v: Option<String>,
}

/// `GET /admin/assets/{file}`
pub(crate) fn serve(Path(file): Path<String>, Query(asked): Query<Version>) -> Result<Response, Problem> {
    let asset =
        ASSETS.iter().find(|asset| asset.name == file).ok_or_else(|| Problem::not_found("There is no such file."))?;
    // Another version answers during a swap: what it serves must not be kept under this one's address.
    let current = asked.v.as_deref() == Some(format!("{:016x}", asset.version).as_str());
    let caching = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let response = Response::new(200).header("content-type", asset.content_type).header("cache-control", caching);
    Ok(guarded(response.body(asset.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_changes_with_the_file() {
        assert_ne!(fnv1a(b"a"), fnv1a(b"b"));
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert!(address("admin.css").starts_with("/admin/assets/admin.css?v="));
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for asset in &ASSETS {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"), "{}", asset.name);
        }
    }
}
