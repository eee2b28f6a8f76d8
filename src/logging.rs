//! Logging: a file, levels by filter, secrets redacted by type.
