//! What the expressions of a template refer to: parameters, variables, the resource group of the deployment.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::expression::{Expression, parse};
use super::functions;
use super::target::Target;

/// Values of parameters by their names in lower case, or why a value is not known.
pub(super) type Given = BTreeMap<String, Result<Value, String>>;

/// How deep parameters and variables may refer to each other.
const DEPTH: usize = 32;

/// How many expressions a value may need, so that variables that refer to each other twice do not run endlessly.
const STEPS: u32 = 100_000;

/// A template, its parameters, and where it is deployed to.
pub(super) struct Scope<'a> {
    template: &'a Value,
    given: Given,
    target: Target,
    /// The loops around the current resource, from the outermost on: the name of each, and the number of the copy.
    copies: Vec<(String, u64)>,
    /// How many expressions were evaluated for the current value.
    steps: Cell<u32>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(template: &'a Value, given: Given, target: Target) -> Self {
        Self { template, given, target, copies: Vec::new(), steps: Cell::new(0) }
    }

    /// The same for one copy of a resource.
    pub(super) fn in_copy(&self, name: &str, index: u64) -> Self {
        let copies = [self.copies.clone(), vec![(name.to_owned(), index)]].concat();
        Self { template: self.template, given: self.given.clone(), target: self.target.clone(), copies, steps: Cell::new(0) }
    }

    /// A value with all expressions in it evaluated.
    pub(super) fn value(&self, value: &Value) -> Result<Value, String> {
        self.steps.set(0);
        self.deep(value, 0)
    }

    /// A text of the template, evaluated.
    pub(super) fn text(&self, value: &Value) -> Result<String, String> {
        self.value(value)?.as_str().map(ToOwned::to_owned).ok_or_else(|| "must be a string".to_owned())
    }

    fn deep(&self, value: &Value, depth: usize) -> Result<Value, String> {
        match value {
            Value::String(text) => self.evaluated(text, depth),
            Value::Array(items) => items.iter().map(|item| self.deep(item, depth)).collect(),
            Value::Object(map) => {
                let mut made = Map::new();
                for (key, inner) in map {
                    let key = self.evaluated(key, depth)?.as_str().ok_or("has a key that is not a string")?.to_owned();
                    made.insert(key, self.deep(inner, depth)?);
                }
                Ok(Value::Object(made))
            }
            other => Ok(other.clone()),
        }
    }

    fn evaluated(&self, text: &str, depth: usize) -> Result<Value, String> {
        if let Some(escaped) = text.strip_prefix('[').filter(|rest| rest.starts_with('[')) {
            return Ok(json!(escaped));
        }
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(inner) => self.evaluate(&parse(inner)?, depth),
            None => Ok(json!(text)),
        }
    }

    fn evaluate(&self, expression: &Expression, depth: usize) -> Result<Value, String> {
        if depth > DEPTH {
            return Err("parameters and variables refer to each other endlessly".to_owned());
        }
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS {
            return Err("the expression takes too many steps: write its result in its place".to_owned());
        }
        match expression {
            Expression::Text(text) => Ok(json!(text)),
            Expression::Number(number) => Ok(json!(number)),
            Expression::Member(of, member) => functions::member(&self.evaluate(of, depth)?, &self.evaluate(member, depth)?),
            Expression::Call(name, arguments) => self.call(&name.to_ascii_lowercase(), arguments, depth),
        }
    }

    fn call(&self, name: &str, arguments: &[Expression], depth: usize) -> Result<Value, String> {
        // Only the branch that is taken may need values.
        if let ("if", [condition, yes, no]) = (name, arguments) {
            let is_met = self.evaluate(condition, depth)?.as_bool().ok_or("the condition of if() is neither true nor false")?;
            return self.evaluate(if is_met { yes } else { no }, depth);
        }
        let (subscription, group) = (|| self.target.subscription.clone(), || self.target.resource_group.clone());
        let values: Vec<Value> = arguments.iter().map(|one| self.evaluate(one, depth)).collect::<Result<_, _>>()?;
        match (name, &values[..]) {
            ("parameters", [Value::String(name)]) => self.parameter(name, depth + 1),
            ("variables", [Value::String(name)]) => self.variable(name, depth + 1),
            ("subscription", []) => {
                let id = subscription()?;
                Ok(json!({"subscriptionId": id, "id": format!("/subscriptions/{id}")}))
            }
            ("resourcegroup", []) => {
                let (subscription, name) = (subscription()?, group()?);
                Ok(json!({"name": name, "id": format!("/subscriptions/{subscription}/resourceGroups/{name}")}))
            }
            ("resourceid", values) => self.resource_id(values),
            ("copyindex", values) => self.copy_index(values),
            (name, values) => functions::call(name, values),
        }
    }

    /// The number of the copy, of the innermost loop or of the one that is named, plus an offset.
    fn copy_index(&self, values: &[Value]) -> Result<Value, String> {
        let (name, offset) = match values {
            [] => (None, Some(0)),
            [Value::String(name)] => (Some(name), Some(0)),
            [Value::Number(offset)] => (None, offset.as_u64()),
            [Value::String(name), Value::Number(offset)] => (Some(name), offset.as_u64()),
            _ => (None, None),
        };
        let offset = offset.ok_or("copyIndex() takes the name of a loop and a number from 0 on")?;
        let is_meant = |one: &&(String, u64)| name.is_none_or(|name| one.0.eq_ignore_ascii_case(name));
        let copy = self.copies.iter().rev().find(is_meant);
        copy.map(|(_, index)| json!(index.saturating_add(offset)))
            .ok_or_else(|| "copyIndex() is not in a loop that is evaluated".to_owned())
    }

    fn parameter(&self, name: &str, depth: usize) -> Result<Value, String> {
        if let Some(given) = self.given.get(&name.to_lowercase()) {
            return given.clone();
        }
        let declared = entry(&self.template["parameters"], name);
        match declared {
            None => Err(format!("the template does not declare the parameter {name}")),
            Some(declared) if !declared["defaultValue"].is_null() => self.deep(&declared["defaultValue"], depth),
            Some(declared) if declared["nullable"] == true => Ok(Value::Null),
            Some(_) => Err(format!(
                "the parameter {name} has no value: pass --parameter {name}=VALUE, or the file with its parameters as another -f"
            )),
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Result<Value, String> {
        match entry(&self.template["variables"], name) {
            Some(value) => self.deep(value, depth),
            None => Err(format!("the variable {name} is not evaluated: write its value in its place")),
        }
    }

    /// `resourceId([subscription], [group], type, name…)`.
    fn resource_id(&self, values: &[Value]) -> Result<Value, String> {
        let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
        let texts = texts.ok_or("resourceId() has an argument that is not a string")?;
        let at = texts.iter().position(|text| text.contains('/')).ok_or("resourceId() has no resource type")?;
        let (subscription, group) = match texts[..at] {
            [] => (self.target.subscription.clone()?, self.target.resource_group.clone()?),
            [group] => (self.target.subscription.clone()?, group.to_owned()),
            [subscription, group] => (subscription.to_owned(), group.to_owned()),
            _ => return Err("resourceId() has too many arguments before the resource type".to_owned()),
        };
        let (mut types, names) = (texts[at].split('/'), &texts[at + 1..]);
        let provider = types.next().unwrap_or_default();
        let types: Vec<_> = types.collect();
        if types.len() != names.len() {
            return Err(format!("resourceId() has {} names for the resource type {}", names.len(), texts[at]));
        }
        let path = types.iter().zip(names).flat_map(|(kind, name)| ["/", kind, "/", name]).collect::<String>();
        Ok(json!(format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}{path}")))
    }
}

/// An entry of a mapping; names in a template are compared without regard to case.
fn entry<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    map.as_object()?.iter().find(|(key, _)| key.to_lowercase() == name.to_lowercase()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_evaluated() {
        let mut template = json!({
            "parameters": {
                "name": {"type": "string", "defaultValue": "spark"}, "none": {"type": "string"}, "maybe": {"nullable": true},
                "loop": {"defaultValue": "[parameters('loop')]"}, "tags": {"defaultValue": {"[parameters('name')]": "x"}},
            },
            "variables": {"full": "[concat('ws/', parameters('name'))]"},
        });
        let doubled = |at: usize| (format!("v{at}"), json!(format!("[concat(variables('v{0}'), variables('v{0}'))]", at - 1)));
        let variables = template["variables"].as_object_mut().expect("a mapping");
        variables.insert("v0".to_owned(), json!(""));
        variables.extend((1..31).map(doubled));
        let given = BTreeMap::from([("own".to_owned(), Ok(json!("mine")))]);
        let target = Target { subscription: Ok("s".to_owned()), resource_group: Ok("g".to_owned()) };
        let scope = Scope::new(&template, given, target);
        #[rustfmt::skip]
        let table = [
            ("plain",                                         Ok(json!("plain"))),
            ("[[escaped]",                                    Ok(json!("[escaped]"))),
            ("[parameters('NAME')]",                          Ok(json!("spark"))),
            ("[parameters('own')]",                           Ok(json!("mine"))),
            ("[parameters('maybe')]",                         Ok(json!(null))),
            ("[parameters('tags').spark]",                    Ok(json!("x"))),
            ("[variables('full')]",                           Ok(json!("ws/spark"))),
            ("[format('{0}/{1}{{', 'a', 1)]",                 Ok(json!("a/1{"))),
            ("[if(true(), 'a', parameters('none'))]",         Ok(json!("a"))),
            ("[resourceId('A.B/c/d', 'x', 'y')]",             Ok(json!("/subscriptions/s/resourceGroups/g/providers/A.B/c/x/d/y"))),
            ("[resourceId('h', 'A.B/c', 'x')]",               Ok(json!("/subscriptions/s/resourceGroups/h/providers/A.B/c/x"))),
            ("[resourceId('t', 'h', 'A.B/c', 'x')]",          Ok(json!("/subscriptions/t/resourceGroups/h/providers/A.B/c/x"))),
            ("[resourceGroup().name]",                        Ok(json!("g"))),
            ("[subscription().subscriptionId]",               Ok(json!("s"))),
            ("[last(split(resourceGroup().id, '/'))]",        Ok(json!("g"))),
            ("[parameters('none')]",                          Err("--parameter none=VALUE")),
            ("[parameters('other')]",                         Err("does not declare the parameter other")),
            ("[parameters('loop')]",                          Err("refer to each other")),
            ("[variables('v30')]",                            Err("takes too many steps")),
            ("[variables('other')]",                          Err("the variable other is not evaluated")),
            ("[uniqueString('x')]",                           Err("the function uniquestring() is not evaluated")),
            ("[resourceGroup().location]",                    Err("location is not known")),
            ("[resourceId('A.B/c/d', 'x')]",                  Err("has 1 names")),
            ("[resourceId('x')]",                             Err("has no resource type")),
            ("[concat('a']",                                  Err("has no")),
        ];
        for (words, wanted) in table {
            match (scope.value(&json!(words)), wanted) {
                (Ok(value), Ok(wanted)) => assert_eq!(value, wanted, "{words}"),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{words}: {why}"),
                (value, _) => panic!("{words}: {value:?}"),
            }
        }
    }
}
