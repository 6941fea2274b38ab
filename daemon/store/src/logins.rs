//! The form in which the secrets of a registry's logins are sealed: one JSON object for all of them.

use std::collections::BTreeMap;
use windlass_engine::ports::store::StoreError;
use windlass_model::{own::registry::RegistrySecrets, secret::Secret};

/// Names of the two logins in the object.
const PUSH: &str = "push";
const PULL: &str = "pull";

/// Returns the object. Every secret is text, as the rules for registries have it.
pub(crate) fn write(secrets: &RegistrySecrets) -> Result<Secret, StoreError> {
    let mut all = BTreeMap::new();
    for (login, secrets) in [(PUSH, &secrets.push), (PULL, &secrets.pull)] {
        let mut texts = BTreeMap::new();
        for (name, secret) in secrets {
            let text = secret.reveal_text().ok_or_else(|| {
                StoreError::Other(format!("the secret `{name}` of a registry is not UTF-8"))
            })?;
            texts.insert(&**name, text);
        }
        all.insert(login, texts);
    }
    let json = serde_json::to_vec(&all).map_err(|error| StoreError::Other(error.to_string()))?;
    Ok(Secret::new(json))
}

/// Reads the object. `None` means that it has another form.
pub(crate) fn read(sealed: &Secret) -> Option<RegistrySecrets> {
    let all: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(sealed.reveal()).ok()?;
    let mut read = RegistrySecrets::default();
    for (login, texts) in all {
        let secrets = texts.into_iter().map(|(name, text)| (name, Secret::new(text.into_bytes())));
        match &*login {
            PUSH => read.push = secrets.collect(),
            PULL => read.pull = secrets.collect(),
            _ => return None,
        }
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_they_were_written() {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let secrets = RegistrySecrets {
            push: [("password".to_owned(), secret("hunter22\"\n"))].into(),
            pull: [("key".to_owned(), secret("ü")), ("id".to_owned(), secret("x1"))].into(),
        };
        let read = read(&write(&secrets).unwrap()).unwrap();
        assert_eq!(read.push["password"].reveal_text(), Some("hunter22\"\n"));
        assert_eq!(read.pull["key"].reveal_text(), Some("ü"));
        assert_eq!((read.push.len(), read.pull.len()), (1, 2));
        for odd in ["", "{}x", "{\"both\":{}}", "{\"push\":{\"a\":1}}"] {
            assert!(super::read(&secret(odd)).is_none(), "{odd}");
        }
        let bytes = Secret::new(vec![0xff]);
        let odd = RegistrySecrets { push: [("key".to_owned(), bytes)].into(), ..secrets };
        write(&odd).unwrap_err();
    }
}
