//! The expressions of a template, as `[concat(parameters('a'), '/b')]` is one.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions>.

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Text(String),
    Number(i64),
    Call(String, Vec<Expression>),
    /// A property of an object by its name, or an item of a list by its number.
    Member(Box<Expression>, Box<Expression>),
}

/// How deep calls may be nested, so that a hostile file does not exhaust the stack.
const DEPTH: usize = 64;

/// Parses what is between the outer brackets.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: text, depth: 0 };
    let parsed = parser.expression()?;
    parser.skip_blanks();
    if parser.rest.is_empty() { Ok(parsed) } else { Err(format!("the expression cannot be parsed from {:?} on", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether this is next; it is consumed then.
    fn next_is(&mut self, token: char) -> bool {
        self.skip_blanks();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn need(&mut self, token: char) -> Result<(), String> {
        if self.next_is(token) { Ok(()) } else { Err(format!("the expression has no {token} before {:?}", self.rest)) }
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let mut parsed = self.primary()?;
        loop {
            let member = if self.next_is('.') {
                Expression::Text(self.name()?)
            } else if self.next_is('[') {
                let member = self.expression()?;
                self.need(']')?;
                member
            } else {
                break;
            };
            parsed = Expression::Member(Box::new(parsed), Box::new(member));
        }
        self.depth -= 1;
        Ok(parsed)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        self.skip_blanks();
        if self.rest.starts_with('\'') {
            return self.text();
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return self.number();
        }
        let name = self.name()?;
        self.need('(')?;
        let mut arguments = Vec::new();
        while !self.next_is(')') {
            if !arguments.is_empty() {
                self.need(',')?;
            }
            arguments.push(self.expression()?);
        }
        Ok(Expression::Call(name, arguments))
    }

    /// A text in apostrophes; two of them are one.
    fn text(&mut self) -> Result<Expression, String> {
        let mut text = String::new();
        loop {
            let (part, rest) = self.rest[1..].split_once('\'').ok_or("the expression has an unterminated string")?;
            text += part;
            if !rest.starts_with('\'') {
                self.rest = rest;
                return Ok(Expression::Text(text));
            }
            text.push('\'');
            self.rest = rest;
        }
    }

    fn number(&mut self) -> Result<Expression, String> {
        let end = self.rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(self.rest.len(), |at| at + 1);
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().map(Expression::Number).map_err(|_| format!("the expression has {digits:?}, which is not a number"))
    }

    fn name(&mut self) -> Result<String, String> {
        self.skip_blanks();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if end == 0 {
            return Err(format!("the expression has no name before {:?}", self.rest));
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_parsed() {
        let text = |text: &str| Expression::Text(text.to_owned());
        let call = |name: &str, arguments: &[Expression]| Expression::Call(name.to_owned(), arguments.to_vec());
        let member = |of: Expression, member: Expression| Expression::Member(Box::new(of), Box::new(member));
        let a = || call("parameters", &[text("a")]);
        #[rustfmt::skip]
        let table = [
            ("parameters('a')",              Some(a())),
            (" concat( parameters('a') , '/b' ) ", Some(call("concat", &[a(), text("/b")]))),
            ("'it''s'",                      Some(text("it's"))),
            ("''",                           Some(text(""))),
            ("parameters('a').b['c'][0]",    Some(member(member(member(a(), text("b")), text("c")), Expression::Number(0)))),
            ("-12",                          Some(Expression::Number(-12))),
            ("null()",                       Some(call("null", &[]))),
            ("parameters('a'",               None),
            ("parameters('a)",               None),
            ("parameters('a') b",            None),
            ("parameters",                   None),
            ("-",                            None),
            ("",                             None),
        ];
        for (words, wanted) in table {
            let parsed = parse(words);
            assert_eq!(parsed.as_ref().ok(), wanted.as_ref(), "{words}: {parsed:?}");
        }
        assert!(parse(&"f(".repeat(10_000)).is_err_and(|why| why.contains("nested too deeply")));
    }
}
