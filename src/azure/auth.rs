//! Access tokens from Microsoft Entra ID.

pub mod aadsts;
pub mod assertion;
pub mod credential;
mod recording;
pub(crate) mod token;
