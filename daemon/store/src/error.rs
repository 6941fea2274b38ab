//! Conversion of errors of SQLite and of files into the port's.

use windlass_engine::ports::store::StoreError;

/// Conversion of another library's error into the port's.
pub(crate) trait OrStore<T> {
    fn or_store(self) -> Result<T, StoreError>;
}

impl<T> OrStore<T> for Result<T, sqlx::Error> {
    fn or_store(self) -> Result<T, StoreError> {
        self.map_err(|error| {
            let text = error.to_string();
            // SQLITE_FULL is 13; a full disk can also show as an IO error.
            let code = error.as_database_error().and_then(|error| error.code().map(String::from));
            let is_full = code.as_deref() == Some("13") || text.contains("No space left");
            if is_full { StoreError::Full(text) } else { StoreError::Other(text) }
        })
    }
}

impl<T> OrStore<T> for std::io::Result<T> {
    fn or_store(self) -> Result<T, StoreError> {
        self.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full(error.to_string()),
            _ => StoreError::Other(error.to_string()),
        })
    }
}
