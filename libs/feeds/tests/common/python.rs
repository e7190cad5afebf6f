//! The few Python expressions that the feedparser cases are written in, evaluated over a JSON value.

use serde_json::{Value, json};

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Tok {
    Name(String),
    Str(String),
    Num(f64),
    Op(&'static str),
}

/// Why an expression has no truth value here.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// A key that the view does not have.
    NoField(String),
    /// Syntax that is not read.
    Syntax(String),
}

fn lex(text: &str) -> Result<Vec<Tok>, Trouble> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<Tok> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c.is_whitespace() || c == '\\' {
            i += 1;
        } else if c == '\'' || c == '"' || ((c == 'u' || c == 'b') && matches!(chars.get(i + 1), Some('\'' | '"'))) {
            if c == 'u' || c == 'b' {
                i += 1;
            }
            let quote = chars[i];
            let triple = chars.get(i + 1) == Some(&quote) && chars.get(i + 2) == Some(&quote);
            i += if triple { 3 } else { 1 };
            let mut s = String::new();
            loop {
                let Some(&c) = chars.get(i) else { return Err(Trouble::Syntax("open string".into())) };
                if c == quote && (!triple || (chars.get(i + 1) == Some(&quote) && chars.get(i + 2) == Some(&quote))) {
                    i += if triple { 3 } else { 1 };
                    break;
                }
                if c != '\\' {
                    s.push(c);
                    i += 1;
                    continue;
                }
                let hex = |n: usize| -> Option<char> {
                    let h: String = chars.get(i + 2..i + 2 + n)?.iter().collect();
                    char::from_u32(u32::from_str_radix(&h, 16).ok()?)
                };
                let (ch, len) = match chars.get(i + 1) {
                    Some('n') => ('\n', 2),
                    Some('t') => ('\t', 2),
                    Some('r') => ('\r', 2),
                    Some('x') => (hex(2).unwrap_or('?'), 4),
                    Some('u') => (hex(4).unwrap_or('?'), 6),
                    Some('U') => (hex(8).unwrap_or('?'), 10),
                    Some('\n') => {
                        i += 2;
                        continue;
                    }
                    Some(&o) => (o, 2),
                    None => return Err(Trouble::Syntax("open string".into())),
                };
                s.push(ch);
                i += len;
            }
            // adjacent literals are one
            if let Some(Tok::Str(last)) = out.last_mut() {
                last.push_str(&s);
            } else {
                out.push(Tok::Str(s));
            }
        } else if c.is_ascii_digit() || (c == '-' && chars.get(i + 1).is_some_and(char::is_ascii_digit)) {
            let start = i;
            i += 1;
            while chars.get(i).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
                i += 1;
            }
            let s: String = chars[start..i].iter().collect();
            out.push(Tok::Num(s.parse().map_err(|_| Trouble::Syntax(s))?));
        } else if c.is_alphabetic() || c == '_' {
            let start = i;
            while chars.get(i).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                i += 1;
            }
            out.push(Tok::Name(chars[start..i].iter().collect()));
        } else {
            let ops = ["==", "!=", "[", "]", "(", ")", "{", "}", ",", ".", "+", ":"];
            let rest: String = chars[i..chars.len().min(i + 2)].iter().collect();
            let Some(op) = ops.iter().find(|o| rest.starts_with(**o)) else { return Err(Trouble::Syntax(rest)) };
            i += op.len();
            out.push(Tok::Op(op));
        }
    }
    Ok(out)
}

struct Eval<'v> {
    toks: Vec<Tok>,
    at: usize,
    view: &'v Value,
    /// What two sides of a comparison were, for the report.
    seen: String,
}

/// Evaluates an expression; with the truth value comes what was compared last.
pub fn eval(text: &str, view: &Value) -> Result<(bool, String), Trouble> {
    let mut e = Eval { toks: lex(text)?, at: 0, view, seen: String::new() };
    let value = e.or()?;
    if e.at < e.toks.len() {
        return Err(Trouble::Syntax(format!("{:?}", e.toks[e.at])));
    }
    Ok((truth(&value), e.seen))
}

