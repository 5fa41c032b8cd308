//! The templates for the tools that deploy functions: those of `examples/deploy`, for another
//! function.

use super::Language;

/// A tool that deploys functions.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name, as `--deploy` takes it.
    pub name: &'static str,
    /// The names and texts of its files, the template first.
    files: &'static [(&'static str, &'static str)],
    /// The lines that it adds to `.gitignore`.
    pub ignored: &'static str,
}

/// The tools.
pub const TOOLS: [Tool; 4] = [
    Tool {
        name: "sam",
        files: &[
            ("template.yaml", include_str!("../../../examples/deploy/sam/template.yaml")),
            ("Makefile", include_str!("../../../examples/deploy/sam/Makefile")),
            ("samconfig.toml", include_str!("../../../examples/deploy/sam/samconfig.toml")),
        ],
        ignored: "/.aws-sam/\n",
    },
    Tool {
        name: "cdk",
        files: &[
            ("app.mjs", include_str!("../../../examples/deploy/cdk/app.mjs")),
            ("cdk.json", include_str!("../../../examples/deploy/cdk/cdk.json")),
            ("package.json", include_str!("../../../examples/deploy/cdk/package.json")),
        ],
        ignored: "/cdk.out/\n/node_modules/\n",
    },
    Tool {
        name: "terraform",
        files: &[("main.tf", include_str!("../../../examples/deploy/terraform/main.tf"))],
        ignored: "/.terraform/\n/*.tfstate*\n",
    },
    Tool {
        name: "serverless",
        files: &[(
            "serverless.yml",
            include_str!("../../../examples/deploy/serverless/serverless.yml"),
        )],
        ignored: "/.serverless/\n/node_modules/\n",
    },
];

impl Tool {
    /// The name of its template.
    pub fn template(&self) -> &'static str {
        self.files[0].0
    }

    /// Its files for a function, by name.
    pub(super) fn files(&self, name: &str, language: &Language) -> Vec<(&'static str, String)> {
        let fill = |&(file, text): &(&'static str, &str)| {
            let is_http = matches!(language, Language::Rust { http: true, .. });
            let text = if is_http { text.to_owned() } else { without_url(text) };
            let mut text = text.replace("hello", name);
            if matches!(language, Language::C) {
                // Cargo cannot find it.
                text = text.replace("pilotlight build", &format!("pilotlight build lib{name}.so"));
            }
            (file, text)
        };
        self.files.iter().map(fill).collect()
    }
}

/// A template without the public URL, which is for handlers of HTTP events.
fn without_url(text: &str) -> String {
    let comment = |line: &str| line.trim_start_matches([' ', '#', '/']).to_owned();
    let mut is_url = false;
    let lines = text.split_inclusive('\n').filter(|line| {
        let comment = comment(line);
        is_url |= comment.starts_with("For HTTP handlers");
        let is_kept = !is_url;
        is_url &= !comment.starts_with("End of the URL");
        is_kept
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_the_functions_name_and_no_url() {
        for tool in TOOLS {
            let rust = |http| Language::Rust { sdk: None, http };
            let template = &tool.files("my-fn", &rust(true))[0].1;
            assert!(template.to_lowercase().contains("url"), "{}: {template}", tool.name);
            for (file, text) in tool.files("my-fn", &rust(false)) {
                for absent in ["hello", "url", "Url", "URL"] {
                    assert!(!text.contains(absent), "{}: {file} has {absent}:\n{text}", tool.name);
                }
            }
            let template = &tool.files("my-fn", &Language::C)[0];
            assert!(template.1.contains("my-fn"), "{template:?}");
        }
    }
}
