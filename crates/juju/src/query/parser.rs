//! Expressions of queries.

use super::errors::{Expected, Fault};
use super::lexer::{Placed, Position, Token, words};

/// How deep expressions may be in each other: whoever types a query needs no more, and the stack ends.
const DEPTH_MAX: usize = 100;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) node: Node,
    pub(super) position: Position,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Name(String),
    Integer(i64),
    Decimal(f64),
    Text(String),
    Bool(bool),
    /// Parentheses with nothing in them.
    Nothing,
    Comparison(Comparison, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// `unit.name`
    Property(Box<Expression>, Box<Expression>),
    /// `config["key"]`
    Index(Box<Expression>, Box<Expression>),
    /// `len(units)`
    Call(Box<Expression>, Vec<Expression>),
    /// `unit => …; …`
    Lambda(Box<Expression>, Vec<Expression>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How many words a query may have: expressions in a row are in each other as well.
const WORDS_MAX: usize = 300;

/// How tightly words hold what is around them.
const LOWEST: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const EQUALITY: u8 = 3;
const ORDER: u8 = 4;
const CALL: u8 = 6;
const INDEX: u8 = 7;

/// Reads the expressions of a query.
pub(super) fn parse(text: &str) -> Result<Vec<Expression>, Fault> {
    let words = words(text);
    if words.len() > WORDS_MAX {
        return Err(Fault::Value(format!("query to have no more than {WORDS_MAX} words")));
    }
    let mut parser = Parser { words, at: 0, depth: 0 };
    let mut expressions = Vec::new();
    while parser.current().token != Token::End {
        if let Some(expression) = parser.expression(LOWEST)? {
            expressions.push(expression);
        }
        if parser.next().token == Token::Semicolon {
            parser.step();
        }
        parser.step();
    }
    Ok(expressions)
}

struct Parser {
    words: Vec<Placed>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn word(&self, at: usize) -> &Placed {
        // The last word is the end, which never ends.
        &self.words[at.min(self.words.len() - 1)]
    }

    fn current(&self) -> &Placed {
        self.word(self.at)
    }

    fn next(&self) -> &Placed {
        self.word(self.at + 1)
    }

    fn step(&mut self) {
        self.at += 1;
    }

    fn expect(&mut self, token: &Token, expected: Expected) -> Result<(), Fault> {
        if self.next().token == *token {
            self.step();
            return Ok(());
        }
        Err(Fault::Syntax { position: self.current().position, expected: Some(expected) })
    }

    /// Reads an expression, up to a word that holds less tightly. `None` at the end of the query.
    fn expression(&mut self, holds: u8) -> Result<Option<Expression>, Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::Syntax { position: self.current().position, expected: None });
        }
        let expression = self.whole(holds);
        self.depth -= 1;
        expression
    }

    fn whole(&mut self, holds: u8) -> Result<Option<Expression>, Fault> {
        let Some(mut left) = self.first()? else { return Ok(None) };
        while let Some((own, operator)) = operator(&self.next().token).filter(|(own, _)| holds < *own) {
            self.step();
            left = self.rest(left, own, operator)?;
        }
        Ok(Some(left))
    }

    /// Reads an expression that must be there.
    fn needed(&mut self, holds: u8) -> Result<Expression, Fault> {
        let position = self.current().position;
        let expression = self.expression(holds)?;
        expression.ok_or(Fault::Syntax { position, expected: None })
    }

    fn first(&mut self) -> Result<Option<Expression>, Fault> {
        let Placed { token, position } = self.current().clone();
        let wrong = |expected| Err(Fault::Syntax { position, expected });
        let node = match token {
            Token::End => return Ok(None),
            Token::Name(name) => Node::Name(name),
            Token::Underscore => Node::Name("_".to_owned()),
            Token::Integer(text) => match text.parse() {
                Ok(number) => Node::Integer(number),
                Err(_) => return wrong(Some(Expected::Integer)),
            },
            Token::Decimal(text) => match text.parse() {
                Ok(number) => Node::Decimal(number),
                Err(_) => return wrong(Some(Expected::Decimal)),
            },
            Token::Bool(text) => match text.as_str() {
                "true" | "TRUE" | "True" => Node::Bool(true),
                "false" | "FALSE" | "False" => Node::Bool(false),
                _ => return wrong(Some(Expected::Bool)),
            },
            Token::Text(text) => Node::Text(text),
            Token::OpenText => return wrong(Some(Expected::Text)),
            Token::LeftParenthesis => return self.group(position).map(Some),
            Token::Compare(_)
            | Token::And
            | Token::Or
            | Token::Lambda
            | Token::Comma
            | Token::Semicolon
            | Token::RightParenthesis
            | Token::LeftBracket
            | Token::RightBracket
            | Token::Point
            | Token::Other => return wrong(None),
        };
        Ok(Some(Expression { node, position }))
    }

    fn group(&mut self, position: Position) -> Result<Expression, Fault> {
        if self.next().token == Token::RightParenthesis {
            self.step();
            return Ok(Expression { node: Node::Nothing, position });
        }
        self.step();
        let inner = self.needed(LOWEST)?;
        self.expect(&Token::RightParenthesis, Expected::RightParenthesis)?;
        Ok(inner)
    }

    /// Reads what is behind an operator, at which the parser is.
    fn rest(&mut self, left: Expression, holds: u8, operator: Operator) -> Result<Expression, Fault> {
        let position = self.current().position;
        self.step();
        let left = Box::new(left);
        let node = match operator {
            Operator::Compare(how) => Node::Comparison(how, left, Box::new(self.needed(holds)?)),
            Operator::And => Node::And(left, Box::new(self.needed(holds)?)),
            Operator::Or => Node::Or(left, Box::new(self.needed(holds)?)),
            Operator::Property => Node::Property(left, Box::new(self.needed(holds)?)),
            Operator::Index => {
                let index = self.needed(LOWEST)?;
                self.expect(&Token::RightBracket, Expected::RightBracket)?;
                Node::Index(left, Box::new(index))
            }
            Operator::Call => Node::Call(left, self.arguments()?),
            Operator::Lambda => Node::Lambda(left, self.body()?),
        };
        Ok(Expression { node, position })
    }

    /// Reads what a function is given, up to the parenthesis that closes it.
    fn arguments(&mut self) -> Result<Vec<Expression>, Fault> {
        if self.current().token == Token::RightParenthesis {
            return Ok(Vec::new());
        }
        let arguments = self.series(&Token::Comma)?;
        self.expect(&Token::RightParenthesis, Expected::RightParenthesis)?;
        Ok(arguments)
    }

    /// Reads the expressions of a lambda.
    fn body(&mut self) -> Result<Vec<Expression>, Fault> {
        let expressions = self.series(&Token::Semicolon)?;
        if !matches!(self.next().token, Token::End | Token::RightParenthesis) {
            self.expect(&Token::RightParenthesis, Expected::RightParenthesis)?;
        }
        Ok(expressions)
    }

    /// Reads expressions with a word between them.
    fn series(&mut self, between: &Token) -> Result<Vec<Expression>, Fault> {
        let mut expressions = vec![self.needed(LOWEST)?];
        while self.next().token == *between {
            self.step();
            self.step();
            expressions.push(self.needed(LOWEST)?);
        }
        Ok(expressions)
    }
}

