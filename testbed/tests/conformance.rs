//! The adapter for tower and axum keeps every rule of adapters, and so does one that is written on a socket by
//! what the library offers; applications that are broken are found out.

#[path = "conformance/broken.rs"]
mod broken;
#[path = "conformance/frameless.rs"]
mod frameless;
mod site;

cloakroom::adapter_conformance!(axum, super::site::serve_testbed);
cloakroom::adapter_conformance!(no_framework, super::frameless::start);
