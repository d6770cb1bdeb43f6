//! What can be told of a statement from its words alone, before the database sees it.
//!
//! This is not what keeps components apart (the database itself does: GRANTs, or SQLite's authorizer). It keeps a component from
//! leaving its own connections in a state that its next request would trip over (`BEGIN`, `SET`, session locks ...), keeps
//! `execute` and the choice of a connection exact, and turns away what the drivers don't bear: NUL bytes, several
//! statements in one text, parameters that are not `$1`, `$2` ...

mod lexer;

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use self::lexer::{Lexer, Token};
use super::sql::{Dialect, Error};

/// The longest text of one statement, in bytes.
const LONGEST: usize = 1 << 20;

/// The most statements of a component that are remembered, and the longest, in bytes.
const REMEMBERED: usize = 256;
const LONGEST_REMEMBERED: usize = 16 << 10;

/// The statements of one component: each is inspected once. Its texts are constants of its code, as a rule; one that makes a new
/// text for each request is inspected each time.
pub(super) struct Statements {
    dialect: Dialect,
    known: RwLock<HashMap<Arc<str>, Inspected>>,
}

/// What was found in a statement.
#[derive(Clone, Copy, Debug)]
struct Inspected {
    shape: Shape,
    parameters: usize,
}

impl Statements {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, known: RwLock::default() }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Checks a statement with that many parameters, and tells what it does.
    ///
    /// # Errors
    /// `invalid-statement`, saying what is wrong with it.
    pub(super) fn inspect(&self, text: String, parameters: usize) -> Result<(Shape, Arc<str>), Error> {
        if let Some((known, inspected)) = self.known.read().get_key_value(text.as_str()) {
            return Ok((inspected.with(parameters)?, Arc::clone(known)));
        }
        let inspected = inspect(self.dialect, &text)?;
        let shape = inspected.with(parameters)?;
        let text: Arc<str> = text.into();
        if is_remembered(&text) {
            let mut known = self.known.write();
            if known.len() < REMEMBERED {
                known.insert(Arc::clone(&text), inspected);
            }
        }
        Ok((shape, text))
    }
}

/// Whether a statement is short enough for whatever is remembered of it, here and with its connections. A text for each request may
/// be of any length, and what is kept of it is none of the component's own memory.
pub(super) const fn is_remembered(text: &str) -> bool {
    text.len() <= LONGEST_REMEMBERED
}

impl Inspected {
    fn with(self, parameters: usize) -> Result<Shape, Error> {
        if self.parameters == parameters {
            Ok(self.shape)
        } else {
            let highest = self.parameters;
            Err(invalid(&format!("the statement has parameters up to ${highest}, and {parameters} were given")))
        }
    }
}

/// What a statement does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    /// Its main verb changes rows: INSERT, UPDATE, DELETE or MERGE. `execute` counts rows for these alone.
    pub(super) changes_rows: bool,
    /// It may write, by its main verb or within a `WITH` of PostgreSQL.
    pub(super) may_write: bool,
}

/// Functions of PostgreSQL whose effect outlasts the statement on its connection, or that run a text as a statement.
/// None of them could reach what the component has no right to; they would only be a trap for its next request.
const LASTING_FUNCTIONS: &[&str] = &[
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "lo_creat",
    "lo_create",
    "lo_export",
    "lo_from_bytea",
    "lo_import",
    "lo_open",
    "lo_put",
    "lo_truncate",
    "lo_truncate64",
    "lo_unlink",
    "lowrite",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_notify",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "set_config",
    "setseed",
];

