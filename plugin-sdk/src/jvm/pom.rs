//! A pom.xml, and its parents in the repository.

use crate::{
    App, Refusal, read,
    workspace::folders::{join, parent},
};
use roxmltree::{Document, Node};

/// Longest chain of parents that is followed.
const MOST_PARENTS: usize = 10;

/// Longest chain of properties that refer to one another.
const MOST_PROPERTIES: usize = 10;

/// Project of Maven.
#[derive(Clone, Debug, Default)]
pub struct Pom {
    /// Path from the repository's root.
    pub path: String,
    /// The `<artifactId>`.
    pub artifact: String,
    /// The `<packaging>`, `jar` where there is none.
    pub packaging: String,
    /// The `<parent>`. `None` means that the project has none.
    pub parent: Option<Parent>,
    /// Folders of `<modules>`, also of profiles, each with its line.
    pub modules: Vec<(usize, String)>,
    /// Values of `<properties>`, each with its line.
    pub properties: Vec<(usize, String, String)>,
    /// Plugins of `<build>`.
    pub plugins: Vec<Plugin>,
    /// Dependencies of the project.
    pub dependencies: Vec<Dependency>,
    /// Set where a repository is a folder of the tree, or a dependency a file of it.
    pub needs_tree: bool,
}

/// Project that another one inherits from.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Line of the element.
    pub line: usize,
    /// The `<artifactId>`.
    pub artifact: String,
    /// The `<version>`.
    pub version: String,
    /// The `<relativePath>`. `None` means Maven's default, `../pom.xml`.
    pub path: Option<String>,
}

/// Plugin of a build.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Line of the element.
    pub line: usize,
    /// The `<artifactId>`.
    pub artifact: String,
    /// The `<version>`. Empty where there is none.
    pub version: String,
    /// Set where it stands in `<pluginManagement>`, which runs nothing.
    pub is_managed: bool,
    /// Settings, of any depth: line, name of the element, and its text.
    pub settings: Vec<(usize, String, String)>,
}

/// Dependency of a project.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Line of the element.
    pub line: usize,
    /// The `<artifactId>`.
    pub artifact: String,
    /// The `<version>`. Empty where there is none.
    pub version: String,
    /// The `<scope>`, `compile` where there is none.
    pub scope: String,
    /// Set where it stands in `<dependencyManagement>`, which adds nothing.
    pub is_managed: bool,
}

impl Plugin {
    /// Returns the first setting of a name, with its line.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<(usize, &str)> {
        let found = self.settings.iter().find(|(_, known, _)| known == name);
        found.map(|(line, _, value)| (*line, value.as_str()))
    }
}

/// A project, and its parents in the repository, the nearest first.
#[derive(Clone, Debug)]
pub struct Chain(pub Vec<Pom>);

impl Chain {
    /// Reads the project of a folder, which is relative to the repository's root. `None` means that it has no pom.xml.
    ///
    /// # Errors
    /// A pom.xml is no XML, or its parent is missing.
    pub fn read(app: &App<'_>, folder: &str) -> Result<Option<Self>, Refusal> {
        let Some(first) = read(app, &join(folder, "pom.xml").unwrap_or_default())? else {
            return Ok(None);
        };
        let mut chain = vec![first];
        while let Some(path) = chain.last().and_then(above) {
            let Some(pom) = read(app, &path)? else { break };
            let is_named = chain
                .last()
                .and_then(|child| child.parent.as_ref())
                .is_some_and(|named| named.artifact == pom.artifact);
            // Maven takes another project at that path for none.
            if !is_named || chain.len() > MOST_PARENTS {
                break;
            }
            chain.push(pom);
        }
        Ok(Some(Self(chain)))
    }

    /// Returns the project itself.
    #[must_use]
    pub fn project(&self) -> Option<&Pom> {
        self.0.first()
    }

