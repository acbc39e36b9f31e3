//! What a query says of an entity.

use std::collections::BTreeMap;

use super::entity::{Entity, Property, Witnessed};
use super::errors::{Expected, Fault};
use super::parser::{Comparison, Expression, Node};

/// The functions that queries may call.
const FUNCTIONS: [&str; 6] = ["endsWith", "forEach", "int", "len", "print", "startsWith"];
/// What a model's members are never noted as: they are shown by themselves.
const MODEL: &str = "ModelInfo";

/// Whether expressions hold: the first one that says anything counts.
pub(super) fn holds(
    expressions: &[Expression],
    entity: &Entity,
    witnessed: &mut Witnessed,
) -> Result<bool, Fault> {
    let mut evaluation = Evaluation { top: entity, witnessed };
    for expression in expressions {
        match evaluation.value(expression, &[])? {
            Value::Nothing => {}
            value => return Ok(value.is_true()),
        }
    }
    Ok(false)
}

/// Where an entity is found from the one that is asked about: what it is one of, and its name.
type Path<'a> = Vec<(&'static str, &'a str)>;

/// A name that a lambda has given to an entity.
#[derive(Clone)]
struct Bound<'a> {
    name: &'a str,
    entity: &'a Entity,
    path: Path<'a>,
}

/// What an expression is worth.
#[derive(Clone)]
enum Value<'a> {
    Nothing,
    Text(String),
    Number(i64),
    Decimal(f64),
    Is(bool),
    Settings(BTreeMap<String, String>),
    Members(Vec<(&'a Entity, Path<'a>)>),
    Member,
    Lambda { argument: &'a str, expressions: &'a [Expression], bound: Vec<Bound<'a>> },
}

impl Value<'_> {
    fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number >= 1,
            Self::Decimal(number) => *number >= 1.0,
            Self::Is(is) => *is,
            Self::Settings(settings) => !settings.is_empty(),
            Self::Members(members) => !members.is_empty(),
            Self::Member | Self::Lambda { .. } => true,
        }
    }

    /// What kind of value it is, as Go calls it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nil",
            Self::Text(_) => "string",
            Self::Number(_) => "int64",
            Self::Decimal(_) => "float64",
            Self::Is(_) => "bool",
            Self::Settings(_) => "map[string]any",
            Self::Members(_) | Self::Member | Self::Lambda { .. } => "<unknown>",
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Nothing => "<nil>".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Is(is) => is.to_string(),
            Self::Settings(settings) => {
                let pairs: Vec<String> =
                    settings.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("map[{}]", pairs.join(" "))
            }
            Self::Members(members) => {
                let names: Vec<&str> = members.iter().map(|(entity, _)| entity.name.as_str()).collect();
                format!("[{}]", names.join(" "))
            }
            Self::Member | Self::Lambda { .. } => "<unknown>".to_owned(),
        }
    }
}

impl From<&Property> for Value<'_> {
    fn from(property: &Property) -> Self {
        match property {
            Property::Text(text) => Self::Text(text.clone()),
            Property::Number(number) => Self::Number(*number),
            Property::Is(is) => Self::Is(*is),
            Property::Settings(settings) => Self::Settings(settings.clone()),
        }
    }
}

struct Evaluation<'a, 'w> {
    top: &'a Entity,
    witnessed: &'w mut Witnessed,
}

