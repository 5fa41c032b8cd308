//! Every handler library of `tests/fixtures/c`, built and judged as its first lines say.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::environment::InvokeError;
use tempfile::TempDir;

use crate::support;
use crate::support::Posted;
use crate::support::oracle;

/// What a fixture's first lines say.
#[derive(Debug, Default)]
struct Fixture {
    source: PathBuf,
    /// One for each way in which it is built.
    links: Vec<String>,
    handler: Option<String>,
    event: String,
    expect: String,
}

impl Fixture {
    fn read(source: PathBuf) -> Fixture {
        let text = fs::read_to_string(&source).expect("a source file");
        Fixture::parse(source.clone(), &text)
            .unwrap_or_else(|mistake| panic!("{}: {mistake}", source.display()))
    }

    /// Reads the directives, which an empty comment separates from prose; Err says what is wrong with them.
    fn parse(source: PathBuf, text: &str) -> Result<Fixture, String> {
        let mut fixture = Fixture { source, ..Fixture::default() };
        let (mut event, mut expect) = (None, None);
        let comments = text.lines().map_while(|line| line.strip_prefix("//"));
        for line in comments.map(str::trim).take_while(|line| !line.is_empty()) {
            let (key, value) = line.split_once(": ").ok_or(format!("`{line}` is no directive"))?;
            let place = match key {
                "link" => {
                    fixture.links.push(value.to_owned());
                    continue;
                }
                "handler" => &mut fixture.handler,
                "event" => &mut event,
                "expect" => &mut expect,
                _ => return Err(format!("there is no directive `{key}`")),
            };
            if place.replace(value.to_owned()).is_some() {
                return Err(format!("a second `{key}`"));
            }
        }
        if fixture.links.is_empty() {
            fixture.links.push(String::new());
        }
        fixture.event = event.ok_or("there is no event")?;
        fixture.expect = expect.ok_or("it expects nothing")?;
        // A response is compared whole, and so is no message; of others, some words have to be found.
        let is_whole = ["response ", "error "].iter().any(|kind| fixture.expect.starts_with(kind));
        if fixture.expect.split(' ').count() < if is_whole { 2 } else { 3 } {
            return Err(format!("`{}` expects too little", fixture.expect));
        }
        Ok(fixture)
    }

    /// Builds it with one of its sets of arguments.
    fn build(&self, folder: &Path, link: &str) -> PathBuf {
        let name = self.source.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        // The dynamic linker keeps libraries by their names, so each has one of its own.
        let number = self.links.iter().position(|known| known == link).unwrap_or(0);
        let library = folder.join(format!("lib{name}_{number}.so"));
        let mut arguments = vec!["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"];
        arguments.extend(link.split_whitespace());
        support::compile(&self.source, &arguments, &library);
        library
    }

