//! Asks a compiler about names of its headers, by one program that prints all answers. Lines that
//! the compiler refuses, because its headers lack the name, are left out.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Question;
use super::dwarf;
use crate::support::arch::arch;

/// `INTEGER` accepts integer constants only: C has no constant expression for the bits of others.
const PRELUDE: &str = "#define INTEGER(value) ((value) | 0)\n\
    static const long long answers[] = {\n";

const END: &str = "};\n\
    extern int printf(const char *, ...);\n\
    int main(void)\n{\n\
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++)\n\
    printf(\"%lld\\n\", answers[i]);\n\
    return 0;\n}\n";

/// A macro without arguments.
pub struct Macro {
    /// The text that it stands for.
    pub body: String,
    /// Whether it is defined by one of the kernel's headers.
    pub is_kernels: bool,
}

/// A compiler with the headers of one C library.
pub struct Compiler {
    library: &'static str,
    command: fn() -> Command,
    includes: String,
}

impl Compiler {
    /// A compiler that includes all these headers at once.
    pub fn new(library: &'static str, command: fn() -> Command, headers: &[String]) -> Compiler {
        let mut includes = String::from("#define _GNU_SOURCE\n");
        for header in headers {
            writeln!(includes, "#include <{header}>").expect("text");
        }
        Compiler { library, command, includes }
    }

    fn run(&self, source: &Path, text: &str, arguments: &[&str]) -> std::process::Output {
        fs::write(source, text).expect("written");
        let mut command = (self.command)();
        command.args(["-w", "-fmax-errors=0", "-fno-diagnostics-show-caret"]);
        command.args(arguments).arg(source).env("LC_ALL", "C").output().expect("a compiler")
    }

    /// The names that the headers declare, apart from macros.
    pub fn declared(&self, folder: &Path) -> dwarf::Names {
        let library = folder.join("declared.so");
        let target = library.display().to_string();
        let arguments = [
            "-g",
            "-fno-eliminate-unused-debug-types",
            "-shared",
            "-nostdlib",
            "-fPIC",
            "-o",
            &target,
        ];
        let output = self.run(&folder.join("declared.c"), &self.includes, &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        dwarf::names(&library)
    }

    /// The headers' macros without arguments, by their public names.
    pub fn macros(&self, folder: &Path) -> BTreeMap<String, Macro> {
        let output = self.run(&folder.join("macros.c"), &self.includes, &["-E", "-dD"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut macros = BTreeMap::new();
        let mut is_kernels = false;
        for line in text.lines() {
            if let Some(location) = line.strip_prefix("# ") {
                is_kernels = ["/linux/", "/asm/", "/asm-generic/"]
                    .iter()
                    .any(|part| location.contains(part));
            } else if let Some((name, body)) =
                line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '))
                && super::is_public(name)
                && !name.contains('(')
                && !body.is_empty()
            {
                macros.insert(name.to_owned(), Macro { body: body.to_owned(), is_kernels });
            } else if let Some(name) = line.strip_prefix("#undef ") {
                macros.remove(name);
            }
        }
        macros
    }

    /// The answers to the questions whose expressions are integer constants with these headers.
    pub fn answers(
        &self,
        folder: &Path,
        asked: &BTreeMap<Question, String>,
    ) -> BTreeMap<Question, i64> {
        let source = folder.join(format!("{}-answers.c", self.library));
        let program = folder.join(format!("{}-answers", self.library));
        let target = program.display().to_string();
        let mut left: Vec<(&Question, &String)> = asked.iter().collect();
        loop {
            let mut text = format!("{}{PRELUDE}", self.includes);
            for (_, expression) in &left {
                writeln!(text, "{expression},").expect("text");
            }
            text.push_str(END);
            let output = self.run(&source, &text, &["-o", &target]);
            if output.status.success() {
                break;
            }
            let message = String::from_utf8_lossy(&output.stderr);
            let refused = self.refused(&message);
            assert!(!refused.is_empty(), "{}: {message}", self.library);
            let mut number = 0..;
            left.retain(|_| number.next().is_some_and(|number| !refused.contains(&number)));
        }
        let output = arch().command(&program).output().expect("run").stdout;
        let text = String::from_utf8(output).expect("UTF-8");
        let values = text.lines().map(|line| line.parse().expect("a number"));
        left.into_iter().map(|(question, _)| question.clone()).zip(values).collect()
    }

    /// The indexes of the expressions that the compiler's message refuses.
    fn refused(&self, message: &str) -> BTreeSet<usize> {
        let first = self.includes.lines().count() + PRELUDE.lines().count() + 1;
        let line = |line: &str| -> Option<usize> {
            line.split_once("-answers.c:")?.1.split(':').next()?.parse().ok()
        };
        message.lines().filter_map(|text| line(text)?.checked_sub(first)).collect()
    }
}
