//! Damaged copies of a real handler, by the thousand: each is refused through `/init/error` or
//! runs, and `pilotlight check` says beforehand which of the two.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::Duration;

use pilotlight_loader::sections::Section;
use pilotlight_loader::sections::sections;
use pilotlight_local::environment::InvokeError;
use tempfile::TempDir;

use crate::support;
use crate::support::Posted;

/// Time that a damaged handler may take; it may do anything, also wait.
const PATIENCE: Duration = Duration::from_secs(5);
const PAGE: usize = 4096;
const THREADS: usize = 2;

/// One change to a copy.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// This byte is inverted.
    Flip(usize),
    /// One bit of this byte is.
    Nudge(usize),
    /// The file ends here.
    Cut(usize),
}

impl Damage {
    fn apply(self, sound: &[u8]) -> Vec<u8> {
        let mut file = sound.to_vec();
        match self {
            Damage::Flip(offset) => file[offset] ^= 0xff,
            Damage::Nudge(offset) => file[offset] ^= 1 << (offset % 8),
            Damage::Cut(size) => file.truncate(size),
        }
        file
    }
}

/// The tables that decide what is mapped, written and run, as the section headers place them.
fn tables(file: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let name = |section: &Section| match section.kind() {
        3 => Some("strings"),
        4 => Some("relocations"),
        6 => Some("dynamic section"),
        11 => Some("symbols"),
        14 | 15 => Some("constructors"),
        0x6fff_fff6 => Some("hash table"),
        _ => None,
    };
    sections(file).filter_map(|section| Some((name(&section)?, section.range()?))).collect()
}

/// Every byte of the headers and of the dynamic section, a share of every table, and every page's
/// end.
fn damages(file: &[u8]) -> Vec<Damage> {
    let headers = 64 + 56 * usize::from(u16::from_le_bytes([file[56], file[57]]));
    let mut damages: Vec<Damage> = (0..headers).map(Damage::Flip).collect();
    for (name, range) in tables(file) {
        let most = if name == "dynamic section" { range.len() } else { 250 };
        let step = range.len().div_ceil(most);
        damages.extend(range.clone().step_by(step).map(Damage::Flip));
        damages.extend(range.step_by(step * 2).map(Damage::Nudge));
    }
    damages.extend((0..file.len()).step_by(PAGE).map(Damage::Cut));
    damages
}

/// Runs a damaged copy, and classifies its end.
fn judge(library: &Path, damage: Damage) -> &'static str {
    let function = support::function(library, None);
    let verdict = support::verdict(library);
    let environment = support::start(&function);
    let ended = match environment.wait_initialised(PATIENCE) {
        Ok(_) => {
            let mut function = function;
            function.timeout = PATIENCE;
            support::invoke(&environment, &function, br#"{"name":"Ada"}"#)
        }
        Err(InvokeError::InitError(error)) => {
            let posted = Posted::read(&error);
            if posted.category == "Runtime.HandlerLoadError" {
                assert_eq!(verdict, Some(posted.message), "{damage:?}");
                let exit = environment.shared().session().exit_status();
                assert_eq!(exit.and_then(|exit| exit.code()), Some(10), "{damage:?}");
                return "refused";
            }
            Ok(error)
        }
        Err(unanswered) => Err(unanswered),
    };
    assert_eq!(verdict, None, "{damage:?}: {ended:?}");
    match ended {
        Ok(_) if environment.is_alive() => "ran",
        Ok(_) => "ended, and reported it",
        Err(InvokeError::TimedOut) => "hung",
        Err(InvokeError::NotStarted(why)) => panic!("{why}"),
        Err(_) => "died unreported",
    }
}

#[test]
fn no_damage_ends_the_process_before_it_is_reported() {
    let sound = fs::read(support::dist("examples/libhello.so")).expect("hello");
    let damages = damages(&sound);
    assert!(damages.len() >= 2000, "{} damages", damages.len());
    let folder = TempDir::new().expect("a folder");
    let outcomes: Vec<(Damage, &'static str)> = thread::scope(|scope| {
        let share = |first: usize| {
            let (damages, sound) = (&damages, &sound);
            let library = folder.path().join(format!("libdamaged{first}.so"));
            scope.spawn(move || {
                let mut outcomes = Vec::new();
                for &damage in damages.iter().skip(first).step_by(THREADS) {
                    fs::write(&library, damage.apply(sound)).expect("written");
                    outcomes.push((damage, judge(&library, damage)));
                }
                outcomes
            })
        };
        let shares: Vec<_> = (0..THREADS).map(share).collect();
        shares.into_iter().flat_map(|share| share.join().expect("judged")).collect()
    });
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (damage, outcome) in outcomes {
        *counts.entry(outcome).or_default() += 1;
        assert_ne!(outcome, "died unreported", "{damage:?}");
    }
    println!("{} damaged copies: {counts:?}, died unreported: 0", damages.len());
    assert!(counts["refused"] > 500 && counts["ran"] > 500, "{counts:?}");
    // A copy may do anything, also wait; a runtime that hangs in its report does so each time.
    assert!(counts.get("hung").is_none_or(|&count| count < 5), "{counts:?}");
}
