//! The icons: 20 by 20, drawn with the text's colour, hidden from screen readers since a text stands beside each.

use super::frame::Markup;

macro_rules! icons {
    ($($name:literal => $shape:literal,)*) => {
        /// The icon of this name; an empty one where there is none.
        pub(super) fn icon(name: &str) -> Markup {
            Markup(match name {
                $($name => concat!(
                    r#"<svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.6" "#,
                    r#"stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">"#,
                    $shape,
                    "</svg>"
                ),)*
                _ => "",
            })
        }

        /// All names.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),*];
    };
}

icons! {
    "dashboard" => r#"<path d="M3 11.5 6.5 8l3 3L16 4.5"/><path d="M12 4.5h4v4"/><path d="M3 16.5h14"/>"#,
    "shops" => r#"<path d="M3.5 8 5 3.5h10L16.5 8"/><path d="M3.5 8a2.2 2.2 0 0 0 4.3 0 2.2 2.2 0 0 0 4.4 0 2.2 2.2 0 0 0 4.3 0"/><path d="M4.5 10.5v6h11v-6"/><path d="M8.5 16.5v-3.5h3v3.5"/>"#,
    "transfers" => r#"<path d="M4 7h12l-3-3"/><path d="M16 13H4l3 3"/>"#,
    "operations" => r#"<path d="M4 5.5h7M14.5 5.5H16M4 10h2M9.5 10H16M4 14.5h7M14.5 14.5H16"/><circle cx="12.7" cy="5.5" r="1.7"/><circle cx="7.7" cy="10" r="1.7"/><circle cx="12.7" cy="14.5" r="1.7"/>"#,
    "approvals" => r#"<path d="M8.5 16.5h-4v-13h9v5"/><path d="M7 7h4"/><path d="m10.8 13.8 2 2 3.7-4.3"/>"#,
    "reverse" => r#"<path d="M7.5 4.5 4 8l3.5 3.5"/><path d="M4 8h8a4 4 0 0 1 0 8H8.5"/>"#,
    "mail" => r#"<rect x="2.8" y="4.5" width="14.4" height="11" rx="1.8"/><path d="m3.2 6 6.8 5 6.8-5"/>"#,
    "components" => r#"<path d="m10 2.8 6.5 3.6v7.2L10 17.2l-6.5-3.6V6.4z"/><path d="m3.7 6.5 6.3 3.4 6.3-3.4"/><path d="M10 9.9v7.1"/>"#,
    "work" => r#"<circle cx="10" cy="10" r="7"/><path d="M10 6v4.3l2.8 1.7"/>"#,
    "audit" => r#"<path d="M5 2.8h7l3.5 3.5v10.9H5z"/><path d="M11.8 2.8v3.7h3.7"/><path d="M7.5 10h5M7.5 13.2h5"/>"#,
    "staff" => r#"<circle cx="7.5" cy="6.8" r="2.8"/><path d="M2.5 16.5c.3-3 2.2-4.6 5-4.6s4.7 1.6 5 4.6"/><path d="M13 4.3a2.7 2.7 0 0 1 0 5.1"/><path d="M14.7 12.3c1.7.6 2.6 2.1 2.8 4.2"/>"#,
    "person" => r#"<circle cx="10" cy="7" r="3.2"/><path d="M3.8 17c.4-3.6 2.8-5.4 6.2-5.4s5.8 1.8 6.2 5.4"/>"#,
    "leave" => r#"<path d="M8 3.5H4.5v13H8"/><path d="M8.5 10H17l-3-3M17 10l-3 3"/>"#,
    "menu" => r#"<path d="M3 5.5h14M3 10h14M3 14.5h14"/>"#,
    "keyboard" => r#"<rect x="2.3" y="5" width="15.4" height="10" rx="1.8"/><path d="M5.3 8.2h.01M8.4 8.2h.01M11.6 8.2h.01M14.7 8.2h.01M6.5 11.8h7"/>"#,
    "search" => r#"<circle cx="8.8" cy="8.8" r="5"/><path d="m12.6 12.6 4 4"/>"#,
    "copy" => r#"<rect x="7" y="7" width="9.5" height="9.5" rx="1.6"/><path d="M13 4.8V3.5H5A1.5 1.5 0 0 0 3.5 5v8h1.3"/>"#,
    "incoming" => r#"<path d="M14.5 5.5 5.5 14.5"/><path d="M5.5 8v6.5H12"/>"#,
    "outgoing" => r#"<path d="m5.5 14.5 9-9"/><path d="M8 5.5h6.5V12"/>"#,
    "back" => r#"<path d="M16 10H4l4-4M4 10l4 4"/>"#,
    "forward" => r#"<path d="M4 10h12l-4-4M16 10l-4 4"/>"#,
    "rollback" => r#"<path d="M4 4v4.5h4.5"/><path d="M4.3 8.3a6.3 6.3 0 1 1-.4 4.2"/>"#,
    "good" => r#"<circle cx="10" cy="10" r="7"/><path d="m6.8 10.2 2.2 2.2 4.2-4.6"/>"#,
    "warn" => r#"<path d="M10 3 2.8 16h14.4z"/><path d="M10 8v3.6M10 13.8h.01"/>"#,
    "bad" => r#"<circle cx="10" cy="10" r="7"/><path d="M10 6.3v4.4M10 13.5h.01"/>"#,
    "plus" => r#"<path d="M10 4v12M4 10h12"/>"#,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_hold_no_style_and_no_script() {
        for name in NAMES {
            let svg = icon(name).0;
            assert!(svg.ends_with("</svg>") && !svg.contains("style") && !svg.contains("<script"), "{name}");
        }
        assert_eq!(icon("nothing").0, "");
    }
}
