//! The hash of chains, SHA-256, and digests that only the holder of a key can make, HMAC over it.
//!
//! Says nothing about what is hashed. Invariant: parts are hashed as if they were one text.

use ring::digest::{Context, SHA256};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::StoreError;

/// Hash of the parts, one behind the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// HMAC-SHA-256 of a text.
pub fn keyed(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut digest = [0; 32];
    digest.copy_from_slice(tag.as_ref());
    digest
}

/// A key nobody has.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_key() -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| StoreError::Io {
        what: "making a key",
        detail: "the system gives no random numbers".to_owned(),
    })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 2 of RFC 4231, its key filled up with zeros as HMAC does itself.
    #[test]
    fn it_is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let digest = keyed(&key, b"what do ya want for nothing?");
        assert_eq!(digest[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(digest[28..], [0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn it_is_sha_256() {
        let hash = sha256(&[b"ab", b"c"]);
        assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(hash[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
