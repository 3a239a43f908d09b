//! Signed links to S3.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use serde_json::{Map, Value, json};
use store::blobs::{BlobError, Links, UploadForm};
use store::environment::{Environment, sortable};

/// How long a signature may hold at most.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Makes links to objects of a bucket, signed with the function's own credentials: they end with them at the latest.
pub struct S3Links {
    store: Arc<AmazonS3>,
    url: String,
    bucket: String,
    region: String,
    credentials: SharedCredentialsProvider,
    environment: Arc<dyn Environment>,
}

impl S3Links {
    /// Links to the objects of `store`, which is `bucket` and whose objects are addressed under `url`.
    pub fn new(
        store: Arc<AmazonS3>,
        url: impl Into<String>,
        bucket: impl Into<String>,
        region: impl Into<String>,
        credentials: SharedCredentialsProvider,
        environment: Arc<dyn Environment>,
    ) -> Self {
        let (url, bucket, region) = (url.into(), bucket.into(), region.into());
        Self { store, url, bucket, region, credentials, environment }
    }
}

#[async_trait]
impl Links for S3Links {
    /// See "Authenticating Requests in Browser-Based Uploads Using POST" of the S3 API reference.
    async fn upload(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires: Timestamp,
    ) -> Result<UploadForm, BlobError> {
        let credentials = self.credentials.provide_credentials().await.map_err(unavailable)?;
        let now = self.environment.now();
        let day = now.strftime("%Y%m%d");
        let scope = format!("{}/{day}/{}/s3/aws4_request", credentials.access_key_id(), self.region);
        let mut fields = Map::new();
        let mut field = |name: &str, value: String| fields.insert(name.to_owned(), Value::String(value));
        // The path as the store itself spells it, so that both name one object.
        field("key", Path::from(key).to_string());
        field("Content-Type", content_type.to_owned());
        field("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned());
        field("x-amz-credential", scope);
        field("x-amz-date", now.strftime("%Y%m%dT%H%M%SZ").to_string());
        if let Some(token) = credentials.session_token() {
            field("x-amz-security-token", token.to_owned());
        }

        let mut conditions =
            vec![json!({"bucket": self.bucket}), json!(["content-length-range", size, size])];
        conditions.extend(fields.iter().map(|(name, value)| json!(["eq", format!("${name}"), value])));
        let policy = json!({"expiration": sortable(expires), "conditions": conditions});
        let policy = BASE64.encode(policy.to_string());
        let time = SystemTime::from(now);
        let signing_key = generate_signing_key(credentials.secret_access_key(), time, &self.region, "s3");
        let signature = calculate_signature(signing_key, policy.as_bytes());
        fields.insert("policy".to_owned(), policy.into());
        fields.insert("x-amz-signature".to_owned(), signature.into());
        Ok(UploadForm { url: self.url.clone(), fields })
    }

    async fn download(&self, key: &str, name: &str, expires: Timestamp) -> Result<Option<String>, BlobError> {
        let left = Duration::try_from(expires.duration_since(self.environment.now())).unwrap_or_default();
        let options =
            SignedUrlOptions::new().with_query([("response-content-disposition", disposition(name))]);
        let url = self
            .store
            .signed_url_opts(
                Method::GET,
                &Path::from(key),
                left.clamp(Duration::from_secs(1), LONGEST),
                &options,
            )
            .await
            .map_err(unavailable)?;
        Ok(Some(url.into()))
    }
}

/// A `Content-Disposition` that saves as `name`, in the form of RFC 6266 with the encoding of RFC 5987.
fn disposition(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

fn unavailable(error: impl std::error::Error) -> BlobError {
    BlobError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded() {
        assert_eq!(disposition("a-b.pdf"), "attachment; filename*=UTF-8''a-b.pdf");
        assert_eq!(disposition("é\"\r\n;.txt"), "attachment; filename*=UTF-8''%C3%A9%22%0D%0A%3B.txt");
    }
}
