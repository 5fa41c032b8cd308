//! Words of comments, messages and documents: plain English with the subject first.

use super::files;

/// Words that hide the actor or the number; a `_` stands for any word. The list itself is exempt.
const BANNED: [&str; 11] = [
    "nobody",
    "somebody",
    "anybody",
    "everybody",
    "whoever",
    "for good",
    "so many",
    "has _ begin",
    "have _ begin",
    "what is _ of it",
    // In prose it means "after"; ALLOWED lists the lines about space.
    "behind",
];

/// First words that keep the reader waiting for the subject.
const QUESTIONS: [&str; 7] = ["What", "Whatever", "Who", "Whoever", "Where", "How", "When"];

/// Beginnings of constants that are `MAX_` or `MIN_` elsewhere.
const SUPERLATIVES: [&str; 6] =
    ["MOST_", "LEAST_", "LONGEST_", "SHORTEST_", "LARGEST_", "SMALLEST_"];

/// Lines with a banned phrase that is right there: a file, and a part of the line.
const ALLOWED: [(&str, &str); 2] = [
    // The user of this name.
    ("tests/conformance/README.md", "Root runs them as `nobody`."),
    ("tests/conformance/forms.py", "whom root runs the tests: `nobody` on"),
];

/// Columns of a comment; a tab is four of them.
const MAX_COLUMNS: usize = 100;

/// Endings of files with comments.
const SOURCES: [&str; 9] = [".rs", ".c", ".cc", ".h", ".ld", ".js", ".sh", ".toml", ".py"];

/// A file's words in lower case, each with the number of its line.
fn words(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    let of_line = |(index, line): (usize, &str)| {
        let words = line.split(|letter: char| !letter.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).map(str::to_lowercase);
        words.map(|word| (index + 1, word)).collect::<Vec<_>>()
    };
    lines.flat_map(of_line).collect()
}

/// The numbers of the lines on which the phrase begins, which may go on in the next line.
fn places(text: &str, phrase: &str) -> Vec<usize> {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let is_phrase = |words: &&[(usize, String)]| {
        words.iter().zip(&phrase).all(|((_, word), banned)| *banned == "_" || word == banned)
    };
    let words = words(text);
    words.windows(phrase.len()).filter(is_phrase).map(|found| found[0].0).collect()
}

/// The text of a line that is a comment, without its mark.
fn comment<'a>(name: &str, line: &'a str) -> Option<&'a str> {
    let (_, ending) = name.rsplit_once('.')?;
    let marks: &[&str] = match ending {
        "sh" | "toml" | "py" => &["#", "\"\"\""],
        "rs" => &["//!", "///", "//"],
        _ => &["//", "/**", "/*", "* "],
    };
    let line = line.trim_start();
    let text = marks.iter().find_map(|mark| line.strip_prefix(mark))?;
    (!text.starts_with('!')).then(|| text.trim())
}

/// The lines of `text` that begin a paragraph of a comment, each with its number.
fn paragraphs<'a>(name: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let mut paragraphs = Vec::new();
    let mut is_within = false;
    for (index, line) in text.lines().enumerate() {
        let comment = comment(name, line).filter(|comment| !comment.is_empty());
        paragraphs.extend(comment.filter(|_| !is_within).map(|comment| (index + 1, comment)));
        is_within = comment.is_some();
    }
    paragraphs
}

/// Fails with all faults at once, so that they are mended at once.
#[track_caller]
fn expect_none(faults: &[String]) {
    assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn phrases_name_their_subject() {
    let mut faults = Vec::new();
    for (name, text) in files(&[&SOURCES[..], &[".md", ".html"]].concat()) {
        if name.ends_with("rules/words.rs") {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for phrase in BANNED {
            for number in places(&text, phrase) {
                let line = lines[number - 1];
                if !ALLOWED.iter().any(|(file, part)| name == *file && line.contains(part)) {
                    faults.push(format!("{name}:{number} has `{phrase}`: {}", line.trim()));
                }
            }
        }
    }
    expect_none(&faults);
}

#[test]
fn comments_begin_with_their_subject() {
    let mut faults = Vec::new();
    for (name, text) in files(&SOURCES) {
        for (number, comment) in paragraphs(&name, &text) {
            let first = comment.split(|letter: char| !letter.is_alphanumeric()).next();
            if first.is_some_and(|first| QUESTIONS.contains(&first)) {
                faults.push(format!("{name}:{number}: {comment}"));
            }
        }
    }
    expect_none(&faults);
}

#[test]
fn bounds_are_max_or_min() {
    let mut faults = Vec::new();
    for (name, text) in files(&SOURCES) {
        for (index, line) in text.lines().enumerate() {
            let names = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let is_bound = |name: &&str| {
                let rest = SUPERLATIVES.iter().find_map(|start| name.strip_prefix(start));
                rest.is_some_and(|rest| !rest.is_empty())
            };
            let bounds = names.filter(is_bound);
            faults.extend(bounds.map(|bound| format!("{name}:{}: {bound}", index + 1)));
        }
    }
    expect_none(&faults);
}

#[test]
fn comments_are_as_wide_as_code() {
    let mut faults = Vec::new();
    for (name, text) in files(&SOURCES) {
        for (index, line) in text.lines().enumerate() {
            // The directives of a fixture are one line each, and an address cannot be broken.
            let is_whole = ["// expect: ", "// link: "].iter().any(|key| line.starts_with(key));
            let columns: usize =
                line.chars().map(|letter| if letter == '\t' { 4 } else { 1 }).sum();
            let is_wide = columns > MAX_COLUMNS && comment(&name, line).is_some();
            if is_wide && !is_whole && !line.contains("https://") {
                faults.push(format!("{name}:{} has {columns} columns", index + 1));
            }
        }
    }
    expect_none(&faults);
}

#[test]
fn the_rules_find_what_they_forbid() {
    assert_eq!(places("/// It stays for\n/// good.\n", "for good"), [1]);
    assert_eq!(places("let x = 1;\n// has mimalloc begin\n", "has _ begin"), [2]);
    assert_eq!(places("// forgoods\n", "for good"), [0; 0]);
    let text = "//! First.\n//! Second.\n//!\n//! Third.\nlet x = 1;\n    // Fourth.\n";
    let firsts: Vec<usize> = paragraphs("a.rs", text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(firsts, [1, 4, 6]);
    assert_eq!(comment("a.sh", "#!/bin/sh"), None);
    assert_eq!(comment("a.c", "\t/* When it ends. */"), Some("When it ends. */"));
}
