//! For whom a client sends requests: an object, which gets a place in line, or a command, which waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::azure::auth::token::AccessToken;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::throttle::{Class, Key, Kind, Object, Permit, Resource, Scope, Turn};
use crate::azure::transport::ApiRequest;
use crate::resource_id::ComputeId;

impl Client {
    /// The same client, which sends requests for an object: if Azure's limits do not allow one, the object gets a place in
    /// line, and the call returns [`Error::Queued`].
    #[must_use]
    pub fn with_turn(&self, turn: Turn) -> Self {
        Self { permits: self.permits.with_turn(turn), ..self.clone() }
    }

    /// The same client, which sends requests for a command: it waits for its permits, some minutes at most, and calls this
    /// with the expected time when it has to.
    #[must_use]
    pub fn with_notice(&self, notify: fn(Duration)) -> Self {
        Self { permits: self.permits.with_notice(notify), ..self.clone() }
    }

    /// The same client, which sends a request only if no other one waits in line: else the call returns [`Error::Queued`] at once,
    /// and gets no place.
    #[must_use]
    pub fn without_waiting(&self) -> Self {
        Self { permits: self.permits.without_waiting(), ..self.clone() }
    }

    /// The same client with a permit for one PUT or DELETE of this compute, which is requested with this urgency. If it is not
    /// used, others get it.
    ///
    /// # Errors
    ///
    /// [`Error::Queued`] if others are to be served first, [`Error::Throttled`] while Azure requires a pause, or the error
    /// of the access token.
    pub async fn reserve(&self, kind: Kind, class: Class, compute: &ComputeId) -> Result<Self, Error> {
        let principal = self.tokens.arm.bearer().await?.principal;
        let key = Key { principal, scope: Scope::of(compute.workspace().subscription()), kind };
        // As the request will name it: in a URL, letters of other scripts are encoded.
        let url = self.origin.admit(&compute.to_string()).map_err(|foreign| Error::unavailable(foreign.to_string()))?;
        let (permit, _) = self.permits.with_class(class).take(&key, &Resource::of(url.path())).await?;
        Ok(Self { permits: self.permits.with_reserved(permit), ..self.clone() })
    }

    /// When the turn of an object that waits in line is expected, from now. None if it may ask again now, or does not wait.
    #[must_use]
    pub fn turn_of(&self, object: &Object) -> Option<Duration> {
        self.permits.throttle.turn_of(object, Instant::now())
    }

    /// An object waits no longer, whatever it waited for.
    pub fn withdraw(&self, object: &Object) {
        self.permits.throttle.withdraw(object, Instant::now());
    }

    /// Calls this with each waiting object whose turn comes before it expected it. Only the first call of this method has an
    /// effect, for all clients that share these buckets.
    pub fn on_turn(&self, called: impl Fn(&Object) + Send + Sync + 'static) {
        self.permits.throttle.on_turn(called);
    }

    /// An access token for this request, and a permit: the reserved one, or one of the bucket of the token's principal.
    pub(super) async fn admitted(&self, request: &ApiRequest<'_>, resource: &Resource) -> Result<(AccessToken, Permit), Error> {
        let token = request.tokens.bearer().await?;
        let key = Key { principal: token.principal.clone(), scope: request.scope.clone(), kind: request.call.kind() };
        if let Some(reserved) = self.permits.take_reserved(&key) {
            return Ok((token, reserved));
        }
        let (permit, has_waited) = self.permits.take(&key, resource).await?;
        // The wait may have outlived the token.
        let token = if has_waited { request.tokens.bearer().await? } else { token };
        Ok((token, permit))
    }
}