fn inspect(dialect: Dialect, text: &str) -> Result<Inspected, Error> {
    if text.len() > LONGEST {
        return Err(invalid("the statement is longer than 1 MiB"));
    }
    if text.as_bytes().contains(&0) {
        return Err(invalid("the statement holds a NUL byte"));
    }
    let mut scan = Scan::default();
    for token in Lexer::new(dialect, text) {
        scan.take(dialect, token)?;
    }
    let shape = match scan.verb {
        None => return Err(invalid("the statement is empty")),
        Some(Verb::With) => return Err(invalid("the statement has a WITH and nothing after it")),
        Some(Verb::Read) => Shape { changes_rows: false, may_write: scan.writes_somewhere },
        Some(Verb::Write) => Shape { changes_rows: true, may_write: true },
    };
    Ok(Inspected { shape, parameters: scan.highest_parameter })
}

/// The first word that ends or begins a transaction in a PostgreSQL script, if there is one.
///
/// `END` is not looked for, as it also closes the body of a function; whoever runs the script sees that the transaction is
/// another one afterwards.
pub(super) fn transaction_control(script: &str) -> Option<String> {
    let mut first = true;
    for token in Lexer::new(Dialect::Postgresql, script) {
        match token {
            Token::Word(word) if first => {
                first = false;
                let upper = word.to_ascii_uppercase();
                if ["BEGIN", "START", "COMMIT", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"].contains(&upper.as_str()) {
                    return Some(upper);
                }
            }
            Token::Semicolon => first = true,
            _ => first = false,
        }
    }
    None
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    /// SELECT or VALUES.
    Read,
    /// INSERT, UPDATE, DELETE, MERGE.
    Write,
    /// WITH: the verb is the next one on the same level of parentheses.
    With,
}

#[derive(Default)]
struct Scan<'a> {
    depth: usize,
    verb: Option<Verb>,
    verb_depth: usize,
    ended: bool,
    writes_somewhere: bool,
    highest_parameter: usize,
    /// The last two words, while nothing but words came between.
    words: [Option<&'a str>; 2],
    /// The name that a `(` would make a function call of.
    callable: Option<&'a str>,
}

impl<'a> Scan<'a> {
    fn take(&mut self, dialect: Dialect, token: Token<'a>) -> Result<(), Error> {
        if self.ended && token != Token::Semicolon {
            return Err(invalid("there is more than one statement in the text"));
        }
        let callable = self.callable.take();
        if !matches!(token, Token::Word(_)) {
            self.words = [None, None];
        }
        match token {
            Token::Semicolon => self.ended = self.verb.is_some(),
            Token::Open => {
                self.depth += 1;
                if let (Dialect::Postgresql, Some(name)) = (dialect, callable) {
                    refuse_lasting(name)?;
                }
            }
            Token::Close => self.depth = self.depth.saturating_sub(1),
            Token::Quoted(name) => self.callable = Some(name),
            Token::Word(word) => self.word(dialect, word)?,
            Token::Parameter(digits) => self.parameter(digits)?,
            Token::ForeignParameter(text) => {
                return Err(invalid(&format!("parameters are written $1, $2 ..., not {text}")));
            }
            Token::EscapedIdentifier => return Err(invalid("U&\"...\" is not accepted: write the name itself")),
            Token::Other => {}
        }
        if self.verb.is_none() && matches!(token, Token::Quoted(_) | Token::Parameter(_) | Token::Other | Token::Close)
        {
            return Err(not_a_statement("it"));
        }
        Ok(())
    }

    fn word(&mut self, dialect: Dialect, word: &'a str) -> Result<(), Error> {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        let writes = is("INSERT") || is("UPDATE") || is("DELETE") || is("MERGE");
        self.writes_somewhere |= writes;
        if dialect == Dialect::Sqlite {
            self.refuse_replace(word)?;
        }
        let looking = self.verb.is_none() || (self.verb == Some(Verb::With) && self.depth == self.verb_depth);
        if looking {
            let verb = if writes {
                Some(Verb::Write)
            } else if is("SELECT") || is("VALUES") {
                Some(Verb::Read)
            } else if is("WITH") && self.verb.is_none() {
                Some(Verb::With)
            } else {
                None
            };
            match verb {
                Some(verb) => {
                    self.verb = Some(verb);
                    self.verb_depth = self.depth;
                }
                None if self.verb.is_none() => return Err(not_a_statement(&word.to_ascii_uppercase())),
                None => {}
            }
        }
        self.words = [self.words[1], Some(word)];
        self.callable = Some(word);
        Ok(())
    }

