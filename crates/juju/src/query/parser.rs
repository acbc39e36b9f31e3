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
        while holds < precedence(&self.next().token) {
            self.step();
            left = self.rest(left)?;
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
            Token::Equal
            | Token::NotEqual
            | Token::Less
            | Token::LessOrEqual
            | Token::Greater
            | Token::GreaterOrEqual
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

    fn rest(&mut self, left: Expression) -> Result<Expression, Fault> {
        let Placed { token, position } = self.current().clone();
        let own = precedence(&token);
        let how = match token {
            Token::Equal => Some(Comparison::Equal),
            Token::NotEqual => Some(Comparison::NotEqual),
            Token::Less => Some(Comparison::Less),
            Token::LessOrEqual => Some(Comparison::LessOrEqual),
            Token::Greater => Some(Comparison::Greater),
            Token::GreaterOrEqual => Some(Comparison::GreaterOrEqual),
            Token::LeftParenthesis => return self.call(left, position),
            Token::Lambda => return self.lambda(left, position),
            Token::LeftBracket => {
                self.step();
                let index = self.needed(LOWEST)?;
                self.expect(&Token::RightBracket, Expected::RightBracket)?;
                let node = Node::Index(Box::new(left), Box::new(index));
                return Ok(Expression { node, position });
            }
            Token::And
            | Token::Or
            | Token::Point
            | Token::End
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
        };
        self.step();
        let right = Box::new(self.needed(own)?);
        let left = Box::new(left);
        let node = match (how, token) {
            (Some(how), _) => Node::Comparison(how, left, right),
            (None, Token::And) => Node::And(left, right),
            (None, Token::Or) => Node::Or(left, right),
            (None, _) => Node::Property(left, right),
        };
        Ok(Expression { node, position })
    }

    fn call(&mut self, name: Expression, position: Position) -> Result<Expression, Fault> {
        let mut arguments = Vec::new();
        if self.next().token == Token::RightParenthesis {
            self.step();
        } else {
            self.step();
            arguments.push(self.needed(LOWEST)?);
            while self.next().token == Token::Comma {
                self.step();
                self.step();
                arguments.push(self.needed(LOWEST)?);
            }
            self.expect(&Token::RightParenthesis, Expected::RightParenthesis)?;
        }
        Ok(Expression { node: Node::Call(Box::new(name), arguments), position })
    }

    fn lambda(&mut self, argument: Expression, position: Position) -> Result<Expression, Fault> {
        self.step();
        let mut expressions = vec![self.needed(LOWEST)?];
        while self.next().token == Token::Semicolon {
            self.step();
            self.step();
            expressions.push(self.needed(LOWEST)?);
        }
        if !matches!(self.next().token, Token::End | Token::RightParenthesis) {
            self.expect(&Token::RightParenthesis, Expected::RightParenthesis)?;
        }
        Ok(Expression { node: Node::Lambda(Box::new(argument), expressions), position })
    }
}

fn precedence(token: &Token) -> u8 {
    match token {
        Token::Or => OR,
        Token::And => AND,
        Token::Equal | Token::NotEqual => EQUALITY,
        Token::Less | Token::LessOrEqual | Token::Greater | Token::GreaterOrEqual => ORDER,
        Token::LeftParenthesis | Token::Lambda => CALL,
        Token::LeftBracket | Token::Point => INDEX,
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
        | Token::Other => LOWEST,
    }
}
