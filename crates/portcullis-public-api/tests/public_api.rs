//! The public API of the library, so that a review sees each change of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

#[test]
fn the_public_api_is_the_reviewed_one() {
    let cargo = std::env::var_os("CARGO").unwrap();
    let api = portcullis_public_api::public_api(&cargo, Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("portcullis", api);
    });
}