impl<'a> Evaluation<'a, '_> {
    fn value(&mut self, expression: &'a Expression, bound: &[Bound<'a>]) -> Result<Value<'a>, Fault> {
        match &expression.node {
            Node::Nothing => Ok(Value::Nothing),
            Node::Integer(number) => Ok(Value::Number(*number)),
            Node::Decimal(number) => Ok(Value::Decimal(*number)),
            Node::Text(text) => Ok(Value::Text(text.clone())),
            Node::Bool(is) => Ok(Value::Is(*is)),
            Node::Name(name) => {
                if bound.iter().any(|bound| bound.name == name) {
                    return Ok(Value::Member);
                }
                self.property(self.top, &Vec::new(), name)
            }
            Node::Comparison(how, left, right) => {
                let (left, right) = (self.value(left, bound)?, self.value(right, bound)?);
                Ok(Value::Is(compare(*how, &left, &right)))
            }
            Node::And(left, right) => {
                let is = self.is(left, bound, Expected::And)? && self.is(right, bound, Expected::And)?;
                Ok(Value::Is(is))
            }
            Node::Or(left, right) => {
                let is = self.is(left, bound, Expected::Or)? || self.is(right, bound, Expected::Or)?;
                Ok(Value::Is(is))
            }
            Node::Property(left, right) => {
                let (parent, child) = (self.name(left, bound)?, self.name(right, bound)?);
                match bound.iter().rev().find(|bound| bound.name == parent) {
                    Some(found) => self.property(found.entity, &found.path, &child),
                    None => Err(unknown(self.top, format!("{parent}.{child}"))),
                }
            }
            Node::Index(left, index) => {
                let (left, index) = (self.value(left, bound)?, self.value(index, bound)?);
                match (&left, &index) {
                    (Value::Settings(settings), Value::Text(key)) => match settings.get(key) {
                        Some(value) => Ok(Value::Text(value.clone())),
                        None => Err(Fault::Value(format!("unexpected index {key} accessing map"))),
                    },
                    (Value::Settings(_), index) => {
                        Err(Fault::Value(format!("expected string, but got {}", index.kind())))
                    }
                    (left, _) => Err(Fault::Value(format!("{} unexpected index expression", left.kind()))),
                }
            }
            Node::Lambda(argument, expressions) => match &argument.node {
                Node::Name(argument) => Ok(Value::Lambda { argument, expressions, bound: bound.to_vec() }),
                _ => Err(Fault::Value("unexpected argument".to_owned())),
            },
            Node::Call(name, arguments) => {
                let Node::Name(name) = &name.node else {
                    return Err(Fault::Value("unexpected function name".to_owned()));
                };
                let mut values = Vec::new();
                for argument in arguments {
                    values.push(self.value(argument, bound)?);
                }
                self.call(name, &values)
            }
        }
    }

    /// Returns whether something is so that `&&` and `||` ask for.
    fn is(
        &mut self,
        expression: &'a Expression,
        bound: &[Bound<'a>],
        expected: Expected,
    ) -> Result<bool, Fault> {
        match self.value(expression, bound)? {
            Value::Is(is) => Ok(is),
            _ => Err(Fault::Syntax { position: expression.position, expected: Some(expected) }),
        }
    }

    /// Returns a name on one side of a point.
    fn name(&mut self, expression: &'a Expression, bound: &[Bound<'a>]) -> Result<String, Fault> {
        if let Node::Name(name) = &expression.node {
            return Ok(name.clone());
        }
        match self.value(expression, bound)? {
            Value::Text(text) => Ok(text),
            _ => Err(Fault::Value("unexpected name type".to_owned())),
        }
    }

    /// Returns a property of an entity, or what belongs to it.
    fn property(&mut self, entity: &'a Entity, path: &Path<'a>, name: &str) -> Result<Value<'a>, Fault> {
        let members = entity.members.get_key_value(name);
        let mut witnessed = &mut *self.witnessed;
        for (kind, name) in path {
            witnessed = witnessed.members.entry(*kind).or_default().entry((*name).to_owned()).or_default();
        }
        if members.is_none() || entity.kind != MODEL {
            witnessed.names.insert(name.to_owned());
        }
        if let Some((kind, members)) = members {
            let own = witnessed.members.entry(*kind).or_default();
            let mut all = Vec::new();
            for member in members {
                own.entry(member.name.clone()).or_default();
                let mut path = path.clone();
                path.push((*kind, member.name.as_str()));
                all.push((member, path));
            }
            return Ok(Value::Members(all));
        }
        let property = entity.properties.get(name);
        property.map(Value::from).ok_or_else(|| unknown(entity, name.to_owned()))
    }

    fn call(&mut self, name: &str, values: &[Value<'a>]) -> Result<Value<'a>, Fault> {
        let count = |wanted: usize| {
            if values.len() == wanted {
                return Ok(());
            }
            let got = values.len();
            Err(Fault::Value(format!(
                "number of arguments for a function call to be {wanted}, but got: {got}"
            )))
        };
        match name {
            "len" => {
                count(1)?;
                let length = match &values[0] {
                    Value::Text(text) => text.len(),
                    Value::Settings(settings) => settings.len(),
                    Value::Members(members) => members.len(),
                    other => {
                        return Err(Fault::Value(format!("unexpected type {} passed to len", other.kind())));
                    }
                };
                Ok(Value::Number(i64::try_from(length).unwrap_or(i64::MAX)))
            }
            "print" => {
                count(1)?;
                self.witnessed.printed.push(values[0].shown());
                Ok(values[0].clone())
            }
            "int" => {
                count(1)?;
                let Value::Text(text) = &values[0] else {
                    return Err(Fault::Value(format!("unexpected type {} passed to int", values[0].kind())));
                };
                let number = crate::values::go::parse_decimal(text).map_err(Fault::Value)?;
                Ok(Value::Number(number))
            }
            "startsWith" | "endsWith" => {
                count(2)?;
                let (Value::Text(text), Value::Text(part)) = (&values[0], &values[1]) else {
                    let other = if matches!(values[1], Value::Text(_)) { &values[0] } else { &values[1] };
                    return Err(Fault::Value(format!(
                        "requires string to be passed to {name}, got {}",
                        other.kind()
                    )));
                };
                let is = if name == "startsWith" { text.starts_with(part) } else { text.ends_with(part) };
                Ok(Value::Is(is))
            }
            "forEach" => {
                count(2)?;
                self.for_each(&values[0], &values[1]).map(Value::Is)
            }
            _ => Err(Fault::Function { name: name.to_owned(), known: FUNCTIONS.to_vec() }),
        }
    }

    /// Whether a lambda holds of all members. Of none, nothing holds.
    fn for_each(&mut self, members: &Value<'a>, lambda: &Value<'a>) -> Result<bool, Fault> {
        let Value::Members(members) = members else {
            return Err(Fault::Value(format!("unexpected lambda values {}", members.kind())));
        };
        let Value::Lambda { argument, expressions, bound } = lambda else {
            return Err(Fault::Value(format!("unexpected lambda {}", lambda.kind())));
        };
        for (entity, path) in members {
            let mut bound = bound.clone();
            bound.push(Bound { name: argument, entity, path: path.clone() });
            let mut last = Value::Nothing;
            for expression in *expressions {
                last = self.value(expression, &bound)?;
            }
            if !last.is_true() {
                return Ok(false);
            }
        }
        Ok(!members.is_empty())
    }
}

fn unknown(entity: &Entity, name: String) -> Fault {
    Fault::Name { name, kind: entity.kind, known: entity.names() }
}

/// Values of different kinds are neither equal nor in any order.
fn compare(how: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    use std::cmp::Ordering;
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Decimal(left), Value::Decimal(right)) => left.partial_cmp(right),
        (Value::Is(left), Value::Is(right)) => (left == right).then_some(Ordering::Equal),
        (Value::Settings(left), Value::Settings(right)) => (left == right).then_some(Ordering::Equal),
        (_, _) => None,
    };
    match how {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}
