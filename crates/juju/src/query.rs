//! The language of `juju wait-for`: what something has to be like.
//!
//! A query is an expression on the properties of an entity: comparisons, `&&` and `||`, a few functions,
//! and `forEach(units, unit => …)` over what belongs to it. All of it is pure; who asks again and again is
//! elsewhere. What is wrong is said in the words of Juju, with the place in the query.

mod entity;
mod errors;
mod evaluate;
mod lexer;
mod parser;

pub use entity::{Entity, Property, Witnessed};
pub use errors::QueryError;

use parser::Expression;

/// A query that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    text: String,
    expressions: Vec<Expression>,
}

impl Query {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let expressions = parser::parse(text).map_err(|error| error.in_query(text))?;
        Ok(Self { text: text.to_owned(), expressions })
    }

    /// Whether it holds of an entity. What was looked at is noted.
    pub fn holds(&self, entity: &Entity, witnessed: &mut Witnessed) -> Result<bool, QueryError> {
        evaluate::holds(&self.expressions, entity, witnessed).map_err(|error| error.in_query(&self.text))
    }
}

#[cfg(test)]
mod tests;
