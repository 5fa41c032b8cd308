//! `PILOTLIGHT_WARM_ONLY`: limits which pings may fan out.

use serde_json::Map;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

/// Whether a ping matches one item of the list. `name=value` matches a member of this name with
/// this string as its value; any other item is an ARN and matches an element of the ping's
/// `resources`, where a rule or schedule names itself.
pub fn allows(list: &str, ping: &Map<String, Value>) -> bool {
    list.split(',').map(str::trim).any(|item| match item.split_once('=') {
        Some((name, value)) => {
            let found = ping.get(name).and_then(Value::as_str);
            !value.is_empty() && found.is_some_and(|found| is_same(found, value))
        }
        None => {
            let resources = ping.get("resources").and_then(Value::as_array);
            !item.is_empty() && resources.is_some_and(|arns| arns.iter().any(|arn| arn == item))
        }
    })
}

/// Compares checksums, so that the duration does not reveal how much of a guess is right.
fn is_same(found: &str, secret: &str) -> bool {
    Sha256::digest(found) == Sha256::digest(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &str, ping: &str) -> bool {
        let Ok(Value::Object(ping)) = serde_json::from_str(ping) else {
            panic!("an object: {ping}");
        };
        allows(list, &ping)
    }

    #[test]
    fn one_item_of_the_list_is_enough() {
        let list = "arn:aws:scheduler:r:1:schedule/default/warm, token=a=b ,key=x";
        for ping in [
            r#"{"resources":["other","arn:aws:scheduler:r:1:schedule/default/warm"]}"#,
            r#"{"token":"a=b"}"#,
            r#"{"token":"wrong","key":"x"}"#,
        ] {
            assert!(allowed(list, ping), "{ping}");
        }
        for ping in [
            "{}",
            r#"{"resources":"arn:aws:scheduler:r:1:schedule/default/warm"}"#,
            r#"{"resources":["arn:aws:scheduler:r:1:schedule/default/war"]}"#,
            r#"{"token":"a"}"#,
            r#"{"token":["a=b"]}"#,
            r#"{"nested":{"key":"x"}}"#,
            r#"{"resources":["token=a=b"]}"#,
        ] {
            assert!(!allowed(list, ping), "{ping}");
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        for list in [" ", ",", "token=", "=", " , token="] {
            for ping in [r#"{"token":"","":"","resources":[""]}"#, "{}"] {
                assert!(!allowed(list, ping), "`{list}` {ping}");
            }
        }
    }
}
