//! The adapter for tower and axum keeps every rule of adapters; applications that are broken are found out.

#[path = "conformance/broken.rs"]
mod broken;
mod site;

cloakroom::adapter_conformance!(axum, super::site::serve_testbed);
