//! Lines of Python's source, as far as a start can be read from them.

/// Returns the first name at a module's top level that is assigned a call of one of these classes, with its line.
pub(crate) fn assigned(text: &str, classes: &[&str]) -> Option<(usize, String)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let (left, right) = line.split_once('=')?;
        let name = left.split([':', ',']).next().unwrap_or_default().trim_end();
        let (call, _) = right.trim_start().split_once('(')?;
        let class = call.rsplit('.').next().unwrap_or_default().trim();
        (is_name(name) && classes.contains(&class)).then(|| (index + 1, name.to_owned()))
    })
}

/// Returns a function that makes an app without an argument, with its line.
pub(crate) fn factory(text: &str) -> Option<(usize, &str)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let (name, rest) = line.strip_prefix("def ")?.split_once('(')?;
        let known = ["create_app", "make_app", "get_app", "build_app", "create_application"];
        let mut parameters = rest.split(')').next().unwrap_or_default().split(',');
        let needs = |part: &str| {
            let part = part.trim();
            !part.is_empty() && !part.contains('=') && !part.starts_with('*')
        };
        let is_free = !parameters.any(needs);
        (known.contains(&name.trim()) && is_free).then_some((index + 1, name.trim()))
    })
}

/// Functions that make an app.
const FACTORIES: [&str; 8] = [
    "create_app",
    "make_app",
    "get_app",
    "build_app",
    "create_application",
    "get_application",
    "make_application",
    "init_app",
];

/// Returns an app that a function makes at the module's top level, with its line: `app = create_app("production")`.
pub(crate) fn made(text: &str) -> Option<(usize, String)> {
    let (line, name) = assigned(text, &FACTORIES)?;
    matches!(&*name, "app" | "application" | "api" | "server").then_some((line, name))
}

/// Returns the line at which a module gets a name, by assignment or import.
pub(crate) fn has_name(text: &str, name: &str) -> Option<usize> {
    text.lines().enumerate().find_map(|(index, line)| {
        let assigns = line.split_once('=').is_some_and(|(left, right)| {
            !right.starts_with('=')
                && left.split(':').next().is_some_and(|left| left.trim_end() == name)
        });
        let names = |part: &str| {
            let part = part.trim_matches(['(', ')', ' ', '\t']);
            let last = part.rsplit_once(" as ").map_or(part, |(_, last)| last);
            last.trim() == name
        };
        let imports = line.starts_with("from ")
            && line.split_once(" import ").is_some_and(|(_, list)| {
                let list = list.split('#').next().unwrap_or_default();
                list.split(',').any(names)
            });
        (assigns || imports).then_some(index + 1)
    })
}

/// Returns whether a module starts itself when it is run.
pub(crate) fn starts_itself(text: &str) -> bool {
    let mut code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.any(|line| {
        line.starts_with("if ") && line.contains("__name__") && line.contains("__main__")
    })
}

/// Returns whether a module imports a package, at any level of indentation.
pub(crate) fn imports(text: &str, package: &str) -> bool {
    imported(text).any(|name| name == package)
}

/// Returns the packages that a module imports: the first part of each absolute name.
pub(crate) fn imported(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter_map(|line| {
        let rest = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "))?;
        let end = |c: char| !(c.is_alphanumeric() || c == '_');
        rest.trim_start().split(end).next().filter(|name| !name.is_empty())
    })
}

/// Returns the first text literal after a word, in its line or alone in the next. Comments do not count: those of
/// many a `wsgi.py` speak of the variable that its code sets.
pub(crate) fn literal_after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.match_indices(word).find_map(|(at, _)| {
        let (before, rest) = (text.get(..at)?, text.get(at + word.len()..)?);
        if before.rsplit('\n').next()?.contains('#') {
            return None;
        }
        let rest = rest.trim_start_matches(['"', '\'']);
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = match line.trim() {
            "," | "=" | "= (" => below.lines().next()?,
            _ => line,
        };
        let start = line.find(['"', '\''])?;
        let quote = line.get(start..)?.chars().next()?;
        line.get(start + 1..)?.split(quote).next()
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_found_at_the_top_level_only() {
        let classes = ["FastAPI"];
        for (text, name) in [
            ("app = FastAPI()", Some("app")),
            ("x = 1\napi: FastAPI = fastapi.FastAPI(title='x')", Some("api")),
            ("    app = FastAPI()", None),
            ("# app = FastAPI()", None),
            ("app == FastAPI()", None),
        ] {
            assert_eq!(assigned(text, &classes).map(|(_, name)| name).as_deref(), name, "{text}");
        }
        assert_eq!(factory("def create_app(config=None):\n"), Some((1, "create_app")));
        assert_eq!(factory("def create_app(config):\n"), None);
        assert_eq!(has_name("from shop import db, app as application\n", "application"), Some(1));
        assert_eq!(has_name("from shop import app\n", "application"), None);
        assert!(starts_itself("if __name__ == \"__main__\":\n"));
        assert!(!starts_itself("# if __name__ == '__main__'\n"));
        let text = "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", 'shop.settings')\n";
        assert_eq!(literal_after(text, "DJANGO_SETTINGS_MODULE"), Some("shop.settings"));
        let broken =
            "os.environ.setdefault(\n    \"DJANGO_SETTINGS_MODULE\",\n    \"shop.settings\",\n)\n";
        assert_eq!(literal_after(broken, "DJANGO_SETTINGS_MODULE"), Some("shop.settings"));
        let said = "# We defer to a DJANGO_SETTINGS_MODULE already in the environment.\n\
                    # os.environ[\"DJANGO_SETTINGS_MODULE\"] = \"other.settings\"\n";
        let said = format!("{said}{text}");
        assert_eq!(literal_after(&said, "DJANGO_SETTINGS_MODULE"), Some("shop.settings"));
        assert_eq!(literal_after("x = DJANGO_SETTINGS_MODULE\n", "DJANGO_SETTINGS_MODULE"), None);
    }
}
