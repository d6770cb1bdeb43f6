//! A component made from the contracts in `wit/` by wit-bindgen alone, as somebody does who wants no SDK.

wit_bindgen::generate!({
    path: ["../../../wit/http/1.0.0", "../../../wit/config/1.0.0", "../../../wit/logging/1.0.0"],
    inline: "
        package case:plain-wit;

        world plain-wit {
            import datamp:config/values@1.0.0;
            import datamp:config/environment@1.0.0;
            import datamp:logging/log@1.0.0;
            export datamp:http/handler@1.0.0;
        }
    ",
    generate_all,
});

use datamp::{
    config::{environment, values},
    logging::log,
};
use exports::datamp::http::handler::{Guest, Request, Response};

#[unsafe(link_section = "datamp:manifest")]
#[used]
static MANIFEST: [u8; include_bytes!("../component.toml").len()] = *include_bytes!("../component.toml");

struct Component;

impl Guest for Component {
    fn handle(request: Request) -> Response {
        let about = environment::describe();
        log::write(log::Level::Info, "somebody was greeted", &[("path".to_owned(), request.path.clone())]);
        let greeting = values::get("greeting").unwrap_or_default();
        let body = format!("{greeting} from {} {}, generation {}", about.component, about.version, about.generation);
        Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: body.into_bytes(),
        }
    }
}

export!(Component);
