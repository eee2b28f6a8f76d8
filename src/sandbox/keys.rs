//! RSA keys: the app's pair for the JWT bearer grant, made at the start, its private half in a
//! file; and the org's own.
//!
//! Of the app's pair the org keeps only the public half, as it would keep the app's certificate.

use std::{io::Write, path::Path};

use data_encoding::BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use rsa::{
    RsaPrivateKey,
    pkcs1::EncodeRsaPublicKey,
    pkcs8::EncodePrivateKey,
    rand_core::{CryptoRng, Error as RandomError, RngCore},
};

use crate::error::{Error, Kind, Result};

/// Bits of the modulus; the least that signature checks accept.
const BITS: usize = 2048;

/// Random numbers of the system, for a library that asks in its own way.
struct System(SystemRandom);

impl RngCore for System {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }
    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        // The system's source does not fail on any machine we run on; a key of a sandbox that is
        // reached by this machine only protects nothing.
        let _ = self.0.fill(out);
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), RandomError> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for System {}

/// Makes a key pair, writes the private half as PKCS#8 to a file of the owner alone, and gives the
/// public half in PKCS#1.
///
/// # Errors
///
/// [`Kind::Internal`] when the key cannot be made or the file not be written.
pub fn make(file: &Path) -> Result<Vec<u8>> {
    let failed = |what: &str| Error::new(Kind::Internal, format!("the key of the app: {what}"));
    let key = new_key().ok_or_else(|| failed("cannot be made"))?;
    let private = key
        .to_pkcs8_der()
        .map_err(|_| failed("cannot be written down"))?;
    write_private(file, &pem("PRIVATE KEY", private.as_bytes()))
        .map_err(|e| failed("its file cannot be written").caused_by(e))?;
    let public = key
        .to_public_key()
        .to_pkcs1_der()
        .map_err(|_| failed("has no public half"))?;
    Ok(public.as_bytes().to_vec())
}

fn new_key() -> Option<RsaPrivateKey> {
    RsaPrivateKey::new(&mut System(SystemRandom::new()), BITS).ok()
}

/// A new private key as PKCS#8 that is kept in memory alone.
pub fn private() -> Option<Vec<u8>> {
    Some(new_key()?.to_pkcs8_der().ok()?.as_bytes().to_vec())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .filter_map(|at| text.get(at..text.len().min(at + 64)))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())
}
