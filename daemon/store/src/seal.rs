//! Sealing of values: a fresh key per record, wrapped by the key file's. Both ciphertexts are bound to the
//! record's row, so that rows cannot be swapped.

use crate::{error::OrStore, private};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::RngCore;
use std::{fs, path::Path};
use windlass_engine::ports::store::StoreError;
use windlass_model::secret::Secret;
use zeroize::Zeroizing;

/// The key that wraps all others.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

const NONCE: usize = 24;
/// Bytes of a wrapped key: nonce, 32 bytes, tag.
const WRAPPED: usize = NONCE + 32 + 16;

impl Key {
    /// Reads a key file, or makes one. Only its owner may read it. After a crash it is there whole or not at all.
    ///
    /// # Errors
    /// Returns [`StoreError::Unreadable`] when the file does not hold 32 bytes.
    pub fn file(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            let mut key = Zeroizing::new([0; 32]);
            rand::rng().fill_bytes(&mut *key);
            private::write_new(path, &*key)?;
        }
        private::close_to_others(path)?;
        let bytes = Zeroizing::new(fs::read(path).or_store()?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| StoreError::Unreadable {
            what: format!("the key file {}", path.display()),
            why: format!("it has {} bytes instead of 32", bytes.len()),
        })?;
        Ok(Self(Zeroizing::new(key)))
    }

    pub(crate) fn seal(&self, row: &str, secret: &Secret) -> Result<Vec<u8>, StoreError> {
        let mut data_key = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(&mut *data_key);
        let mut sealed = encrypt(&self.0, row, &*data_key)?;
        sealed.extend(encrypt(&data_key, row, secret.reveal())?);
        Ok(sealed)
    }

    pub(crate) fn open(&self, row: &str, sealed: &[u8]) -> Option<Secret> {
        let (wrapped, rest) = sealed.split_at_checked(WRAPPED)?;
        let data_key = Zeroizing::new(decrypt(&self.0, row, wrapped)?);
        let data_key: Zeroizing<[u8; 32]> = Zeroizing::new(data_key.as_slice().try_into().ok()?);
        decrypt(&data_key, row, rest).map(Secret::new)
    }
}

fn encrypt(key: &[u8; 32], row: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut nonce = [0; NONCE];
    rand::rng().fill_bytes(&mut nonce);
    let payload = Payload { msg: plain, aad: row.as_bytes() };
    let cipher = XChaCha20Poly1305::new(key.into());
    let text = cipher.encrypt(&XNonce::from(nonce), payload);
    let text = text.map_err(|_| StoreError::Other("sealing failed".into()))?;
    Ok([&nonce[..], &text].concat())
}

fn decrypt(key: &[u8; 32], row: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let payload = Payload { msg: text, aad: row.as_bytes() };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(nonce), payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_in_its_own_row_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::file(&folder.path().join("key")).unwrap();
        let sealed = key.seal("p|a|1", &Secret::new(b"hunter2".into())).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(key.open("p|a|1", &sealed).unwrap().reveal(), b"hunter2");
        assert!(key.open("p|b|1", &sealed).is_none());
        for index in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[index] ^= 1;
            assert!(key.open("p|a|1", &flipped).is_none(), "{index}");
        }
        let again = Key::file(&folder.path().join("key")).unwrap();
        assert_eq!(again.open("p|a|1", &sealed).unwrap().reveal(), b"hunter2");
    }
}
