//! Size of an image, by the manifest that was pushed.
//!
//! buildkitd serves containerd's content API beside its own (`Controller.Register` in its
//! `control/control.go`), read only; its messages are in no crate that we have.

use serde::Deserialize;
use std::time::Duration;
use tonic::{Request, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

/// Longest wait for a size, which is worth no more.
const WAIT: Duration = Duration::from_secs(5);
/// Largest manifest, in bytes (the distribution spec asks registries for 4 MiB).
const LONGEST: usize = 4 << 20;
/// `service Content` of containerd's `api/services/content/v1/content.proto`.
const READ: &str = "/containerd.services.content.v1.Content/Read";

/// `ReadContentRequest` of the same file.
#[derive(Clone, PartialEq, prost::Message)]
struct ReadRequest {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    offset: i64,
    /// 0 means all bytes.
    #[prost(int64, tag = "3")]
    size: i64,
}

/// `ReadContentResponse` of the same file.
#[derive(Clone, PartialEq, prost::Message)]
struct ReadResponse {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// Sizes in an OCI manifest.
#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    size: u64,
}

/// Returns the bytes of configuration and layers. `None` means that the builder does not report them.
pub(crate) async fn of(channel: Channel, digest: &str) -> Option<u64> {
    let read = tokio::time::timeout(WAIT, read(channel, digest)).await;
    sum(&read.ok()??)
}

async fn read(channel: Channel, digest: &str) -> Option<Vec<u8>> {
    let mut client = Grpc::new(channel);
    client.ready().await.ok()?;
    let request = ReadRequest { digest: digest.into(), offset: 0, size: 0 };
    let codec = ProstCodec::<ReadRequest, ReadResponse>::default();
    let path = PathAndQuery::from_static(READ);
    let answer = client.server_streaming(Request::new(request), path, codec).await.ok()?;
    let mut parts = answer.into_inner();
    let mut content = Vec::new();
    while let Some(part) = parts.message().await.ok()? {
        content.extend(part.data);
        if content.len() > LONGEST {
            return None;
        }
    }
    Some(content)
}

fn sum(manifest: &[u8]) -> Option<u64> {
    let manifest: Manifest = serde_json::from_slice(manifest).ok()?;
    let layers = manifest.layers.iter().map(|layer| layer.size);
    Some(layers.fold(manifest.config.size, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn a_manifest_tells_the_size_and_an_index_does_not() {
        let manifest = br#"{"config":{"size":3},"layers":[{"size":40},{"size":500}]}"#;
        assert_eq!(sum(manifest), Some(543));
        assert_eq!(sum(br#"{"manifests":[{"size":7}]}"#), None);
        assert_eq!(sum(b""), None);
    }
}
