//! The data key: seals and opens values for one place each.
//!
//! ChaCha20-Poly1305 with a 256-bit key; the associated data is table name, a zero byte, and the
//! record's key, so that a sealed value opens in its own place only.
//!
//! Nonces (96 bits) count up from a random start that is drawn whenever the key is loaded. Within
//! a process none repeats for 2^64 values; across processes two runs of m values each meet with a
//! chance of about 2m/2^96. That is better than a random nonce per value (whose limit for one key
//! is about 2^32 values), and sealing needs no random source that could fail half way. What it
//! does not stand: a running machine cloned from a memory snapshot, both copies writing on.
//!
//! Rolling a value back to an older one of the same place is not detected: that needs somebody
//! who can write the store's files.

use super::VaultError;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Bytes of a data key.
pub const KEY_BYTES: usize = 32;
/// First byte of a sealed value: the layout `version, nonce, ciphertext and tag`.
const SEALED: u8 = 1;

/// The key that all values at rest are sealed with. Wiped on drop, never printed.
pub struct DataKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    /// High part of every nonce.
    lane: [u8; 4],
    /// Low part of the next one.
    next: AtomicU64,
}

/// A sealed value does not open: changed, moved, or sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open")]
pub struct OpenError;

impl DataKey {
    /// A new random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill(bytes.as_mut())?;
        Self::from_zeroizing(bytes)
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Result<Self, VaultError> {
        Self::from_zeroizing(Zeroizing::new(bytes))
    }

    pub(super) fn from_zeroizing(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, VaultError> {
        let (mut lane, mut start) = ([0; 4], [0; 8]);
        fill(&mut lane)?;
        fill(&mut start)?;
        Ok(Self {
            bytes,
            lane,
            next: AtomicU64::new(u64::from_be_bytes(start)),
        })
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    /// Seals a value for a place: 29 bytes longer than the value.
    pub fn seal(&self, table: &str, key: &[u8], plain: &[u8]) -> Vec<u8> {
        let low = self.next.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; NONCE_LEN];
        nonce[..4].copy_from_slice(&self.lane);
        nonce[4..].copy_from_slice(&low.to_be_bytes());

        let mut out = Vec::with_capacity(1 + NONCE_LEN + plain.len() + CHACHA20_POLY1305.tag_len());
        out.push(SEALED);
        out.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.cipher().and_then(|cipher| {
            cipher.seal_in_place_separate_tag(nonce, aad(table, key), &mut body)
        });
        // ring refuses only values of 256 GiB and more. Should it ever, nothing readable and
        // nothing that opens is written: the value is then reported as damaged.
        match tag {
            Ok(tag) => {
                out.append(&mut body);
                out.extend_from_slice(tag.as_ref());
            }
            Err(ring::error::Unspecified) => out.clear(),
        }
        out
    }

    /// Opens a value that was sealed for this place with this key.
    pub fn open(&self, table: &str, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (&[SEALED], rest) = sealed.split_first_chunk().ok_or(OpenError)? else {
            return Err(OpenError);
        };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .cipher()
            .and_then(|cipher| {
                Ok(cipher
                    .open_in_place(nonce, aad(table, key), &mut body)?
                    .len())
            })
            .map_err(|_| OpenError)?;
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, ring::error::Unspecified> {
        UnboundKey::new(&CHACHA20_POLY1305, self.bytes.as_ref()).map(LessSafeKey::new)
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| VaultError::NoRandomness)
}

fn aad(table: &str, key: &[u8]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(table.len() + 1 + key.len());
    bytes.extend_from_slice(table.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    Aad::from(bytes)
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn opens_in_its_place_only(plain in any::<Vec<u8>>(), key in any::<Vec<u8>>(), other in any::<Vec<u8>>(), flip in any::<prop::sample::Index>()) {
            let data = DataKey::generate().unwrap();
            let sealed = data.seal("t", &key, &plain);
            prop_assert_eq!(sealed.len(), plain.len() + 29);
            prop_assert_eq!(data.open("t", &key, &sealed), Ok(plain));
            prop_assert_eq!(data.open("u", &key, &sealed), Err(OpenError));
            if other != key {
                prop_assert_eq!(data.open("t", &other, &sealed), Err(OpenError));
            }
            let strange = DataKey::generate().unwrap();
            prop_assert_eq!(strange.open("t", &key, &sealed), Err(OpenError));
            let mut bad = sealed.clone();
            bad[flip.index(sealed.len())] ^= 0x10;
            prop_assert_eq!(data.open("t", &key, &bad), Err(OpenError));
            prop_assert_eq!(data.open("t", &key, &sealed[..flip.index(sealed.len())]), Err(OpenError));
        }
    }

    #[test]
    fn nonces_do_not_repeat() {
        let (a, b) = (
            DataKey::from_bytes([1; 32]).unwrap(),
            DataKey::from_bytes([1; 32]).unwrap(),
        );
        let nonce = |sealed: Vec<u8>| sealed[1..13].to_vec();
        let seen: HashSet<_> = (0..2_000)
            .map(|n| nonce(if n % 2 == 0 { &a } else { &b }.seal("t", b"k", b"")))
            .collect();
        assert_eq!(seen.len(), 2_000);
    }

    #[test]
    fn is_not_printed() {
        let key = DataKey::from_bytes([0xab; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey(..)");
    }
}
