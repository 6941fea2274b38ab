//! Commits with their trees in one request, over protocol v2, and without the contents of files where the server offers
//! that.
//!
//! gix fetches all that a remote's refspecs name, with contents. Here its protocol is used with wants of our own, and
//! libgit2 keeps the pack.

use crate::{
    link,
    protocol::{HEARTBEAT, Reply},
    version_2::{self, failed},
};
use git2::{Oid, Repository};
use gix::{
    hash::ObjectId,
    progress::Discard,
    protocol::{
        self as wire,
        fetch::{
            Arguments, Context, Negotiate, Options, Response, Shallow, Tags,
            negotiate::{Action, Round, one_round::State},
        },
    },
};
use gix_transport::{Protocol, Service};
use std::{io, num::NonZeroU32, path::Path, sync::atomic::AtomicBool, time::Instant};

/// Filter of objects: commits and trees alone.
const NO_CONTENTS: &str = "blob:none";

/// Name of this client, as servers log it.
const AGENT: &str = "windlass";

/// Fetches commits, without their history, into the repository at `to`.
pub(crate) fn fetch(
    url: &str,
    ids: &[Oid],
    repository: &Repository,
    to: &str,
) -> Result<(), String> {
    receive(url, ids, repository, to).map_err(|error| error.to_string())
}

fn receive(url: &str, ids: &[Oid], repository: &Repository, to: &str) -> gix::Result<()> {
    let mut wants = Wants(Vec::new());
    for id in ids {
        wants.0.push(ObjectId::from_hex(id.to_string().as_bytes())?);
    }
    let mut transport = version_2::connect(url)?;
    // The daemon sends the login.
    let mut handshake = wire::handshake(
        &mut transport,
        Service::UploadPack,
        |_| Ok(None),
        Vec::new(),
        &mut Discard,
    )?;
    if handshake.server_protocol_version != Protocol::V2 {
        return Err(failed("the server does not speak version 2 of the protocol"));
    }
    let odb = repository.odb().map_err(failed)?;
    let mut pack = odb.packwriter().map_err(failed)?;
    let mut last = Instant::now();
    pack.progress(move |_| {
        if last.elapsed() > HEARTBEAT {
            link::send(&Reply::Alive);
            last = Instant::now();
        }
        true
    });
    let context = Context {
        handshake: &mut handshake,
        transport: &mut transport,
        user_agent: ("agent", Some(wire::agent(AGENT))),
        trace_packetlines: false,
    };
    let only = Shallow::DepthAtRemote(NonZeroU32::MIN);
    let options = Options {
        shallow_file: Path::new(to).join(".git/shallow"),
        shallow: &only,
        tags: Tags::None,
        reject_shallow_remote: false,
    };
    wire::fetch(
        &mut wants,
        |reader, _, _| {
            io::copy(reader, &mut pack).map_err(failed)?;
            pack.commit().map_err(failed)?;
            Ok(true)
        },
        Discard,
        &AtomicBool::new(false),
        context,
        options,
    )?;
    Ok(())
}

/// Commits that are wanted, whatever is there already: the repository is empty.
struct Wants(Vec<ObjectId>);

impl Negotiate for Wants {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _: &[bool]) -> bool {
        if arguments.can_use_filter() {
            arguments.filter(NO_CONTENTS);
        }
        for id in &self.0 {
            arguments.want(id);
        }
        !self.0.is_empty()
    }

    fn one_round(
        &mut self,
        _: &mut State,
        _: &mut Arguments,
        _: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        let round = Round {
            haves_sent: 0,
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
