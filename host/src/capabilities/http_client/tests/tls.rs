//! HTTPS: whom the client trusts, and by which name it calls.

use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;

use super::{server::read_request, *};

/// A server with a certificate of its own making for a name. It tells the names that clients call it by.
async fn start(
    name: &str,
) -> (u16, rustls::pki_types::CertificateDer<'static>, mpsc::UnboundedReceiver<Option<String>>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (called, calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = called.send(stream.get_ref().1.server_name().map(str::to_owned));
            if read_request(&mut stream).await.is_some() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (port, certificate.der().clone(), calls)
}

fn trusting(root: Option<rustls::pki_types::CertificateDer<'static>>) -> Outbound {
    Outbound::new(OutboundSettings {
        allow_private_addresses: vec!["127.0.0.1".parse().unwrap()],
        additional_roots: root.into_iter().collect(),
        resolver: Names::of(&[("api.test", &["127.0.0.1"]), ("other.test", &["127.0.0.1"])]),
    })
    .unwrap()
}

#[tokio::test]
async fn a_server_is_called_and_checked_by_the_name_of_the_url() {
    let (port, root, mut calls) = start("api.test").await;
    let outbound = trusting(Some(root));
    let url = format!("https://api.test:{port}/");
    let answer = send(&outbound, &format!("api.test:{port}"), get(url)).await.unwrap();
    assert_eq!(answer.body, b"hi");
    assert_eq!(calls.recv().await.unwrap().as_deref(), Some("api.test"));

    let url = format!("https://other.test:{port}/");
    let refused = send(&outbound, &format!("other.test:{port}"), get(url)).await.map(drop);
    assert!(matches!(&refused, Err(SendError::Connection(why)) if why.contains("TLS")), "{refused:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (port, _, _calls) = start("api.test").await;
    let url = format!("https://api.test:{port}/");
    let refused = send(&trusting(None), &format!("api.test:{port}"), get(url)).await.map(drop);
    assert!(matches!(&refused, Err(SendError::Connection(why)) if why.contains("TLS")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_no_https_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let url = format!("https://api.test:{port}/");
    let refused = send(&trusting(None), &format!("api.test:{port}"), get(url)).await.map(drop);
    assert!(matches!(&refused, Err(SendError::Connection(why)) if why.contains("TLS")), "{refused:?}");
}
