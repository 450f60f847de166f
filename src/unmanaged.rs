//! What of a compute the operator does not manage, and therefore sends back as Azure shows it.

use serde_json::{Map, Value};

/// The keys of a compute that neither the spec names nor Azure maintains.
///
/// Azure's PUT replaces the whole compute: what it leaves out gets its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unmanaged {
    /// `sku`.
    pub sku: Option<Box<Value>>,
    /// Keys of `properties`: `disableLocalAuth`, `computeLocation`, and those that this version does not know.
    pub properties: Box<Map<String, Value>>,
}

/// Keys of `properties` that the operator writes itself, or that Azure maintains: read-only by the specification
/// (`Microsoft.MachineLearningServices`, 2025-12-01, definition `Compute`), and `properties`, a snapshot of the pool.
const NOT_SENT_BACK: [&str; 9] = [
    "computeType",
    "resourceId",
    "description",
    "provisioningState",
    "provisioningErrors",
    "createdOn",
    "modifiedOn",
    "isAttachedCompute",
    "properties",
];

impl Unmanaged {
    /// What a compute has of it, as Azure shows it. Null is no value.
    #[must_use]
    pub fn of(compute: &Value) -> Self {
        let is_sent_back =
            |key: &str, value: &Value| !value.is_null() && !NOT_SENT_BACK.iter().any(|known| known.eq_ignore_ascii_case(key));
        let properties = compute.get("properties").and_then(Value::as_object).into_iter().flatten();
        Self {
            sku: compute.get("sku").filter(|sku| !sku.is_null()).cloned().map(Box::new),
            properties: Box::new(
                properties
                    .filter(|(key, value)| is_sent_back(key, value))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            ),
        }
    }

    /// Each field with its value, for people: `properties.disableLocalAuth: true`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let sku = self.sku.iter().map(|sku| format!("sku: {sku}"));
        let mut properties: Vec<_> = self.properties.iter().map(|(key, value)| format!("properties.{key}: {value}")).collect();
        properties.sort();
        sku.chain(properties).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_neither_the_spec_nor_azure_maintains_is_kept() {
        let compute = json!({
            "location": "eastus2",
            "sku": {"name": "Basic"},
            "properties": {
                "computeType": "SynapseSpark", "resourceId": "/x", "description": "d", "provisioningState": "Succeeded",
                "provisioningErrors": null, "createdOn": "t", "modifiedOn": "t", "isAttachedCompute": true, "properties": {"nodeCount": 3},
                "disableLocalAuth": true, "computeLocation": "eastus2", "propertyBag": {"a": 1}, "unset": null,
            },
        });
        let kept = Unmanaged::of(&compute);
        assert_eq!(kept.sku, Some(Box::new(json!({"name": "Basic"}))));
        assert_eq!(
            Value::Object((*kept.properties).clone()),
            json!({"disableLocalAuth": true, "computeLocation": "eastus2", "propertyBag": {"a": 1}})
        );
        assert_eq!(kept.lines()[0], r#"sku: {"name":"Basic"}"#);
        assert_eq!(kept.lines()[2], "properties.disableLocalAuth: true");
        assert_eq!(Unmanaged::of(&json!({"sku": null})), Unmanaged::default());
    }
}
