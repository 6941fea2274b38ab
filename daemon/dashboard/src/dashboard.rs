//! The dashboard as a router of its own.

use crate::{
    api, board::Board, codes::LoginCodes, files, guard::guard, identify::admit, live, login,
    sessions::Sessions, state::Shared,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use windlass_listen::Callers;
use windlass_service::Services;

/// Bytes of the largest body of a request. All are small JSON.
const LARGEST_BODY: usize = 64 << 10;

/// The operator's settings of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Names under which the page is reached, without a port. IP addresses and `localhost` need no entry: only a name
    /// can be made to lead elsewhere.
    pub hosts: Vec<String>,
    /// Time after which a session that is not used ends.
    pub idle: Duration,
    /// Time after which each session ends.
    pub total: Duration,
}

impl Default for Settings {
    /// Returns no names, 12 hours without use, and seven days in all.
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self { hosts: Vec::new(), idle: 12 * hour, total: 7 * 24 * hour }
    }
}

/// The dashboard.
#[derive(Clone)]
pub struct Dashboard {
    shared: Arc<Shared>,
}

impl Dashboard {
    /// Makes the dashboard, which redeems `codes`. Once `stop` is cancelled, live connections are closed with 1001, so that
    /// pages know to come back.
    #[must_use]
    pub fn new(
        services: Services,
        callers: Arc<Callers>,
        codes: LoginCodes,
        settings: Settings,
        stop: CancellationToken,
    ) -> Self {
        let sessions = Sessions::new(services.sessions.clone(), settings.idle, settings.total);
        let board = Board::new(services.clone());
        Self {
            shared: Arc::new(Shared {
                services,
                callers,
                sessions,
                hosts: settings.hosts,
                codes,
                failures: std::sync::Mutex::default(),
                board,
                stop,
            }),
        }
    }

    /// Returns the router. It has no fallback, so that it can be merged with others.
    pub fn router(&self) -> Router {
        let pages = ["/", "/jobs", "/jobs/{id}", "/projects/{*path}", "/plugins", "/clusters"];
        let known = Router::new()
            .route("/logout", post(login::leave))
            .route("/api/live", any(live::upgrade))
            .nest("/api", api::routes())
            .layer(from_fn_with_state(self.shared.clone(), admit));
        let mut router = Router::new()
            .route("/login", get(files::page).post(login::enter))
            .route("/assets/{name}", get(files::asset))
            .merge(known);
        for page in pages {
            router = router.route(page, get(files::page));
        }
        router
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(from_fn_with_state(self.shared.clone(), guard))
            .with_state(self.shared.clone())
    }
}
