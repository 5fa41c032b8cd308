//! The `PILOTLIGHT_WARM…` variables. Defaults are lambda-warmer's.

use alloc::vec::Vec;

use pilotlight_host::integer;
use pilotlight_host::log;

use super::candidate;
use super::candidate::Needle;
use super::protocol;
use crate::environment::Environment;
use crate::environment::WarmingVariable;
use crate::environment::WarmingVariable::*;

/// Default delay of a child ping, in milliseconds: lambda-warmer's.
const DELAY_MS: u32 = 75;

/// Settings of warming, from the environment.
#[derive(Debug)]
pub struct Settings<'e> {
    environment: &'e Environment,
    /// Time that a child ping keeps its environment busy, in milliseconds.
    pub delay_ms: u32,
    is_off: bool,
    is_opted_in: bool,
}

impl<'e> Settings<'e> {
    /// Reads the variables. Invalid values are logged and ignored.
    pub fn new(environment: &'e Environment) -> Settings<'e> {
        let mut settings =
            Settings { environment, delay_ms: DELAY_MS, is_off: false, is_opted_in: false };
        settings.read_delay();
        settings.is_off = settings.is_no(Switch);
        settings.is_opted_in = settings.get(Path).is_some() || settings.get(Rules).is_some();
        settings
    }

    fn read_delay(&mut self) {
        let Some(value) = self.get(Delay) else {
            return;
        };
        match integer::parse_decimal(value).and_then(|number| u32::try_from(number).ok()) {
            Some(number) => self.delay_ms = number,
            None => {
                log::warn(format_args!(
                    "PILOTLIGHT_WARM_DELAY is not a number of milliseconds; it is ignored"
                ));
            }
        }
    }

    fn get(&self, variable: WarmingVariable) -> Option<&'static [u8]> {
        self.environment.warming.get(variable)
    }

    fn is_no(&self, variable: WarmingVariable) -> bool {
        self.get(variable) == Some(b"0")
    }

    /// Whether this text may hold a ping, so that it has to be parsed. Never false for a ping.
    pub fn may_ask(&self, json: &[u8]) -> bool {
        let flag = Needle::by_its_start(self.flag());
        candidate::any(&[flag, PLUGIN_NEEDLE], json)
            || (self.is_opted_in && candidate::any(&OPTED_IN, json))
    }

    /// Whether warming is switched off: pings go to the handler like other events.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Whether health checks or scheduled events are answered, too.
    pub fn is_opted_in(&self) -> bool {
        self.is_opted_in
    }

    /// Whether pings are logged.
    pub fn log(&self) -> bool {
        !self.is_no(Log)
    }

    /// The field that makes an event a ping. Custom names should be letters: quotes and slashes,
    /// which JSON can spell in several ways, are not found in all of them.
    pub fn flag(&self) -> &'static [u8] {
        self.get(Flag).unwrap_or(b"warmer")
    }

    /// The field that holds the number of environments to warm.
    pub fn concurrency(&self) -> &'static [u8] {
        self.get(Concurrency).unwrap_or(b"concurrency")
    }

    /// The field that names another function to warm.
    pub fn target(&self) -> &'static [u8] {
        self.get(Target).unwrap_or(b"target")
    }

    /// The field that stops a ping from fanning out.
    pub fn test(&self) -> &'static [u8] {
        self.get(Test).unwrap_or(b"test")
    }

    /// The path of health checks.
    pub fn path(&self) -> Option<&'static [u8]> {
        self.get(Path)
    }

    /// The ARNs of rules and schedules whose events are all pings.
    pub fn rules(&self) -> impl Iterator<Item = &'static [u8]> {
        let list = self.get(Rules).unwrap_or_default();
        list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
    }

    /// This function's name and version, as lambda-warmer writes them.
    pub fn function(&self) -> Vec<u8> {
        let name = self.environment.function_name.unwrap_or_default();
        [name, b":", self.environment.function_version.unwrap_or(b"$LATEST")].concat()
    }
}

const PLUGIN_NEEDLE: Needle = Needle::new(protocol::PLUGIN, 10);

/// Fields of HTTP requests and of scheduled events.
const OPTED_IN: [Needle; 2] =
    [Needle::new(protocol::REQUEST_CONTEXT, 6), Needle::new(protocol::RESOURCES, 4)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    #[test]
    fn the_delay_is_the_variables_or_the_default() {
        let delay = |variable: Option<&'static str>| {
            let mut environment = environment::EMPTY;
            if let Some(value) = variable {
                environment.warming.set(b"_DELAY", value.as_bytes());
            }
            Settings::new(&environment).delay_ms
        };
        assert_eq!(delay(None), 75);
        assert_eq!(delay(Some("0")), 0);
        assert_eq!(delay(Some("200")), 200);
        for nonsense in ["", "soon", "-1", "4294967296"] {
            assert_eq!(delay(Some(nonsense)), 75, "{nonsense}");
        }
    }
}
