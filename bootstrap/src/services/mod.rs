//! The layer's module `pilotlight/services.so`, with HTTP clients, TLS and JSON. It is mapped once,
//! at its first use. Invocations go on without it.

#[allow(unsafe_code)] // calls into the module
mod ffi;

pub use self::ffi::Module;

use core::fmt;

use pilotlight_host::map::Host;
use pilotlight_host::module;
use pilotlight_host::sync::once::Once;
use pilotlight_host::sync::once::OnceBox;
use pilotlight_loader::Defect;
use pilotlight_loader::LoadError;

use crate::environment::Environment;

const FILE: module::Module =
    module::Module { path: "pilotlight/services.so", part: |package| package.services };

/// Maps the module at its first use, and keeps it.
pub struct Services {
    host: &'static (dyn Host + Sync),
    mapped: Once,
    module: OnceBox<Module>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("mapped", &self.mapped).finish_non_exhaustive()
    }
}

impl Services {
    /// Without a mapped module.
    pub const fn new(host: &'static (dyn Host + Sync)) -> Services {
        Services { host, mapped: Once::untried(), module: OnceBox::empty() }
    }

    /// The module; the first call maps it, and calls on other threads wait for that. None, and one
    /// line in the log, if it is missing or damaged. Callable on any thread.
    pub fn module(&self, environment: &Environment) -> Option<&'static Module> {
        self.mapped.run(|| {
            if let Some(module) = self.load(environment) {
                self.module.set(module);
            }
        });
        self.module.get()
    }

    fn load(&self, environment: &Environment) -> Option<Module> {
        let size = size_of::<pilotlight_services_abi::Services>() as u64;
        let symbol = pilotlight_services_abi::SYMBOL;
        let (path, library) = module::map(&FILE, self.host, symbol, size)?;
        let Some(module) = Module::read(library, self.host) else {
            let defect = Defect::BadTable { what: "table of this version" };
            return module::refuse(&LoadError::new(&path, defect));
        };
        // So far only data was read. From here on, the module's code runs.
        self.host.register(&path, library);
        library.construct(&environment.arguments);
        module.start(&environment.arguments);
        Some(module)
    }
}
