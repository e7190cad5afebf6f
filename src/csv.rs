//! Comma-separated values (RFC 4180), as lists of others come: quoted fields, line breaks within them, a byte order mark.

/// The rows of a text. Nothing is refused: a quote without its end takes the rest of the text.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut row = Vec::new();
        loop {
            let (field, end, after) = field(rest);
            row.push(field);
            rest = after;
            if end {
                return Some(row);
            }
        }
    })
}

/// The first field, whether the row ends with it, and what follows.
fn field(text: &str) -> (String, bool, &str) {
    let mut value = String::new();
    let mut rest = text;
    if let Some(inside) = text.strip_prefix('"') {
        rest = inside;
        loop {
            let Some(at) = rest.find('"') else {
                value.push_str(rest);
                return (value, true, "");
            };
            value.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            match rest.strip_prefix('"') {
                Some(more) => {
                    value.push('"');
                    rest = more;
                }
                None => break,
            }
        }
    }
    let at = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
    value.push_str(&rest[..at]);
    let after = &rest[at..];
    match after.strip_prefix(',') {
        Some(after) => (value, false, after),
        None => (value, true, after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn fields_are_told_apart() {
        for (text, want) in [
            ("a,b\nc,d", vec![vec!["a", "b"], vec!["c", "d"]]),
            ("\u{feff}a,\"b, \"\"c\"\"\nd\"\r\n,", vec![vec!["a", "b, \"c\"\nd"], vec!["", ""]]),
            ("\"open", vec![vec!["open"]]),
            ("", vec![]),
            ("ä,ö\n", vec![vec!["ä", "ö"]]),
        ] {
            assert_eq!(rows(text).collect::<Vec<_>>(), want, "{text}");
        }
    }
}
