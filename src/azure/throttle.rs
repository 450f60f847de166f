//! Throttling: a request takes a permit before it is sent, so that Azure Resource Manager has no reason to answer 429.
//!
//! Azure Resource Manager keeps a bucket for each principal, subscription (or tenant) and kind of request
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>). This process keeps
//! the same buckets, one set for all its clients, and corrects them by the headers of the answers. An object that has to wait for
//! longer than a second gets a place in the queue instead of a permit.
//!
//! All times are arguments, so that every rule is a unit test. This file only declares the parts.

mod bucket;
mod gate;
mod hold;
mod key;
mod kind;
mod limits;
mod line;
mod lowest;
mod permit;
mod resource;
mod turn;

pub(crate) use key::{Key, Principal, Scope};
pub use kind::Kind;
pub use limits::{Limits, Profile, Share};
pub(crate) use permit::{Admission, Asked, Permit, Refused, Throttle};
pub(crate) use resource::Resource;
pub use turn::{Class, Object, Turn};
