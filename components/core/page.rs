//! The page that shows the API's document: plain HTML without scripts, made when core is built.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The words around the document, in one language. The document itself is in English.
pub(crate) struct Words {
    pub(crate) code: &'static str,
    other: (&'static str, &'static str),
    version: &'static str,
    document: &'static str,
    operations: &'static str,
    types: &'static str,
    parameters: &'static str,
    body: &'static str,
    answer: &'static str,
    problems: &'static str,
    example: &'static str,
    required: &'static str,
    deprecated: &'static str,
    no_body: &'static str,
}

/// English.
pub(crate) const ENGLISH: Words = Words {
    code: "en",
    other: ("ru", "По-русски"),
    version: "version",
    document: "OpenAPI document",
    operations: "Operations",
    types: "Types",
    parameters: "Parameters",
    body: "Body of the request",
    answer: "Answer",
    problems: "Problems",
    example: "Example",
    required: "required",
    deprecated: "deprecated",
    no_body: "no body",
};

/// Russian.
pub(crate) const RUSSIAN: Words = Words {
    code: "ru",
    other: ("en", "In English"),
    version: "версия",
    document: "Документ OpenAPI",
    operations: "Операции",
    types: "Типы",
    parameters: "Параметры",
    body: "Тело запроса",
    answer: "Ответ",
    problems: "Ошибки",
    example: "Пример",
    required: "обязательно",
    deprecated: "устарело",
    no_body: "без тела",
};

/// A method, a path, and what the document says of them.
type Operation = (String, String, Value);

struct Page<'a> {
    document: &'a Value,
    words: &'a Words,
    html: String,
}

