//! Workspaces: several packages of one repository that are built together.

pub mod cargo;
pub mod folders;
pub mod go;
pub mod gradle;
pub mod js;
pub mod maven;
pub mod uv;

/// A package of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Folder from the repository's root.
    pub folder: String,
    /// Name in its manifest.
    pub name: String,
    /// Folders of the members that it depends on directly.
    pub needs: Vec<String>,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Folder of the manifest, from the repository's root.
    pub root: String,
    /// File and line that say so.
    pub manifest: String,
    /// The packages, in any order.
    pub members: Vec<Member>,
}

impl Workspace {
    /// Returns the member in a folder.
    #[must_use]
    pub fn member(&self, folder: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.folder == folder)
    }

    /// Returns a member and all that it depends on, by folder. Empty where the folder is no member.
    #[must_use]
    pub fn closure(&self, folder: &str) -> Vec<&Member> {
        let mut found: Vec<&Member> = Vec::new();
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            let Some(member) = self.member(folder) else { continue };
            if !found.iter().any(|known| known.folder == member.folder) {
                open.extend(member.needs.iter().map(String::as_str));
                found.push(member);
            }
        }
        found.sort_by(|a, b| a.folder.cmp(&b.folder));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_follows_circles_once() {
        let member = |folder: &str, needs: &[&str]| Member {
            folder: folder.into(),
            name: folder.into(),
            needs: needs.iter().map(|&need| need.into()).collect(),
        };
        let workspace = Workspace {
            root: String::new(),
            manifest: "package.json:3".into(),
            members: vec![
                member("web", &["money", "gone"]),
                member("money", &["core"]),
                member("core", &["money"]),
                member("other", &[]),
            ],
        };
        let folders: Vec<_> =
            workspace.closure("web").iter().map(|member| &*member.folder).collect();
        assert_eq!(folders, ["core", "money", "web"]);
        assert!(workspace.closure("nowhere").is_empty());
    }
}