fn truth(v: &Value) -> bool {
    match v {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

impl Eval<'_> {
    fn op(&mut self, op: &str) -> bool {
        let hit = matches!(self.toks.get(self.at), Some(Tok::Op(o)) if *o == op);
        self.at += usize::from(hit);
        hit
    }
    fn name(&mut self, name: &str) -> bool {
        let hit = matches!(self.toks.get(self.at), Some(Tok::Name(n)) if n == name);
        self.at += usize::from(hit);
        hit
    }
    fn or(&mut self) -> Result<Value, Trouble> {
        let mut v = self.and()?;
        while self.name("or") {
            let w = self.and()?;
            v = json!(truth(&v) || truth(&w));
        }
        Ok(v)
    }
    fn and(&mut self) -> Result<Value, Trouble> {
        let mut v = self.not()?;
        while self.name("and") {
            let w = self.not()?;
            v = json!(truth(&v) && truth(&w));
        }
        Ok(v)
    }
    fn not(&mut self) -> Result<Value, Trouble> {
        if self.name("not") {
            let v = self.not()?;
            return Ok(json!(!truth(&v)));
        }
        self.compare()
    }
    fn compare(&mut self) -> Result<Value, Trouble> {
        let mut left = self.sum()?;
        let mut all = None;
        loop {
            let (is_eq, negate) = if self.op("==") {
                (true, false)
            } else if self.op("!=") {
                (true, true)
            } else if self.name("is") {
                let n = self.name("not");
                (true, n)
            } else if self.name("in") {
                (false, false)
            } else {
                break;
            };
            let right = self.sum()?;
            let hit = if is_eq {
                crate::same(&left, &right) != negate
            } else {
                match &right {
                    Value::Object(o) => left.as_str().is_some_and(|k| o.contains_key(k)),
                    Value::String(s) => left.as_str().is_some_and(|k| s.contains(k)),
                    _ => false,
                }
            };
            if !hit {
                self.seen = format!("{left} for {right}");
            }
            all = Some(all.unwrap_or(true) && hit);
            left = right;
        }
        Ok(all.map_or(left, |b| json!(b)))
    }
    fn sum(&mut self) -> Result<Value, Trouble> {
        let mut v = self.postfix()?;
        while self.op("+") {
            let w = self.postfix()?;
            v = json!(format!("{}{}", v.as_str().unwrap_or(""), w.as_str().unwrap_or("")));
        }
        Ok(v)
    }
    fn get(&self, v: &Value, key: &str) -> Result<Value, Trouble> {
        match v {
            Value::Object(o) => o.get(key).cloned().ok_or_else(|| Trouble::NoField(key.to_owned())),
            _ => Ok(Value::Null),
        }
    }
    fn postfix(&mut self) -> Result<Value, Trouble> {
        let mut v = self.atom()?;
        loop {
            if self.op("[") {
                let key = self.or()?;
                if !self.op("]") {
                    return Err(Trouble::Syntax("]".into()));
                }
                v = match &key {
                    Value::String(k) => self.get(&v, k)?,
                    Value::Number(n) => {
                        let i = n.as_f64().unwrap_or(0.0);
                        let list = v.as_array().cloned().unwrap_or_default();
                        let at = if i < 0.0 { list.len() as f64 + i } else { i };
                        list.get(at as usize).cloned().unwrap_or(Value::Null)
                    }
                    _ => Value::Null,
                };
            } else if self.op(".") {
                let Some(Tok::Name(key)) = self.toks.get(self.at).cloned() else {
                    return Err(Trouble::Syntax(".".into()));
                };
                self.at += 1;
                if matches!(key.as_str(), "get" | "has_key" | "lower" | "startswith") && self.op("(") {
                    let arg = self.or()?;
                    while self.op(",") {
                        self.or()?;
                    }
                    self.op(")");
                    let found = self.get(&v, arg.as_str().unwrap_or(""))?;
                    v = if key == "get" { found } else { json!(!found.is_null()) };
                } else {
                    v = self.get(&v, &key)?;
                }
            } else {
                return Ok(v);
            }
        }
    }
    fn atom(&mut self) -> Result<Value, Trouble> {
        let tok = self.toks.get(self.at).cloned();
        self.at += 1;
        match tok {
            Some(Tok::Str(s)) => Ok(json!(s)),
            Some(Tok::Num(n)) => Ok(json!(n)),
            Some(Tok::Op("(")) => self.list(")"),
            Some(Tok::Op("[")) => self.list("]"),
            Some(Tok::Op("{")) => {
                let mut o = serde_json::Map::new();
                while !self.op("}") {
                    let k = self.or()?;
                    if !self.op(":") {
                        return Err(Trouble::Syntax(":".into()));
                    }
                    let v = self.or()?;
                    o.insert(k.as_str().unwrap_or("").to_owned(), v);
                    self.op(",");
                }
                Ok(Value::Object(o))
            }
            Some(Tok::Name(n)) => match n.as_str() {
                "None" => Ok(Value::Null),
                "True" => Ok(json!(true)),
                "False" => Ok(json!(false)),
                "len" | "ord" if self.op("(") => {
                    let v = self.or()?;
                    self.op(")");
                    Ok(match (n.as_str(), &v) {
                        ("ord", Value::String(s)) => json!(s.chars().next().map_or(0.0, |c| f64::from(c as u32))),
                        (_, Value::String(s)) => json!(s.chars().count() as f64),
                        (_, Value::Array(a)) => json!(a.len() as f64),
                        (_, Value::Object(o)) => json!(o.values().filter(|v| !v.is_null()).count() as f64),
                        _ => json!(0.0),
                    })
                }
                "locals" if self.op("(") => {
                    self.op(")");
                    Ok(self.view.clone())
                }
                _ => self.get(self.view, &n),
            },
            other => Err(Trouble::Syntax(format!("{other:?}"))),
        }
    }
    /// A tuple, list or an expression in brackets.
    fn list(&mut self, close: &'static str) -> Result<Value, Trouble> {
        let mut items = Vec::new();
        let mut comma = close == "]";
        while !self.op(close) {
            items.push(self.or()?);
            if self.op(",") {
                comma = true;
            } else if !self.op(close) {
                return Err(Trouble::Syntax(close.to_owned()));
            } else {
                break;
            }
        }
        Ok(if comma { Value::Array(items) } else { items.pop().unwrap_or(Value::Null) })
    }
}
