//! The layer's module `pilotlight/services.so`, which has what the bootstrap has not: HTTP, TLS and
//! JSON. It is mapped when it is first needed, at most once; without it invocations go on.

#[allow(unsafe_code)]
mod ffi;

pub use self::ffi::Module;

use core::fmt;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering;

use crate::environment::Environment;
use crate::handler;
use crate::loader::Defect;
use crate::loader::Host;
use crate::loader::LoadError;
use crate::module;
use crate::once::OnceBox;
use crate::sys;

const NAME: &str = "pilotlight/services.so";

/// Nobody has asked for the module yet.
const UNTRIED: u8 = 0;
/// A thread is mapping it.
const LOADING: u8 = 1;
/// It is there, or it never will be.
const TRIED: u8 = 2;

/// Where the module is found once it has been mapped.
pub struct Services {
    host: &'static (dyn Host + Sync),
    state: AtomicU8,
    module: OnceBox<Module>,
}

/// This process's module.
#[cfg(feature = "static")]
pub static SERVICES: Services = Services::new(&crate::libc::Process);

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Services {
    /// Nothing is mapped yet.
    pub const fn new(host: &'static (dyn Host + Sync)) -> Services {
        Services { host, state: AtomicU8::new(UNTRIED), module: OnceBox::empty() }
    }

    /// The module; the first call maps it, and other threads wait for that. None, and one line in
    /// the log, if it is missing or damaged. On any thread.
    pub fn module(&self, environment: &Environment) -> Option<&'static Module> {
        let acquire = Ordering::Acquire;
        match self.state.compare_exchange(UNTRIED, LOADING, acquire, acquire) {
            Ok(_) => {
                if let Some(module) = self.load(environment) {
                    self.module.set(module);
                }
                self.state.store(TRIED, Ordering::Release);
            }
            Err(_) => {
                while self.state.load(Ordering::Acquire) != TRIED {
                    sys::pause(1);
                }
            }
        }
        self.module.get()
    }

    fn load(&self, environment: &Environment) -> Option<Module> {
        let size = size_of::<pilotlight_services_abi::Services>() as u64;
        let symbol = pilotlight_services_abi::SYMBOL;
        let (path, library) = module::map(NAME, self.host, symbol, size)?;
        let Some(module) = Module::read(library, self.host) else {
            let defect = Defect::BadTable { what: "table of this version" };
            return module::refuse(&LoadError::new(&path, defect));
        };
        // What was read so far was data. From here on, code of the module runs.
        self.host.register(&path, library);
        handler::construct(library, environment.arguments);
        module.start(environment.arguments);
        Some(module)
    }
}
