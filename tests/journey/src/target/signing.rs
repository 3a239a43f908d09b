//! Requests to AWS services, signed with the emulator's credentials.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

/// A request to a service, ready to be sent.
pub(super) fn signed(
    method: &str,
    service: &str,
    region: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> reqwest::Request {
    let identity = Credentials::new("test", "test", None, None, "emulator").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(crate::now()))
        .settings(SigningSettings::default())
        .build()
        .expect("every parameter is given")
        .into();
    let signable = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(&body));
    let instructions =
        sign(signable.expect("an URL of ours"), &parameters).expect("a request can be signed").into_parts().0;
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body).expect("headers of ours");
    instructions.apply_to_request_http1x(&mut request);
    request.try_into().expect("a request is a request")
}
