pub(super) const DECLARATIONS: &[&str] = &["secret", "role"];