/// What can be behind an expression.
#[derive(Clone, Copy, Debug)]
enum Operator {
    Compare(Comparison),
    And,
    Or,
    Property,
    Index,
    Call,
    Lambda,
}

/// Returns what a word does with the expression in front of it, and how tightly it holds that.
fn operator(token: &Token) -> Option<(u8, Operator)> {
    match token {
        Token::Or => Some((OR, Operator::Or)),
        Token::And => Some((AND, Operator::And)),
        Token::Compare(how @ (Comparison::Equal | Comparison::NotEqual)) => {
            Some((EQUALITY, Operator::Compare(*how)))
        }
        Token::Compare(
            how @ (Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual),
        ) => Some((ORDER, Operator::Compare(*how))),
        Token::LeftParenthesis => Some((CALL, Operator::Call)),
        Token::Lambda => Some((CALL, Operator::Lambda)),
        Token::LeftBracket => Some((INDEX, Operator::Index)),
        Token::Point => Some((INDEX, Operator::Property)),
        Token::End
        | Token::Name(_)
        | Token::Underscore
        | Token::Integer(_)
        | Token::Decimal(_)
        | Token::Text(_)
        | Token::OpenText
        | Token::Bool(_)
        | Token::Comma
        | Token::Semicolon
        | Token::RightParenthesis
        | Token::RightBracket
        | Token::Other => None,
    }
}
