//! Streams of the daemon as libgit2's and gix's transports: neither library opens a socket.

use crate::{
    link::{self, Reader, Writer},
    protocol::{Ask, Service},
};
use git2::transport::{self, SmartSubtransport, SmartSubtransportStream, Transport};
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use std::{
    any::Any,
    io::{self, Read, Write},
};

/// Schemes of repositories, and whether each request is an exchange of its own.
const SCHEMES: [(&str, bool); 3] = [("https", true), ("http", true), ("git", false)];

/// Replaces libgit2's own transports.
#[allow(
    unsafe_code,
    reason = "git2 requires that nothing else uses libgit2 meanwhile: the child has one thread so far"
)]
pub(crate) fn install() -> Result<(), git2::Error> {
    for (scheme, is_rpc) in SCHEMES {
        // SAFETY: the only thread of this process.
        unsafe {
            transport::register(scheme, move |remote| {
                Transport::smart(remote, is_rpc, Subtransport { is_rpc })
            })?;
        }
    }
    Ok(())
}

struct Subtransport {
    is_rpc: bool,
}

impl SmartSubtransport for Subtransport {
    fn action(
        &self,
        url: &str,
        service: transport::Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let service = match service {
            transport::Service::UploadPackLs => Service::Refs,
            transport::Service::UploadPack => Service::Pack,
            _ => return Err(git2::Error::from_str("nothing is pushed here")),
        };
        let opened = link::open(&Ask { url: url.into(), service, is_v2: false });
        let (reader, writer) = opened.map_err(|error| git2::Error::from_str(&error.to_string()))?;
        Ok(Box::new(Stream { reader, writer: Some(writer), is_rpc: self.is_rpc }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

struct Stream {
    reader: Reader,
    /// `None` means that the answer has begun.
    writer: Option<Writer>,
    is_rpc: bool,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_rpc {
            self.writer = None;
        }
        self.reader.read(into)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let ended = || io::Error::other("the request has ended already");
        self.writer.as_mut().ok_or_else(ended)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Requests of gix, in version 2 of the protocol. The daemon sets all headers, and has checked those of the answer.
pub(crate) struct Requests {
    /// Address of the repository.
    pub(crate) url: String,
}

impl Requests {
    fn open(&self, service: Service) -> io::Result<(Reader, Writer)> {
        link::open(&Ask { url: self.url.clone(), service, is_v2: true })
    }
}

impl Http for Requests {
    type Headers = &'static [u8];
    type ResponseBody = Reader;
    type PostBody = Writer;

    fn get(
        &mut self,
        _url: &str,
        _base_url: &str,
        _headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let (body, _) = self.open(Service::Refs).map_err(failed)?;
        Ok(GetResponse {
            headers: b"content-type: application/x-git-upload-pack-advertisement\n",
            body,
        })
    }

    fn post(
        &mut self,
        _url: &str,
        _base_url: &str,
        _headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let (body, post_body) = self.open(Service::Pack).map_err(failed)?;
        Ok(PostResponse {
            post_body,
            headers: b"content-type: application/x-git-upload-pack-result\n",
            body,
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }
}

fn failed(error: io::Error) -> gix::Error {
    gix::error::Message::new(error.to_string()).into()
}
