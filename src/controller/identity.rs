//! The identity in Azure that a reconcile uses: the operator's, or that of a ServiceAccount of the object's namespace.
//!
//! The account is read in the object's own namespace and nowhere else. If it is unusable, the client fails every call with
//! the reason, so that a reconcile of an object that names an account can't fall back to the operator's identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Assertion, Credential, Freshness};
use crate::error_chain::chain;
use crate::object_name::is_subdomain;
use crate::service_error::{Service, ServiceError};

/// The annotations of AKS' workload identity. Source: <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>.
const CLIENT_ID: &str = "azure.workload.identity/client-id";
const TENANT_ID: &str = "azure.workload.identity/tenant-id";

/// The annotations of an account are read again after this time: reconciles are many, accounts are few and change seldom.
const ACCOUNT_TTL: Duration = Duration::from_mins(1);
/// An identity that was not used for this long is dropped, with its token.
const IDLE_TTL: Duration = Duration::from_hours(1);
/// At most this many identities are cached; the one that was unused for longest is evicted first.
const MAX_IDENTITIES: usize = 1000;
/// The API server issues no token for a shorter time (ten minutes), and none is used for longer than one exchange takes.
const TOKEN_SECONDS: i64 = 600;

/// The identities in Azure of the accounts of namespaces.
pub struct Identities {
    /// The tenant of an account that names none.
    tenant: Option<String>,
    capacity: usize,
    cached: Mutex<HashMap<Place, Cached>>,
}

/// Namespace and name of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    namespace: String,
    name: String,
}

/// The identity of an account. An account of the same name with another UID or client ID shares no token with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    uid: String,
    tenant: String,
    client: String,
}

struct Cached {
    account: Account,
    azure: Arc<azure::Client>,
    seen: Instant,
    used: Instant,
}

impl Identities {
    /// Without any identity yet. `tenant` is that of accounts that name none.
    #[must_use]
    pub fn new(tenant: Option<String>) -> Self {
        Self { tenant, capacity: MAX_IDENTITIES, cached: Mutex::default() }
    }

    /// The client of Azure for this object.
    pub async fn of(
        &self,
        object: &SynapseSparkAttachment,
        freshness: Freshness,
        kube: &Client,
        operator: &Arc<azure::Client>,
    ) -> Arc<azure::Client> {
        let Some(name) = object.spec.service_account_name.clone() else { return operator.clone() };
        let place = Place { namespace: object.namespace().unwrap_or_default(), name };
        let is_deleted = object.metadata.deletion_timestamp.is_some();
        match self.client(place, is_deleted, freshness, kube, operator).await {
            Ok(azure) => azure,
            Err(why) => Arc::new(operator.unavailable(why)),
        }
    }

    async fn client(
        &self,
        place: Place,
        is_deleted: bool,
        freshness: Freshness,
        kube: &Client,
        operator: &azure::Client,
    ) -> Result<Arc<azure::Client>, azure::Error> {
        // It becomes part of a path. Admission refuses it too, but what is stored may be older than its rules.
        if !is_subdomain(&place.name) {
            return Err(refusal(format!("spec.serviceAccountName {:?} is not a valid name of a ServiceAccount", place.name)));
        }
        if matches!(freshness, Freshness::Within(_))
            && let Some(azure) = self.cached(&place, ACCOUNT_TTL)
        {
            return Ok(azure);
        }
        let meta = match Api::<ServiceAccount>::namespaced(kube.clone(), &place.namespace).get_metadata_opt(&place.name).await {
            Ok(Some(account)) => account.metadata,
            // In a namespace that is deleted, the accounts may be deleted first: the last token may be valid for long enough to
            // detach.
            Ok(None) if is_deleted => return self.cached(&place, IDLE_TTL).ok_or_else(|| place.absent()),
            Ok(None) => return Err(place.absent()),
            Err(error) => {
                let why = place.refused("get", &error);
                let passes = matches!(why, azure::Error::Unavailable { .. });
                return self.cached(&place, IDLE_TTL).filter(|_| passes).ok_or(why);
            }
        };
        let account = self.account(&place, &meta)?;
        self.cache(place, account, kube, operator)
    }

    /// The account's annotations.
    fn account(&self, place: &Place, meta: &ObjectMeta) -> Result<Account, azure::Error> {
        let of = |annotation: &str| {
            let value = meta.annotations.as_ref().and_then(|all| all.get(annotation)).map(|value| value.trim());
            match value.filter(|value| !value.is_empty()) {
                Some(value) if uuid::Uuid::try_parse(value).is_ok() && value.len() == 36 => Ok(Some(value.to_ascii_lowercase())),
                Some(value) => Err(refusal(format!("{place} has the annotation {annotation}: {value:?}, which is not a GUID"))),
                None => Ok(None),
            }
        };
        let missing = |annotation: &str, what: &str| refusal(format!("{place} has no annotation {annotation}: set it to {what}"));
        let client = of(CLIENT_ID)?
            .ok_or_else(|| missing(CLIENT_ID, "the client ID of the managed identity or application that trusts this account"))?;
        let tenant = of(TENANT_ID)?
            .or_else(|| self.tenant.clone())
            .ok_or_else(|| missing(TENANT_ID, "the ID of its Entra tenant; the operator has no default tenant"))?;
        Ok(Account { uid: meta.uid.clone().unwrap_or_default(), tenant, client })
    }

