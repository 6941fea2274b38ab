//! The wire: messages and services of windlass.v1.
