//! `X-Hub-Signature` (section 7.1): an HMAC of the body under the subscription's secret, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// What a ping's signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// The secret's holder sent this body.
    Good,
    /// There is none, or in a form that we do not know.
    Missing,
    /// Somebody else sent it, or it was changed on the way.
    Wrong,
}

/// Checks a header of the form `method=hexadecimal`.
pub(crate) fn check(header: Option<&str>, secret: &str, body: &[u8]) -> Signature {
    let Some((method, given)) = header.and_then(|header| header.trim().split_once('=')) else {
        return Signature::Missing;
    };
    let Some(given) = bytes(given.trim()) else { return Signature::Wrong };
    let key = secret.as_bytes();
    let good = match method.trim().to_ascii_lowercase().as_str() {
        "sha1" => {
            Hmac::<Sha1>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
        }
        "sha256" => {
            Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
        }
        "sha384" => {
            Hmac::<Sha384>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
        }
        "sha512" => {
            Hmac::<Sha512>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
        }
        _ => return Signature::Missing,
    };
    if good { Signature::Good } else { Signature::Wrong }
}

/// Hexadecimal digits of either case; none of the methods gives more than 64 bytes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > 128 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of RFC 2202 (case 2) and RFC 4231 (case 2): key "Jefe", data "what do ya want for nothing?".
    #[test]
    fn known_answers_and_forgeries() {
        let (secret, body) = ("Jefe", b"what do ya want for nothing?");
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for (header, expected) in [
            (Some("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79".to_owned()), Signature::Good),
            (Some(format!("sha256={sha256}")), Signature::Good),
            (Some(format!("SHA256={}", sha256.to_uppercase())), Signature::Good),
            (Some("sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649".to_owned()), Signature::Good),
            (Some("sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737".to_owned()), Signature::Good),
            (None, Signature::Missing),
            (Some(String::new()), Signature::Missing),
            (Some(sha256.to_owned()), Signature::Missing),
            (Some(format!("md5={sha256}")), Signature::Missing),
            (Some(format!("sha512={sha256}")), Signature::Wrong),
            (Some(format!("sha256={}", &sha256[..32])), Signature::Wrong),
            (Some("sha256=".to_owned()), Signature::Wrong),
            (Some("sha256=zz".to_owned()), Signature::Wrong),
            (Some(format!("sha256={}", "é".repeat(32))), Signature::Wrong),
            (Some(format!("sha256={}", "0".repeat(100_000))), Signature::Wrong),
        ] {
            assert_eq!(check(header.as_deref(), secret, body), expected, "{header:?}");
        }
        assert_eq!(check(Some(&format!("sha256={sha256}")), "jefe", body), Signature::Wrong);
        assert_eq!(check(Some(&format!("sha256={sha256}")), secret, b"what do ya want for nothing!"), Signature::Wrong);
    }
}
