//! The last good value of a declaration that is no secret, as a file in `/tmp`, which outlives the
//! process: a line of JSON with its description, then the bytes.

use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value as Json;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::source::Fetched;
use super::store::FetchRequest;
use crate::variables::Variables;

/// The file of one value.
pub struct DiskCache {
    folder: PathBuf,
    path: PathBuf,
    /// Function, version, name and source. Files of other owners are ignored.
    owner: Json,
    /// Description of the value in the file, once known.
    saved: Option<Json>,
}

impl DiskCache {
    /// The cache of a value for this version of this function.
    pub fn new(request: &FetchRequest, variables: &Variables) -> DiskCache {
        let folder = Path::new(variables.get("TMPDIR").unwrap_or("/tmp")).join("pilotlight-config");
        let of = |name| variables.get(name).unwrap_or_default();
        let owner = json!({
            "function": of("AWS_LAMBDA_FUNCTION_NAME"),
            "functionVersion": of("AWS_LAMBDA_FUNCTION_VERSION"),
            "name": request.name,
            "source": format!("{}:{}", request.source, request.target),
        });
        let mut hasher = DefaultHasher::new();
        owner.to_string().hash(&mut hasher);
        let path = folder.join(format!("{}-{:016x}", request.name, hasher.finish()));
        DiskCache { folder, path, owner, saved: None }
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// File that a value is written to first. (Not `with_extension`: names may contain dots.)
    fn temporary(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".new");
        path.into()
    }

    /// Writes the value to a temporary file and renames it, so the file is whole at any time. Does
    /// nothing if the file holds this value already.
    pub fn save(&mut self, value: &Fetched) -> io::Result<()> {
        let description = json!({
            "contentType": value.content_type,
            "version": value.version,
            "sha256": checksum(&value.bytes),
        });
        if self.saved.as_ref() == Some(&description) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let mut head = description.clone();
        head["owner"] = self.owner.clone();
        head["fetchedMs"] = value.fetched_ms.into();
        let temporary = self.temporary();
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(format!("{head}\n").as_bytes())?;
        file.write_all(&value.bytes)?;
        drop(file);
        fs::rename(&temporary, &self.path)?;
        self.saved = Some(description);
        Ok(())
    }

    /// Reads the file; None if there is none. Err says why it is ignored.
    pub fn load(&mut self) -> Result<Option<Fetched>, String> {
        let content = match fs::read(&self.path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let end = content.iter().position(|&byte| byte == b'\n').ok_or("it is damaged")?;
        let (head, bytes) = (&content[..end], &content[end + 1..]);
        let head: Json = serde_json::from_slice(head).map_err(|_| "it is not a cache file")?;
        if head["owner"] != self.owner {
            return Err("it belongs to another function, version or source".into());
        }
        if head["sha256"] != checksum(bytes) {
            return Err("it is damaged".into());
        }
        let text = |name: &str| head[name].as_str().unwrap_or_default().to_owned();
        self.saved = Some(json!({
            "contentType": head["contentType"],
            "version": head["version"],
            "sha256": head["sha256"],
        }));
        Ok(Some(Fetched {
            bytes: bytes.to_vec(),
            content_type: text("contentType"),
            version: text("version"),
            fetched_ms: head["fetchedMs"].as_u64().unwrap_or_default(),
            is_secret: false,
        }))
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path, version: &str) -> DiskCache {
        named("limit", folder, version)
    }

    fn named(name: &str, folder: &Path, version: &str) -> DiskCache {
        let request = FetchRequest {
            index: 0,
            source: "ssm",
            name: name.into(),
            target: "/limit".into(),
            ttl: None,
            is_secret: false,
        };
        let folder = folder.to_str().expect("UTF-8");
        let variables = Variables::from_iter([
            ("TMPDIR", folder),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", version),
        ]);
        DiskCache::new(&request, &variables)
    }

    #[test]
    fn names_with_a_dot_share_no_file() {
        let [one, other] =
            ["shop.limit", "shop.key"].map(|name| named(name, Path::new("/tmp"), "1"));
        assert_ne!(one.path(), other.path());
        assert_ne!(one.temporary(), other.temporary());
        assert_ne!(one.path(), one.temporary());
    }

    #[test]
    fn a_value_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut one = cache(folder.path(), "1");
        assert_eq!(one.load(), Ok(None));
        let value = Fetched {
            bytes: b"ten\n\xff".to_vec(),
            content_type: "text/plain".into(),
            version: "7".into(),
            fetched_ms: 5,
            is_secret: false,
        };
        one.save(&value).expect("saved");
        assert_eq!(one.load(), Ok(Some(value)));
        assert_eq!(cache(folder.path(), "2").load(), Ok(None), "each version has its own");

        let whole = fs::read(one.path()).expect("there");
        for length in 0..whole.len() {
            fs::write(one.path(), &whole[..length]).expect("written");
            assert!(one.load().is_err(), "cut at {length}");
        }
        fs::write(one.path(), b"{}\nten").expect("written");
        assert!(one.load().expect_err("foreign").contains("another function"));
        let mut flipped = whole;
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        fs::write(one.path(), flipped).expect("written");
        assert_eq!(one.load(), Err("it is damaged".into()));
    }
}
