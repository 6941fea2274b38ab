//! Images that jobs pushed again after their releases were collected.

use crate::error::OrStore;
use sqlx::SqliteConnection;
use windlass_engine::ports::store::StoreError;
use windlass_model::job::Release;

/// Gives up the deletion of an image that was pushed again, for whichever environment of its app.
pub(super) async fn keep_image(
    connection: &mut SqliteConnection,
    release: &Release,
) -> Result<(), StoreError> {
    let update = sqlx::query(
        "UPDATE collected SET tries = NULL \
         WHERE project = ? AND app = ? AND digest = ? AND tries IS NOT NULL",
    );
    let update = update.bind(&release.app.project).bind(&release.app.name);
    update.bind(&release.image.digest).execute(connection).await.or_store()?;
    Ok(())
}