/// The page.
pub(crate) fn page(document: &Value, words: &Words) -> String {
    let mut page = Page { document, words, html: String::new() };
    page.whole();
    page.html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The document's texts are CommonMark.
fn prose(markdown: &str) -> String {
    let mut html = String::new();
    // What looks like HTML in a text is text.
    let events = pulldown_cmark::Parser::new(markdown).map(|event| match event {
        pulldown_cmark::Event::Html(text) | pulldown_cmark::Event::InlineHtml(text) => {
            pulldown_cmark::Event::Text(text)
        }
        other => other,
    });
    pulldown_cmark::html::push_html(&mut html, events);
    html
}

impl Page<'_> {
    fn add(&mut self, html: &str) {
        self.html.push_str(html);
        self.html.push('\n');
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let referred = value.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        referred.and_then(|name| self.document.pointer(name)).unwrap_or(value)
    }

    /// Methods, paths and operations, in the order of tags.
    fn operations(&self) -> Vec<(String, Vec<Operation>)> {
        let of_tag = |tag: &str| {
            let mut found = Vec::new();
            for (path, item) in members(self.document.get("paths")) {
                for (method, operation) in members(Some(item)) {
                    if operation.pointer("/tags/0").is_some_and(|first| first == tag) {
                        found.push((method.to_uppercase(), path.clone(), operation.clone()));
                    }
                }
            }
            found
        };
        let tags = self.document["tags"].as_array().into_iter().flatten();
        tags.map(|tag| (text(tag, "name").to_owned(), of_tag(text(tag, "name")))).collect()
    }

    fn whole(&mut self) {
        let (info, words) = (&self.document["info"], self.words);
        let (title, version) = (escaped(text(info, "title")), escaped(text(info, "version")));
        let about = prose(text(info, "description"));
        let (other, other_name) = words.other;
        self.add(&format!(
            "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} {version}</title>\n\
             <link rel=\"stylesheet\" href=\"/core/v1/docs/style.css\">\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
             <p>{of} {version} · <a href=\"/core/v1/openapi.json\">{document}</a> · \
             <a href=\"?lang={other}\" lang=\"{other}\" hreflang=\"{other}\">{other_name}</a></p>\n</header>",
            code = words.code,
            of = words.version,
            document = words.document,
        ));
        let operations = self.operations();
        self.add(&format!("<nav aria-label=\"{0}\">\n<h2>{0}</h2>", words.operations));
        for (tag, operations) in &operations {
            self.add(&format!("<h3>{}</h3>\n<ul>", escaped(tag)));
            for (method, _, operation) in operations {
                let (id, summary) = (text(operation, "operationId"), escaped(text(operation, "summary")));
                self.add(&format!("<li><a href=\"#{id}\"><b class=\"{method}\">{method}</b> {summary}</a></li>"));
            }
            self.add("</ul>");
        }
        self.add(&format!("<p><a href=\"#types\">{}</a></p>\n</nav>\n<main lang=\"en\">\n{about}", words.types));
        for (tag, operations) in &operations {
            let tags = self.document["tags"].as_array().into_iter().flatten();
            let about = tags.filter(|one| text(one, "name") == tag).map(|one| text(one, "description")).next();
            self.add(&format!("<h2>{}</h2>\n{}", escaped(tag), prose(about.unwrap_or_default())));
            for (method, path, operation) in operations {
                self.operation(method, path, operation);
            }
        }
        self.types();
        self.add("</main>\n</body>\n</html>");
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Value) {
        let words = self.words;
        let (id, summary) = (text(operation, "operationId"), escaped(text(operation, "summary")));
        let deprecated = operation.get("deprecated").is_some_and(|it| it == true);
        let mark = if deprecated { format!(" <mark>{}</mark>", words.deprecated) } else { String::new() };
        self.add(&format!(
            "<section id=\"{id}\">\n<h3>{summary}{mark}</h3>\n<p class=\"path\"><b class=\"{method}\">{method}</b> \
             <code>{}</code></p>\n{}",
            escaped(path),
            prose(text(operation, "description"))
        ));
        let parameters: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.is_empty() {
            self.add(&format!("<h4>{}</h4>\n<table>", words.parameters));
            for parameter in &parameters {
                let required = parameter["required"] == true;
                let (name, place) = (escaped(text(parameter, "name")), text(parameter, "in"));
                let name = format!("<code>{name}</code> <small>{place}</small>");
                self.row(&name, required, &parameter["schema"], text(parameter, "description"));
            }
            self.add("</table>");
        }
        for (content_type, content) in members(operation.pointer("/requestBody/content")) {
            let kind = self.kind(&content["schema"]);
            self.add(&format!("<h4>{}</h4>\n<p>{kind} <small>{}</small></p>", words.body, escaped(content_type)));
            let schema = self.resolved(&content["schema"]).clone();
            self.fields(&schema);
        }
        let curl = self.curl(method, path, operation, &parameters);
        self.add(&format!("<h4>{}</h4>\n<pre><code>{}</code></pre>", words.example, escaped(&curl)));
        let mut problems = String::new();
        for (status, answer) in members(operation.get("responses")) {
            let answer = self.resolved(answer).clone();
            if status.starts_with('2') || status.starts_with('3') {
                self.add(&format!("<h4>{} {status}</h4>\n{}", words.answer, prose(text(&answer, "description"))));
                if answer.get("content").is_none() {
                    self.add(&format!("<p><small>{}</small></p>", words.no_body));
                }
                for (content_type, content) in members(answer.get("content")) {
                    let kind = self.kind(&content["schema"]);
                    self.add(&format!("<p>{kind} <small>{}</small></p>", escaped(content_type)));
                    let shown = json!(self.example(&content["schema"], 0));
                    self.add(&format!("<pre><code>{}</code></pre>", escaped(&format!("{shown:#}"))));
                }
            } else {
                let _ = writeln!(problems, "<dt>{status}</dt><dd>{}</dd>", prose(text(&answer, "description")));
            }
        }
        self.add(&format!(
            "<details><summary>{}</summary>\n<dl>\n{problems}</dl></details>\n</section>",
            words.problems
        ));
    }

    fn row(&mut self, name: &str, required: bool, schema: &Value, description: &str) {
        let mark = if required { format!(" <em>{}</em>", self.words.required) } else { String::new() };
        let kind = self.kind(schema);
        self.add(&format!("<tr><th scope=\"row\">{name}{mark}</th><td>{kind}{}</td></tr>", prose(description)));
    }

    fn fields(&mut self, schema: &Value) {
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if schema.get("properties").is_none() {
            return;
        }
        self.add("<table>");
        for (name, property) in members(schema.get("properties")) {
            let shown = format!("<code>{}</code>", escaped(name));
            self.row(&shown, required.contains(name.as_str()), property, text(property, "description"));
        }
        self.add("</table>");
    }

    /// What a value is, in a few words, with a link to its type.
    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
            return format!("<a href=\"#type-{name}\">{name}</a>");
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return choices.iter().map(|one| self.kind(one)).collect::<Vec<_>>().join(" | ");
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(name) => name.as_str().into_iter().collect(),
            None => vec!["any"],
        };
        let mut kind = names.join(" | ");
        if let Some(items) = schema.get("items") {
            let _ = write!(kind, " of {}", self.kind(items));
        }
        for (name, sign) in
            [("format", ""), ("minimum", "≥ "), ("maximum", "≤ "), ("maxLength", "≤ "), ("x-longest", "1 – ")]
        {
            if let Some(value) = schema.get(name) {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let _ = write!(kind, ", {sign}{}", escaped(&value));
            }
        }
        if let Some(value) = schema.get("default") {
            let _ = write!(kind, ", = {}", escaped(&value.to_string()));
        }
        format!("<code class=\"kind\">{kind}</code>")
            .replace("<a ", "</code><a ")
            .replace("</a>", "</a><code class=\"kind\">")
    }

    /// A value that fits, from the examples in the schema.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let said = self.resolved(schema);
        let from_examples = [schema, said].into_iter().find_map(|one| one.pointer("/examples/0"));
        if let Some(example) = from_examples.or_else(|| said.get("const")).or_else(|| said.pointer("/enum/0")) {
            return example.clone();
        }
        if depth > 8 {
            return Value::Null;
        }
        if let Some(choice) = said.pointer("/anyOf/0") {
            return self.example(choice, depth + 1);
        }
        let kind = said.pointer("/type/0").or_else(|| said.get("type")).and_then(Value::as_str);
        match kind {
            Some("object") => {
                let fields = members(said.get("properties"));
                fields.map(|(name, property)| (name.clone(), self.example(property, depth + 1))).collect()
            }
            Some("array") => {
                said.get("items").map_or_else(|| json!([]), |items| json!([self.example(items, depth + 1)]))
            }
            Some("integer" | "number") => said.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            Some("boolean") => json!(false),
            _ => json!("…"),
        }
    }

    fn curl(&self, method: &str, path: &str, operation: &Value, parameters: &[Value]) -> String {
        let shown = |schema: &Value| {
            let example = self.example(schema, 0);
            example.as_str().map_or_else(|| example.to_string(), str::to_owned)
        };
        let mut url = format!("https://HOST{path}");
        let mut lines = Vec::new();
        for scheme in operation["security"].as_array().into_iter().flatten().flat_map(|way| members(Some(way))) {
            let Some(scheme) = self.document.pointer(&format!("/components/securitySchemes/{}", scheme.0)) else {
                continue;
            };
            lines.push(match text(scheme, "type") {
                "http" => "-H 'Authorization: Bearer dmp_live_…'".to_owned(),
                _ => format!("-H '{}: …'", text(scheme, "name")),
            });
        }
        for parameter in parameters {
            let (name, value) = (text(parameter, "name"), shown(&parameter["schema"]));
            match text(parameter, "in") {
                "path" => url = url.replace(&format!("{{{name}}}"), &value),
                "header" => lines.push(format!("-H '{name}: {value}'")),
                _ => {}
            }
        }
        for (content_type, content) in members(operation.pointer("/requestBody/content")) {
            lines.push(format!("-H 'Content-Type: {content_type}'"));
            lines.push(format!("-d '{}'", self.example(&content["schema"], 0)));
        }
        let method = if method == "GET" { String::new() } else { format!("-X {method} ") };
        lines.insert(0, format!("curl {method}{url}"));
        lines.join(" \\\n  ")
    }

    fn types(&mut self) {
        self.add(&format!("<h2 id=\"types\">{}</h2>", self.words.types));
        let schemas = self.document.pointer("/components/schemas").cloned().unwrap_or_default();
        for (name, schema) in members(Some(&schemas)) {
            let kind = self.kind(schema);
            let description = prose(text(schema, "description"));
            self.add(&format!("<section id=\"type-{name}\">\n<h3>{name}</h3>\n<p>{kind}</p>\n{description}"));
            let values: Vec<String> =
                schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(escaped).collect();
            if !values.is_empty() {
                self.add(&format!("<p class=\"values\"><code>{}</code></p>", values.join("</code> <code>")));
            }
            self.fields(schema);
            self.add("</section>");
        }
    }
}
