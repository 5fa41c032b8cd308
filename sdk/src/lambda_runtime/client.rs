//! Callers that are mobile applications.

use std::collections::HashMap;

use serde_json::Map;
use serde_json::Value;

/// The client context that a mobile SDK of AWS sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientContext {
    /// The application.
    pub client: ClientApplication,
    /// The application's own values. One that is not text is its JSON.
    pub custom: HashMap<String, String>,
    /// The SDK's values about the device. One that is not text is its JSON.
    pub environment: HashMap<String, String>,
}

/// The mobile application of a [`ClientContext`]. Fields that the client leaves out are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientApplication {
    /// The id of the installation.
    pub installation_id: String,
    /// The application's title.
    pub app_title: String,
    /// The version's name.
    pub app_version_name: String,
    /// The version's code.
    pub app_version_code: String,
    /// The package's name.
    pub app_package_name: String,
}

/// The Cognito identity whose credentials invoked the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CognitoIdentity {
    /// The identity's id.
    pub identity_id: String,
    /// The id of its identity pool.
    pub identity_pool_id: String,
}

impl ClientContext {
    /// None if `json` is not a JSON object: any caller can send it, so it must not fail the
    /// invocation.
    pub(super) fn parse(json: &str) -> Option<ClientContext> {
        let context: Map<String, Value> = serde_json::from_str(json).ok()?;
        let object = |name: &str| context.get(name).and_then(Value::as_object);
        let application = |snake: &str, camel: &str| text(object("client"), &[snake, camel]);
        Some(ClientContext {
            client: ClientApplication {
                installation_id: application("installation_id", "installationId"),
                app_title: application("app_title", "appTitle"),
                app_version_name: application("app_version_name", "appVersionName"),
                app_version_code: application("app_version_code", "appVersionCode"),
                app_package_name: application("app_package_name", "appPackageName"),
            },
            custom: texts(object("custom")),
            environment: texts(object("env").or_else(|| object("environment"))),
        })
    }
}

impl CognitoIdentity {
    /// None if `json` is not a JSON object.
    pub(super) fn parse(json: &str) -> Option<CognitoIdentity> {
        let identity: Map<String, Value> = serde_json::from_str(json).ok()?;
        let field = |names: &[&str]| text(Some(&identity), names);
        Some(CognitoIdentity {
            identity_id: field(&["cognitoIdentityId", "identityId", "identity_id"]),
            identity_pool_id: field(&[
                "cognitoIdentityPoolId",
                "identityPoolId",
                "identity_pool_id",
            ]),
        })
    }
}

/// The first of these fields as text; empty if there is none.
fn text(object: Option<&Map<String, Value>>, names: &[&str]) -> String {
    let value = object.and_then(|object| names.iter().find_map(|&name| object.get(name)));
    value.map(plain).unwrap_or_default()
}

fn texts(object: Option<&Map<String, Value>>) -> HashMap<String, String> {
    let fields = object.into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), plain(value))).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_other_json_is_none() {
        for json in [
            r#"{"client":{"installation_id":"i","app_title":"t"},"custom":{"n":1},"env":{"os":"x"}}"#,
            r#"{"client":{"installationId":"i","appTitle":"t"},"custom":{"n":"1"},"environment":{"os":"x"}}"#,
        ] {
            let context = ClientContext::parse(json).expect("an object");
            assert_eq!(context.client.installation_id, "i");
            assert_eq!(context.client.app_title, "t");
            assert_eq!(context.client.app_package_name, "");
            assert_eq!(context.custom["n"], "1");
            assert_eq!(context.environment["os"], "x");
        }
        for json in [
            r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#,
            r#"{"identity_id":"i","identity_pool_id":"p"}"#,
        ] {
            let identity = CognitoIdentity::parse(json).expect("an object");
            assert_eq!((&*identity.identity_id, &*identity.identity_pool_id), ("i", "p"));
        }
        for json in ["", "{", "[]", "\"x\""] {
            assert_eq!(ClientContext::parse(json), None);
            assert_eq!(CognitoIdentity::parse(json), None);
        }
    }
}
