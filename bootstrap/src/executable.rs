//! The parts that std provides elsewhere: the entry point that musl's start-up code calls, the
//! allocator, and the panic handler.

use alloc::boxed::Box;
use core::ffi::c_char;
use core::ffi::c_int;
use core::panic::PanicInfo;

use pilotlight_bootstrap::environment::Environment;
use pilotlight_bootstrap::failure::ExitCode;
use pilotlight_host::libc::Heap;
use pilotlight_host::log;
use pilotlight_host::sys;

/// Called by musl's `crt1.o`.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let environment = Box::leak(Box::new(Environment::read(argc, argv)));
    super::run(environment).end()
}

#[global_allocator]
static HEAP: Heap = Heap;

/// Logs a panic, which is a bug of the bootstrap, and ends the process.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    log::error(format_args!("internal error, please report it: {info}"));
    sys::exit(ExitCode::Internal as i32)
}

/// A symbol that `core`'s precompiled code refers to. Nothing here unwinds, so nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