    fn judge(&self, library: &Path) {
        let name = library.file_name().expect("a name").display();
        let function = support::function(library, self.handler.as_deref());
        let (kind, rest) = self.expect.split_once(' ').expect("a kind");
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        if !matches!(first, "Runtime.HandlerLoadError" | "Runtime.HandlerAbiMismatch") {
            assert_eq!(support::verdict(library), None, "{name}");
        }
        match kind {
            "response" => {
                let answer = support::response(support::cold(&function, self.event.as_bytes()));
                assert_eq!(String::from_utf8_lossy(&answer), rest, "{name}");
                let handler = self.handler.as_deref();
                let by_dlopen = oracle::answer_alone(library, handler, &self.event);
                assert_eq!(String::from_utf8_lossy(&by_dlopen), rest, "{name} through dlopen");
            }
            "error" => {
                let outcome = support::cold(&function, self.event.as_bytes()).expect("answered");
                let posted = Posted::read(&outcome);
                assert_eq!(posted.error_type, first, "{name}");
                assert_eq!(posted.message.is_empty(), second.is_empty(), "{name}");
                assert!(posted.message.contains(second), "{name}: {}", posted.message);
            }
            "init" => {
                let (posted, code) = support::refusal(&function);
                assert_eq!(posted.category, first, "{name}: {}", posted.message);
                assert!(posted.message.contains(second), "{name}: {}", posted.message);
                assert_eq!(code, Some(10), "{name}");
                if let Some(words) = support::verdict(library) {
                    assert_eq!(words, posted.message, "{name}: `pilotlight check`");
                } else {
                    assert!(!first.starts_with("Runtime.HandlerLoad"), "{name}: {second}");
                }
            }
            "crash" | "init-crash" => {
                let environment = support::start(&function);
                let outcome = match environment.wait_initialised(INIT_LIMIT) {
                    Ok(_) if kind == "crash" => {
                        support::invoke(&environment, &function, self.event.as_bytes())
                    }
                    Err(InvokeError::InitError(error)) if kind == "init-crash" => Ok(error),
                    other => panic!("{name}: {other:?}"),
                };
                let posted = Posted::read(&outcome.expect("reported"));
                assert_eq!(posted.category, first, "{name}: {}", posted.message);
                assert!(posted.message.contains(second), "{name}: {}", posted.message);
                let exit = environment.shared().session().exit_status().expect("ended");
                assert_eq!(exit.code(), None, "{name}: not by a signal");
            }
            other => panic!("{name}: what is `{other}`?"),
        }
    }
}

#[test]
fn a_fixture_with_a_mistake_in_its_first_lines_is_refused() {
    let mistake = |text: &str| Fixture::parse(PathBuf::new(), text).err().unwrap_or_default();
    let sound = "// event: {}\n// expect: response 1\n//\n// Note: prose.\nint x;\n";
    assert_eq!(mistake(sound), "");
    assert_eq!(mistake(&format!("// envent: {{}}\n{sound}")), "there is no directive `envent`");
    assert_eq!(mistake(&format!("// prose\n{sound}")), "`prose` is no directive");
    assert_eq!(mistake(&format!("// event: {{}}\n{sound}")), "a second `event`");
    assert_eq!(mistake("// expect: response 1\n"), "there is no event");
    assert_eq!(mistake("// event: {}\n//\n// expect: response 1\n"), "it expects nothing");
    let mistake = mistake("// event: {}\n// expect: init Function.Error\n");
    assert_eq!(mistake, "`init Function.Error` expects too little");
}

#[test]
fn destructors_run_when_the_handler_exits() {
    let folder = TempDir::new().expect("a folder");
    let source = support::root().join("tests/fixtures/c/destructors.c");
    let fixture = Fixture::read(source);
    let library = fixture.build(folder.path(), &fixture.links[0]);
    let file = folder.path().join("said");
    let value = "m=file:libdestructors_0.so?required";
    for (config, first) in [(None, ""), (Some(value), "module\n")] {
        fs::write(&file, "").expect("written");
        let mut function = support::function(&library, None);
        function.variables.extend(config.map(|value| ("PILOTLIGHT_CONFIG".into(), value.into())));
        let outcome = support::cold(&function, file.to_string_lossy().as_bytes());
        assert_eq!(Posted::read(&outcome.expect("reported")).error_type, "ProcessExit");
        let said = fs::read_to_string(&file).expect("the file");
        assert_eq!(said, format!("{first}atexit\ndestructor 102\ndestructor 101\nfinish\n"));
    }
}

#[test]
fn every_fixture_does_what_it_says() {
    let folder = TempDir::new().expect("a folder");
    let sources = fs::read_dir(support::root().join("tests/fixtures/c")).expect("the fixtures");
    let mut count = 0;
    for source in sources {
        let source = source.expect("an entry").path();
        if source.extension().is_some_and(|extension| extension == "c" || extension == "cc") {
            let fixture = Fixture::read(source);
            for link in &fixture.links {
                fixture.judge(&fixture.build(folder.path(), link));
                count += 1;
            }
        }
    }
    assert!(count >= 18, "only {count} fixtures were found");
}
