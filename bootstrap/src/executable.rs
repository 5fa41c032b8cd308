//! The parts that std provides elsewhere: the entry point that musl's start-up code calls, the
//! allocator, and the panic handler.

use alloc::boxed::Box;
use core::alloc::GlobalAlloc;
use core::alloc::Layout;
use core::ffi::c_char;
use core::ffi::c_int;
use core::panic::PanicInfo;

use pilotlight_bootstrap::environment::Environment;
use pilotlight_bootstrap::failure::ExitCode;
use pilotlight_host::libc::heap;
use pilotlight_host::log;
use pilotlight_host::sys;

/// Called by musl's `crt1.o`.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let environment = Box::leak(Box::new(Environment::read(argc, argv)));
    super::run(environment).end()
}

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: `heap` returns blocks of at least the requested size and alignment, each to one owner.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        heap::allocate(layout.size(), layout.align())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        heap::allocate_zeroed(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise is `give_back`'s.
        unsafe { heap::give_back(block) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is `reallocate`'s.
        unsafe { heap::reallocate(block, size, layout.align()) }
    }
}

/// Logs a panic, which is a bug of the bootstrap, and ends the process.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    log::error(format_args!("internal error, please report it: {info}"));
    sys::exit(ExitCode::Internal as i32)
}

/// A symbol that `core`'s precompiled code refers to. Nothing here unwinds, so nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
