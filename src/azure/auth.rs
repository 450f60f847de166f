//! Access tokens from Microsoft Entra ID.

pub mod assertion;
pub mod token;
