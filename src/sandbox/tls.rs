//! HTTPS for the org: an authority of its own, and a certificate for this machine's loopback names.
//!
//! Clients learn the authority from the file that [`Authority::pem`] is written to; its key is
//! forgotten at once, so nothing else can ever be signed with it.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::error::{Error, Kind, Result};

/// What the org shows to clients, and what they need to trust it.
pub struct Authority {
    /// The authority's certificate in PEM.
    pub pem: String,
    pub acceptor: TlsAcceptor,
}

/// Makes an authority and a certificate for `localhost`, `127.0.0.1` and `::1`.
///
/// # Errors
///
/// [`Kind::Internal`] when a key or a certificate cannot be made.
pub fn make() -> Result<Authority> {
    let failed =
        |e: rcgen::Error| Error::new(Kind::Internal, "the certificate cannot be made").caused_by(e);
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Sandbox org of this machine");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(failed)?;
    let issuer = CertifiedIssuer::self_signed(params, key).map_err(failed)?;

    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Python's checks of today refuse a chain without the key's identifiers.
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;

    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let wrong = |e: tokio_rustls::rustls::Error| {
        Error::new(Kind::Internal, "the certificate cannot be used").caused_by(e)
    };
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .map_err(wrong)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Authority {
        pem: issuer.pem(),
        acceptor: TlsAcceptor::from(Arc::new(config)),
    })
}