    /// `REPLACE` removes rows that stand in the way, and SQLite asks the authorizer for no right to delete them.
    fn refuse_replace(&self, word: &str) -> Result<(), Error> {
        let [before, last] = self.words;
        let is = |word: Option<&str>, keyword: &str| word.is_some_and(|w| w.eq_ignore_ascii_case(keyword));
        let or_replace =
            word.eq_ignore_ascii_case("REPLACE") && is(last, "OR") && (is(before, "INSERT") || is(before, "UPDATE"));
        let replace_into = word.eq_ignore_ascii_case("INTO") && is(last, "REPLACE");
        if or_replace || replace_into {
            return Err(invalid("REPLACE is not accepted: use ON CONFLICT ... DO UPDATE"));
        }
        Ok(())
    }

    fn parameter(&mut self, digits: &str) -> Result<(), Error> {
        let number = digits.parse::<u16>().ok().filter(|n| *n > 0 && !digits.starts_with('0'));
        let Some(number) = number else {
            return Err(invalid(&format!("there is no parameter ${digits}: they are $1 to $65535")));
        };
        self.highest_parameter = self.highest_parameter.max(usize::from(number));
        Ok(())
    }
}

fn refuse_lasting(name: &str) -> Result<(), Error> {
    let lower = name.to_ascii_lowercase();
    if LASTING_FUNCTIONS.binary_search(&lower.as_str()).is_ok() {
        return Err(invalid(&format!(
            "{lower} is not accepted: its effect outlasts the statement (of locks, use pg_advisory_xact_lock)"
        )));
    }
    Ok(())
}

fn not_a_statement(what: &str) -> Error {
    invalid(&format!(
        "a statement begins with SELECT, VALUES, INSERT, UPDATE, DELETE, MERGE or WITH, and {what} is none of them; \
         transactions are begun by `begin`, tables are made by migrations"
    ))
}

