//! Why a request is not answered.

use axum::http::StatusCode;

/// The status of the answer, and its text.
pub(super) type Refusal = (StatusCode, &'static str);
