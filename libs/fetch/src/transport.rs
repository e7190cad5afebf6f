//! How the HTTP library is set up: TLS, pool, and everything switched off that would send more than was asked for.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use url::Url;

use crate::{
    config::{ConfigError, FetchConfig},
    resolve::GuardedResolver,
};

fn setup(error: impl std::fmt::Display) -> ConfigError {
    ConfigError::Setup(error.to_string())
}

/// The HTTP library's client with no redirects, cookies, referrer, retries, environment proxies or decoding of its own.
pub(crate) fn build(
    config: &FetchConfig,
    resolver: GuardedResolver,
    idle: usize,
) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(config)?)
        .dns_resolver(resolver)
        .redirect(reqwest::redirect::Policy::none())
        // A request counts against the host's pause; sending it twice unasked would break that.
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.pool_idle)
        .pool_max_idle_per_host(idle)
        .tcp_nodelay(true)
        .http1_max_headers(usize::from(config.max_header_fields))
        .http2_max_header_list_size(config.max_header)
        // Publishers' servers do all of these; browsers put up with them.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true);
    if let Some(proxy) = &config.proxy {
        builder = builder.proxy(reqwest::Proxy::all(Url::clone(proxy)).map_err(setup)?);
    }
    builder.build().map_err(setup)
}

fn tls(config: &FetchConfig) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &config.ca_file {
        let wrong = |error: String| ConfigError::Value {
            key: "ca_file",
            message: format!("{} gives no certificates: {error}", path.display()),
        };
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("no PEM block found".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