fn invalid(why: &str) -> Error {
    Error::InvalidStatement(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspect(dialect: Dialect, text: &str, parameters: usize) -> Result<Shape, Error> {
        let statements = Statements::new(dialect);
        let first = statements.inspect(text.to_owned(), parameters).map(|(shape, _)| shape);
        // What is remembered says the same.
        let again = statements.inspect(text.to_owned(), parameters).map(|(shape, _)| shape);
        assert_eq!(format!("{first:?}"), format!("{again:?}"), "{text}");
        first
    }

    fn refusal(dialect: Dialect, text: &str) -> String {
        match inspect(dialect, text, 0) {
            Err(Error::InvalidStatement(why)) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_main_verb_decides() {
        let read = Shape { changes_rows: false, may_write: false };
        let write = Shape { changes_rows: true, may_write: true };
        for (text, expected) in [
            ("SELECT 1", read),
            ("  -- note\n /* more */ select 1;", read),
            ("(SELECT 1) UNION (SELECT 2)", read),
            ("VALUES (1)", read),
            ("WITH a AS (SELECT 1) SELECT * FROM a", read),
            ("WITH RECURSIVE a(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM a) SELECT n FROM a", read),
            ("INSERT INTO t VALUES ('; SELECT')", write),
            ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", write),
            ("delete from t", write),
        ] {
            for dialect in [Dialect::Sqlite, Dialect::Postgresql] {
                assert_eq!(inspect(dialect, text, 0).unwrap(), expected, "{text}");
            }
        }
        let hidden = inspect(Dialect::Postgresql, "WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a", 0).unwrap();
        assert_eq!(hidden, Shape { changes_rows: false, may_write: true });
    }

    #[test]
    fn what_would_outlast_the_statement_is_refused() {
        for dialect in [Dialect::Sqlite, Dialect::Postgresql] {
            for text in [
                "BEGIN",
                "COMMIT",
                "ROLLBACK",
                "SAVEPOINT a",
                "SET ROLE x",
                "RESET ROLE",
                "PRAGMA query_only = 0",
                "COPY t TO STDOUT",
                "ATTACH 'x' AS y",
                "DO $$ BEGIN END $$",
                "CREATE TABLE t (a INT)",
                "LISTEN x",
                "EXPLAIN SELECT 1",
                "VACUUM",
                "",
                " ; ",
                "-- SELECT 1",
                "'SELECT'",
                "\"SELECT\" 1",
                "1",
                "$1",
            ] {
                refusal(dialect, text);
            }
            refusal(dialect, "SELECT 1; SELECT 2");
            refusal(dialect, "SELECT 1;;COMMIT");
            refusal(dialect, "SELECT '\0'");
            assert!(inspect(dialect, "SELECT 1 ; ; -- end", 0).is_ok());
        }
        for text in [
            "SELECT set_config('a', 'b', false)",
            "SELECT pg_catalog.SET_CONFIG ('a', 'b', false)",
            "SELECT \"set_config\"/**/('a', 'b', false)",
            "SELECT U&\"set\\005fconfig\"('a', 'b', false)",
            "SELECT pg_advisory_lock(1)",
        ] {
            refusal(Dialect::Postgresql, text);
        }
        assert!(inspect(Dialect::Postgresql, "SELECT pg_advisory_xact_lock(1), set_config FROM t", 0).is_ok());
    }

    #[test]
    fn replace_is_refused_where_it_deletes_and_allowed_as_a_function() {
        for text in [
            "REPLACE INTO t VALUES (1)",
            "INSERT OR REPLACE INTO t VALUES (1)",
            "insert/**/or --\n replace into t values (1)",
            "UPDATE OR REPLACE t SET a = 1",
            "WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a",
            "WITH replace AS (SELECT 1) INSERT OR REPLACE INTO t SELECT * FROM replace",
        ] {
            refusal(Dialect::Sqlite, text);
        }
        assert!(inspect(Dialect::Sqlite, "SELECT a FROM t WHERE b OR replace(a, 'x', 'y') = 'z'", 0).is_ok());
    }

    #[test]
    fn the_lasting_functions_are_in_order() {
        assert!(LASTING_FUNCTIONS.is_sorted());
    }

    #[test]
    fn parameters_are_counted_and_have_one_form() {
        assert!(inspect(Dialect::Sqlite, "SELECT $2, $1, '$3', \"$4\" -- $5", 2).is_ok());
        for (text, given) in [
            ("SELECT $1", 0),
            ("SELECT $1", 2),
            ("SELECT ?", 1),
            ("SELECT ?1", 1),
            ("SELECT :a", 1),
            ("SELECT @a", 1),
            ("SELECT $0", 0),
            ("SELECT $01", 1),
            ("SELECT $a", 1),
            ("SELECT $1a", 1),
            ("SELECT $1::x(y)", 1),
            ("SELECT $99999999999", 1),
        ] {
            assert!(inspect(Dialect::Sqlite, text, given).is_err(), "{text}");
        }
        assert!(
            inspect(Dialect::Postgresql, "SELECT $1::bigint, '{}'::jsonb ? 'a', E'\\'$9', $a$ ' $7 $a$", 1).is_ok()
        );
    }

    #[test]
    fn transaction_control_in_a_script_is_found_and_bodies_are_not_mistaken_for_it() {
        assert_eq!(transaction_control("CREATE TABLE a (b INT);\n commit; SELECT 1"), Some("COMMIT".to_owned()));
        assert_eq!(
            transaction_control("CREATE FUNCTION f() RETURNS trigger AS $x$ BEGIN; COMMIT; END $x$ LANGUAGE plpgsql;"),
            None
        );
        assert_eq!(transaction_control("INSERT INTO t VALUES ('; COMMIT')"), None);
    }
}
