//! Our BuildKit client, and the Builder port on it.
