//! Where a request stands in a distributed trace: W3C Trace Context, level 1
//! (<https://www.w3.org/TR/trace-context-1/>).

use std::{fmt, ops::Deref};

use rand::RngExt;

/// ASCII text of a fixed length, without an allocation.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        // It holds hexadecimal digits and hyphens, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// The id of a whole trace. Never zero.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> Text<32> {
        let mut text = [0; 32];
        write_hex(&self.0, &mut text);
        Text(text)
    }

    /// The id that 32 lower-case hexadecimal digits say.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        read_hex(hex.as_bytes()).map(Self)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A position in a trace: the trace, the span that works now, and whether whoever began it recorded it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceContext {
    trace: TraceId,
    span: [u8; 8],
    sampled: bool,
}

impl TraceContext {
    /// The beginning of a new trace.
    #[must_use]
    pub fn generate() -> Self {
        Self { trace: TraceId(random()), span: random(), sampled: true }
    }

    /// A new span of the same trace, below this one.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span: random(), ..self }
    }

    /// The position that a `traceparent` header says, by section 3.2 of the recommendation; `None` if it is malformed,
    /// and then a new trace is to be begun. Of a later version than 00 the fields that 00 knows are taken.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let (head, more) = bytes.split_at_checked(55)?;
        let mut parts = head.split(|&b| b == b'-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = read_digits::<1>(version)?;
        let [flags] = read_digits::<1>(flags)?;
        let tail = match version {
            0xff => return None,
            0 => more.is_empty(),
            _ => more.first().is_none_or(|&b| b == b'-'),
        };
        if !tail || parts.next().is_some() {
            return None;
        }
        Some(Self { trace: TraceId(read_hex(trace)?), span: read_hex(span)?, sampled: flags & 1 == 1 })
    }

    /// The header's value, `00-<trace>-<span>-<flags>`.
    #[must_use]
    pub fn traceparent(self) -> Text<55> {
        let mut text = *b"00-................................-................-00";
        if let Some(trace) = text.get_mut(3..35) {
            write_hex(&self.trace.0, trace);
        }
        if let Some(span) = text.get_mut(36..52) {
            write_hex(&self.span, span);
        }
        if self.sampled
            && let Some(flag) = text.last_mut()
        {
            *flag = b'1';
        }
        Text(text)
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace_id(self) -> TraceId {
        self.trace
    }

    /// The trace it belongs to, as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id_hex(self) -> Text<32> {
        self.trace.hex()
    }
}

/// Random bytes that are not all zero, which would be no id.
fn random<const N: usize>() -> [u8; N] {
    let mut rng = rand::rng();
    loop {
        let mut bytes = [0; N];
        rng.fill(&mut bytes);
        if bytes != [0; N] {
            return bytes;
        }
    }
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// An id: hexadecimal digits in lower case that are not all zero.
fn read_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    read_digits(text).filter(|bytes| *bytes != [0; N])
}

fn read_digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn what_is_a_traceparent_and_what_is_not() {
        let accepted = [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "01"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "00"),
            // Flags that version 00 does not know are not passed on.
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", "01"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", "00"),
            // A later version may say more, after a hyphen.
            ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "01"),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings", "01"),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", "01"),
        ];
        for (text, flags) in accepted {
            let context = TraceContext::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(&*context.trace_id_hex(), TRACE);
            assert_eq!(&*context.traceparent(), format!("00-{TRACE}-00f067aa0ba902b7-{flags}"));
        }
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.extra",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-001",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e47\u{e9}-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent = TraceContext::generate();
        let child = parent.child();
        assert_eq!(parent.trace_id(), child.trace_id());
        assert_ne!(parent.traceparent(), child.traceparent());
        assert_ne!(parent.trace_id(), TraceContext::generate().trace_id());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(trace: [u8; 16], span: [u8; 8], sampled: bool) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let context = TraceContext { trace: TraceId(trace), span, sampled };
            prop_assert_eq!(TraceContext::parse(&context.traceparent()), Some(context));
            prop_assert_eq!(TraceId::parse(&context.trace_id_hex()), Some(context.trace_id()));
            prop_assert_eq!(context.trace_id_hex().to_string(), hex::encode(trace));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String, hexlike in "[0-9a-f-]{50,60}") {
            let _ = TraceContext::parse(&text);
            if let Some(context) = TraceContext::parse(&hexlike) {
                prop_assert_eq!(&context.traceparent()[3..52], &hexlike[3..52]);
            }
        }
    }
}
