//! What is generated.

/// A generated file: its path below the workspace's root, and what it has to hold.
pub(super) struct Output {
    pub path: String,
    pub content: String,
}

impl Output {
    pub fn new(path: impl Into<String>, content: String) -> Self {
        Output { path: path.into(), content }
    }
}
