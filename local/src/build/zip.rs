//! A package of one file.

use std::io::Cursor;
use std::io::Write as _;

use anyhow::Result;
use zip::CompressionMethod;
use zip::DateTime;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip that holds a file at its root: the same bytes for the same file.
pub fn pack(name: &str, bytes: &[u8], mode: u32) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // The last level that takes no seconds.
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(mode);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, options)?;
    zip.write_all(bytes)?;
    Ok(zip.finish()?.into_inner())
}
