//! Gateway calls of one job, bound to the id of its build.

use crate::{connect::LARGEST_MESSAGE, syntax::Syntax};
use bollard_buildkit_proto::{
    fsutil::types::Stat,
    moby::buildkit::v1::frontend::{
        ExecMessage, FileRange, NewContainerRequest, PingRequest, ReadDirRequest, ReadFileRequest,
        ReleaseContainerRequest, Result as Built, ReturnRequest, SolveRequest,
        llb_bridge_client::LlbBridgeClient, result::Result as Refs,
    },
};
use std::collections::HashMap;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// Client of BuildKit's `LLBBridge`, for one build.
#[derive(Clone)]
pub(crate) struct Gateway {
    client: LlbBridgeClient<Channel>,
    id: MetadataValue<Ascii>,
}

impl Gateway {
    pub(crate) fn new(channel: Channel, id: &str) -> Option<Self> {
        let client = LlbBridgeClient::new(channel)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        Some(Self { client, id: id.parse().ok()? })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("buildkit-controlapi-buildid", self.id.clone());
        request
    }

    /// Waits until the build is registered: buildkitd itself waits up to three seconds.
    pub(crate) async fn ping(&self) -> Result<(), Status> {
        self.client.clone().ping(self.request(PingRequest {})).await.map(drop)
    }

    /// Builds a Dockerfile with these options, and waits for the result.
    pub(crate) async fn solve(&self, options: HashMap<String, String>) -> Result<Built, Status> {
        self.run(options, true).await
    }

    /// Makes the frontend read a Dockerfile with these options. Nothing is built.
    pub(crate) async fn convert(&self, options: HashMap<String, String>) -> Result<Built, Status> {
        self.run(options, false).await
    }

    async fn run(&self, options: HashMap<String, String>, evaluate: bool) -> Result<Built, Status> {
        let request = SolveRequest {
            frontend: Syntax::frontend(&options).into(),
            frontend_opt: options,
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate,
            ..SolveRequest::default()
        };
        let response = self.client.clone().solve(self.request(request)).await?.into_inner();
        response.result.ok_or_else(|| Status::internal("the builder gave no result"))
    }

    /// Ends the build, and gives its result to the builder, which exports it.
    pub(crate) async fn finish(&self, result: Built) -> Result<(), Status> {
        let request = ReturnRequest { result: Some(result), error: None };
        self.client.clone().r#return(self.request(request)).await.map(drop)
    }

    /// Reads a small file of the build's result. `None` means that it cannot be read.
    pub(crate) async fn read(&self, reference: &str, path: &str) -> Option<Vec<u8>> {
        let request = ReadFileRequest {
            r#ref: reference.into(),
            file_path: path.into(),
            ..ReadFileRequest::default()
        };
        let response = self.client.clone().read_file(self.request(request)).await.ok()?;
        Some(response.into_inner().data)
    }

    /// Lists a folder of a container. A folder that cannot be read has no entries.
    pub(crate) async fn list(&self, container: &str, path: &str) -> Vec<Stat> {
        let request =
            ReadDirRequest { r#ref: container.into(), dir_path: path.into(), ..Default::default() };
        let listed = self.client.clone().read_dir_container(self.request(request)).await;
        listed.map(|response| response.into_inner().entries).unwrap_or_default()
    }

    /// Reads the first `longest` bytes of a container's regular file. `None` means that it cannot be read.
    pub(crate) async fn read_in(
        &self,
        container: &str,
        path: &str,
        longest: u64,
    ) -> Option<Vec<u8>> {
        let length = i64::try_from(longest).ok()?;
        let request = ReadFileRequest {
            r#ref: container.into(),
            file_path: path.into(),
            range: Some(FileRange { offset: 0, length }),
            ..ReadFileRequest::default()
        };
        let read = self.client.clone().read_file_container(self.request(request)).await;
        Some(read.ok()?.into_inner().data)
    }

    pub(crate) async fn new_container(&self, request: NewContainerRequest) -> Result<(), Status> {
        self.client.clone().new_container(self.request(request)).await.map(drop)
    }

    pub(crate) async fn release_container(&self, id: &str) {
        let request = ReleaseContainerRequest { container_id: id.into() };
        let _ = self.client.clone().release_container(self.request(request)).await;
    }

    pub(crate) async fn exec(
        &self,
        messages: mpsc::Receiver<ExecMessage>,
    ) -> Result<Streaming<ExecMessage>, Status> {
        let request = self.request(ReceiverStream::new(messages));
        Ok(self.client.clone().exec_process(request).await?.into_inner())
    }
}

/// Returns the ref of a build for one platform.
pub(crate) fn reference(built: &Built) -> Option<String> {
    match built.result.as_ref()? {
        Refs::Ref(one) => Some(one.id.clone()),
        Refs::Refs(many) => many.refs.values().next().map(|one| one.id.clone()),
        Refs::RefDeprecated(one) => Some(one.clone()),
        Refs::RefsDeprecated(many) => many.refs.values().next().cloned(),
    }
}
