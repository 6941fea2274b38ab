//! Releases of PHP before those of FrankenPHP: the language's own images with Apache, which run as any user.

use windlass_plugin_sdk::{Stage, Step, StepExt, copy_from, run, stage};

/// Oldest release that is planned.
pub(crate) const OLDEST: (u32, u32) = (5, 6);

/// First release that the newest Composer runs on.
const COMPOSER: (u32, u32) = (7, 3);

/// Returns the stage that installers of extensions come from.
pub(crate) fn installer() -> Stage {
    stage("extensions", "mlocati/php-extension-installer:2")
}

/// Returns the image of Composer for a release.
pub(crate) fn composer(version: (u32, u32)) -> &'static str {
    if version < COMPOSER { "composer:2.2" } else { "composer:2" }
}

/// Returns the steps that bring the installer and set folder and port.
pub(crate) fn steps(folder: &str, extensions: &[String]) -> Vec<Step> {
    let installer = "/usr/bin/install-php-extensions";
    let line = format!(
        "a2enmod rewrite headers && cd /etc/apache2 && \
         sed -ri -e 's!/var/www/html!{folder}!g' -e 's!:80>!:${{PORT}}>!' sites-available/*.conf && \
         sed -ri -e 's!/var/www/!/app/!g' apache2.conf conf-available/*.conf && \
         sed -ri -e 's!^Listen 80$!Listen ${{PORT}}!' ports.conf"
    );
    vec![
        copy_from("extensions", installer, installer),
        run(extensions),
        run(&["sh", "-c", line.as_str()]).why("Apache reads PORT when it starts"),
    ]
}
