//! Conversion of errors of SQLite and of files into the port's.

use windlass_engine::ports::store::StoreError;

/// Conversion of another library's error into the port's.
pub(crate) trait OrStore<T> {
    fn or_store(self) -> Result<T, StoreError>;
}

/// Returns whether an error is of the whole file, and so of every write.
pub(crate) fn is_of_all(error: &StoreError) -> bool {
    matches!(error, StoreError::Full(_) | StoreError::Busy(_))
}

/// Primary result codes of SQLite: <https://www.sqlite.org/rescode.html>.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const FULL: u32 = 13;
/// Extended code: there is no room for the memory that connections share.
const NO_ROOM_TO_SHARE: u32 = 4874;

impl<T> OrStore<T> for Result<T, sqlx::Error> {
    fn or_store(self) -> Result<T, StoreError> {
        self.map_err(|error| {
            let text = error.to_string();
            if let sqlx::Error::ColumnDecode { index, .. } = &error {
                return StoreError::Unreadable { what: format!("column {index}"), why: text };
            }
            let code = error.as_database_error().and_then(|error| error.code()?.parse().ok());
            if code == Some(NO_ROOM_TO_SHARE) {
                return StoreError::Full(text);
            }
            // The primary code is in the lowest byte of an extended one.
            match code.map(|code: u32| code & 0xff) {
                Some(FULL) => StoreError::Full(text),
                Some(BUSY | LOCKED) => StoreError::Busy(text),
                // A full disk can also show as an IO error.
                _ if text.contains("No space left") => StoreError::Full(text),
                _ => StoreError::Other(text),
            }
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
