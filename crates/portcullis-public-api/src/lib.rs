//! Lists the public API of the library: one line an item, sorted.
#![forbid(unsafe_code)]

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use public_api::Builder;

/// Enables rustdoc's unstable JSON for rustdoc alone. In cargo's own environment, the variable would rebuild every build script
/// that depends on it.
const RUSTDOC: &str = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec \"$REAL_RUSTDOC\" \"$@\"\n";

/// Returns the public API of `portcullis`, without the implementations of auto traits and of derived traits.
///
/// `cargo` is the path of the running cargo, and `scratch` a folder that it may write to.
///
/// # Errors
///
/// Cargo or rustdoc fails, or the JSON has another format than this version reads.
pub fn public_api(cargo: &OsStr, scratch: &Path) -> Result<String, Box<dyn Error>> {
    let json = rustdoc_json(Path::new(cargo), scratch)?;
    let api = Builder::from_rustdoc_json(json)
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build()?;
    Ok(api.to_string())
}

fn rustdoc_json(cargo: &Path, scratch: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let wrapper = scratch.join("rustdoc.sh");
    fs::write(&wrapper, RUSTDOC)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let target = scratch.parent().ok_or("the scratch folder has no parent")?;
    let status = Command::new(cargo)
        .args(["rustdoc", "--quiet", "--locked", "-p", "portcullis", "--lib", "--target-dir"])
        .arg(target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("REAL_RUSTDOC", cargo.with_file_name("rustdoc"))
        .env("RUSTDOC", &wrapper)
        .status()?;
    if !status.success() {
        return Err("rustdoc failed".into());
    }
    Ok(target.join("doc/portcullis.json"))
}