    /// Returns a property of the nearest project that sets it, with its place.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<(String, String)> {
        self.0.iter().find_map(|pom| {
            let (line, _, value) =
                pom.properties.iter().rev().find(|(_, known, _)| known == name)?;
            Some((self.resolve(value), format!("{}:{line} {name}", pom.path)))
        })
    }

    /// Returns a text with the values of its properties. A property that is not known stays as it is written.
    #[must_use]
    pub fn resolve(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for _ in 0..MOST_PROPERTIES {
            let Some((before, rest)) = text.split_once("${") else { break };
            let Some((name, after)) = rest.split_once('}') else { break };
            let value = self.0.iter().find_map(|pom| {
                let found = pom.properties.iter().rev().find(|(_, known, _)| known == name);
                found.map(|(_, _, value)| value.as_str())
            });
            let Some(value) = value.filter(|value| value.len() < 1_000) else { break };
            text = format!("{before}{value}{after}");
        }
        text
    }

    /// Returns a plugin that the build runs, of the nearest project that names it, with that project's path.
    #[must_use]
    pub fn plugin(&self, artifact: &str) -> Option<(&str, &Plugin)> {
        self.0.iter().find_map(|pom| {
            let mut plugins = pom.plugins.iter();
            let found = plugins.find(|plugin| plugin.artifact == artifact && !plugin.is_managed)?;
            Some((pom.path.as_str(), found))
        })
    }

    /// Returns all plugins of a name, also those that are only managed.
    pub fn plugins<'a>(&'a self, artifact: &'a str) -> impl Iterator<Item = (&'a str, &'a Plugin)> {
        self.0.iter().flat_map(move |pom| {
            let plugins = pom.plugins.iter().filter(move |plugin| plugin.artifact == artifact);
            plugins.map(|plugin| (pom.path.as_str(), plugin))
        })
    }

    /// Returns the first dependency that fits, with its place.
    pub fn dependency(&self, fits: impl Fn(&Dependency) -> bool) -> Option<(String, &Dependency)> {
        self.0.iter().find_map(|pom| {
            let mut all = pom.dependencies.iter();
            let found = all.find(|dependency| !dependency.is_managed && fits(dependency))?;
            Some((format!("{}:{} {}", pom.path, found.line, found.artifact), found))
        })
    }
}

/// Returns the path of a project's parent in the repository.
fn above(pom: &Pom) -> Option<String> {
    let named = pom.parent.as_ref()?;
    let path = named.path.as_deref().unwrap_or("../pom.xml");
    if path.is_empty() {
        return None;
    }
    let path = join(parent(&pom.path), path)?;
    Some(if path.ends_with(".xml") { path } else { join(&path, "pom.xml")? })
}

/// Reads a pom.xml, by its path from the repository's root. `None` means that there is none.
///
/// # Errors
/// The file is no XML.
pub fn read(app: &App<'_>, path: &str) -> Result<Option<Pom>, Refusal> {
    let Some(file) = app.read_repo(path)? else { return Ok(None) };
    let mut pom = read::xml(&file, project)?;
    pom.path = path.to_owned();
    Ok(Some(pom))
}