    /// The client of an account that was seen this long ago at most.
    fn cached(&self, place: &Place, longest: Duration) -> Option<Arc<azure::Client>> {
        let mut cached = self.cached.lock().expect("no holder panics");
        let found = cached.get_mut(place).filter(|one| one.seen.elapsed() <= longest)?;
        found.used = Instant::now();
        Some(found.azure.clone())
    }

    /// The client of an account that was just read: the existing one, if it is still the same account.
    fn cache(
        &self,
        place: Place,
        account: Account,
        kube: &Client,
        operator: &azure::Client,
    ) -> Result<Arc<azure::Client>, azure::Error> {
        let now = Instant::now();
        let mut cached = self.cached.lock().expect("no holder panics");
        cached.retain(|_, one| one.used.elapsed() <= IDLE_TTL);
        if let Some(same) = cached.get_mut(&place).filter(|one| one.account == account) {
            (same.seen, same.used) = (now, now);
            return Ok(same.azure.clone());
        }
        let credential = Credential::Federated {
            tenant: account.tenant.clone(),
            client: account.client.clone(),
            assertion: Arc::new(AccountToken {
                kube: kube.clone(),
                place: place.clone(),
                audience: operator.token_audience().to_owned(),
            }),
        };
        let azure = Arc::new(operator.with_credential(credential).map_err(|wrong| refusal(format!("{place}: {wrong}")))?);
        if cached.len() >= self.capacity
            && !cached.contains_key(&place)
            && let Some(oldest) = cached.iter().min_by_key(|(_, one)| one.used).map(|(place, _)| place.clone())
        {
            cached.remove(&oldest);
        }
        tracing::info!(namespace = place.namespace, account = place.name, client = account.client, "identity created");
        cached.insert(place, Cached { account, azure: azure.clone(), seen: now, used: now });
        Ok(azure)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServiceAccount {} of namespace {}", self.name, self.namespace)
    }
}

impl Place {
    fn absent(&self) -> azure::Error {
        refusal(format!("{self} does not exist. Create it again. To delete the attachment without it, see docs/deletion.md"))
    }

    /// What a refusal of Kubernetes means for the account's token.
    fn refused(&self, verb: &str, error: &kube::Error) -> azure::Error {
        match error {
            kube::Error::Api(status) if status.code == 404 => self.absent(),
            kube::Error::Api(status) if status.code == 403 => refusal(format!(
                "the operator may not use {self}: set namespaceIdentity.enabled in the chart's values ({})",
                status.message
            )),
            kube::Error::Api(status) if (400..500).contains(&status.code) && !matches!(status.code, 408 | 429) => {
                refusal(format!("{self}: Kubernetes refuses to {verb}: {}", status.message))
            }
            other => unanswered(format!("{self}: the Kubernetes API server is unavailable: {}", chain(other))),
        }
    }
}

/// What `azure` exchanges at Entra: a token that Kubernetes signs for the account.
struct AccountToken {
    kube: Client,
    place: Place,
    audience: String,
}

#[async_trait::async_trait]
impl Assertion for AccountToken {
    async fn token(&self) -> Result<String, azure::Error> {
        let spec = TokenRequestSpec {
            audiences: vec![self.audience.clone()],
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        };
        let asked = TokenRequest { spec, ..TokenRequest::default() };
        let api = Api::<ServiceAccount>::namespaced(self.kube.clone(), &self.place.namespace);
        let answer = api.create_token_request(&self.place.name, &PostParams::default(), &asked).await;
        let answer = answer.map_err(|error| self.place.refused("create a token", &error))?;
        answer
            .status
            .map(|status| status.token)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| unanswered(format!("{}: the Kubernetes API server returned no token", self.place)))
    }
}

fn refusal(message: String) -> azure::Error {
    azure::Error::CredentialUnavailable(of_kubernetes(message))
}

fn unanswered(message: String) -> azure::Error {
    azure::Error::Unavailable { error: of_kubernetes(message), retry_after: None }
}

fn of_kubernetes(message: String) -> ServiceError {
    ServiceError { message, service: Service::Kubernetes, ..ServiceError::default() }
}

#[cfg(test)]
mod tests;