fn project(document: &Document<'_>) -> Pom {
    let root = document.root_element();
    // Positions are asked for often, and each would count the lines from the start.
    let ends: Vec<usize> = document.input_text().match_indices('\n').map(|(at, _)| at).collect();
    let line = |node: Node<'_, '_>| ends.partition_point(|end| *end < node.range().start) + 1;
    let mut pom = Pom {
        artifact: text(root, "artifactId"),
        packaging: text(root, "packaging"),
        ..Pom::default()
    };
    if pom.packaging.is_empty() {
        pom.packaging = "jar".to_owned();
    }
    if let Some(node) = child(root, "parent") {
        pom.parent = Some(Parent {
            line: line(node),
            artifact: text(node, "artifactId"),
            version: text(node, "version"),
            path: child(node, "relativePath").map(|_| text(node, "relativePath")),
        });
    }
    for node in root.descendants().filter(Node::is_element) {
        match node.tag_name().name() {
            "module" if is_in(node, "modules") => pom.modules.push((line(node), own(node))),
            "plugin" if is_in(node, "plugins") && !is_reporting(node) => {
                let settings = node.descendants().filter(|inner| is_leaf(*inner));
                pom.plugins.push(Plugin {
                    line: line(node),
                    artifact: text(node, "artifactId"),
                    version: text(node, "version"),
                    is_managed: node
                        .ancestors()
                        .any(|above| above.tag_name().name() == "pluginManagement"),
                    settings: settings
                        .map(|inner| (line(inner), inner.tag_name().name().to_owned(), own(inner)))
                        .collect(),
                });
            }
            "dependency" if is_in(node, "dependencies") && !is_in_plugin(node) => {
                let scope = text(node, "scope");
                pom.needs_tree |= scope == "system";
                pom.dependencies.push(Dependency {
                    line: line(node),
                    artifact: text(node, "artifactId"),
                    version: text(node, "version"),
                    scope: if scope.is_empty() { "compile".to_owned() } else { scope },
                    is_managed: node
                        .ancestors()
                        .any(|above| above.tag_name().name() == "dependencyManagement"),
                });
            }
            "url" if own(node).starts_with("file:") => pom.needs_tree = true,
            _ => {}
        }
    }
    let properties = child(root, "properties").into_iter().flat_map(|node| node.children());
    let properties = properties.filter(Node::is_element);
    pom.properties =
        properties.map(|node| (line(node), node.tag_name().name().to_owned(), own(node))).collect();
    pom
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

fn text(node: Node<'_, '_>, name: &str) -> String {
    child(node, name).map(own).unwrap_or_default()
}

fn own(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().to_owned()
}

fn is_leaf(node: Node<'_, '_>) -> bool {
    node.is_element() && !node.children().any(|child| child.is_element())
}

fn is_in(node: Node<'_, '_>, name: &str) -> bool {
    node.parent().is_some_and(|above| above.tag_name().name() == name)
}

fn is_in_plugin(node: Node<'_, '_>) -> bool {
    node.ancestors().any(|above| above.tag_name().name() == "plugin")
}

fn is_reporting(node: Node<'_, '_>) -> bool {
    node.ancestors().any(|above| above.tag_name().name() == "reporting")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<project>
  <parent><artifactId>base</artifactId><version>1</version></parent>
  <artifactId>shop</artifactId>
  <properties>
    <java.version>17</java.version>
    <release>${java.version}</release>
    <loop>${loop}</loop>
  </properties>
  <modules><module>api</module></modules>
  <dependencies>
    <dependency><groupId>g</groupId><artifactId>web</artifactId></dependency>
  </dependencies>
  <build>
    <pluginManagement><plugins><plugin><artifactId>managed</artifactId></plugin></plugins></pluginManagement>
    <plugins>
      <plugin>
        <artifactId>maven-jar-plugin</artifactId>
        <configuration><archive><manifest><mainClass>a.Main</mainClass></manifest></archive></configuration>
        <dependencies><dependency><artifactId>inner</artifactId></dependency></dependencies>
      </plugin>
    </plugins>
  </build>
</project>
";

    #[test]
    fn a_project_is_read_with_its_lines() {
        let pom = project(&Document::parse(TEXT).unwrap());
        assert_eq!((&*pom.artifact, &*pom.packaging), ("shop", "jar"));
        assert_eq!(pom.modules, [(9, "api".to_owned())]);
        let jar = pom.plugins.iter().find(|plugin| !plugin.is_managed).unwrap();
        assert_eq!(jar.setting("mainClass"), Some((18, "a.Main")));
        let dependencies: Vec<_> = pom.dependencies.iter().map(|one| &*one.artifact).collect();
        assert_eq!(dependencies, ["web"]);
        let chain = Chain(vec![Pom { path: "pom.xml".into(), ..pom }]);
        let release = chain.property("release").unwrap();
        assert_eq!(release, ("17".into(), "pom.xml:6 release".into()));
        assert!(chain.plugin("managed").is_none());
        assert_eq!(chain.resolve("${loop} ${unknown}"), "${loop} ${unknown}");
    }
}
