//! Threads of mapped libraries: the libraries' thread-locals are set up when a thread starts, and
//! their destructors run when it ends.

use alloc::boxed::Box;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use super::heap;
use super::libc_module;
use super::tls;
use crate::errno::Errno;

/// Default size of a thread's stack in bytes, as in glibc. musl's own is 128 KiB, and this is the
/// largest default that it accepts.
const STACK_SIZE: usize = 8 << 20;

unsafe extern "C" {
    fn pthread_setattr_default_np(attributes: *const libc::pthread_attr_t) -> c_int;
    /// Marks the calling thread as one of the runtime's (threads.c).
    safe fn pilotlight_adopt_thread();
    /// Makes the calling thread's faults run their report on a separate stack (threads.c).
    safe fn pilotlight_use_report_stack();
    /// The head of the calling thread's list of destructors (threads.c).
    safe fn pilotlight_thread_destructors() -> *mut *mut Destructor;
}

/// Sets the default stack size to glibc's, which libraries expect.
pub fn set_stack_size() {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: there is room for what is written.
    unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) };
    // SAFETY: just initialised.
    unsafe { libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK_SIZE) };
    // SAFETY: as above. It cannot fail for a size that musl allows.
    unsafe { pthread_setattr_default_np(attributes.as_ptr()) };
}

type Start = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// The function of a new thread and its argument, passed through `pthread_create`'s one pointer.
struct Task {
    start: Start,
    argument: *mut c_void,
}

/// `pthread_create`, with the libraries' thread-locals set up before `start` runs.
///
/// # Safety
/// As for `pthread_create`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    heap::initialise();
    let task = heap::allocate(size_of::<Task>(), align_of::<Task>()).cast::<Task>();
    if task.is_null() {
        return libc::EAGAIN;
    }
    // SAFETY: just allocated for one Task.
    unsafe { task.write(Task { start, argument }) };
    // SAFETY: the caller vouches for the first two arguments; `run` takes ownership of the Task.
    let code = unsafe { libc::pthread_create(thread, attributes, run, task.cast()) };
    if code != 0 {
        // SAFETY: no thread was started, so the Task is still this function's.
        unsafe { heap::give_back(task.cast()) };
    }
    code
}

/// Prepares the first thread, as `start_thread` prepares those that the runtime starts.
pub fn prepare_first_thread() {
    pilotlight_adopt_thread();
    pilotlight_use_report_stack();
}

/// Starts a thread of the runtime, which may also run the libraries' code.
pub fn start_thread(work: &'static (dyn Fn() + Sync)) -> Result<(), Errno> {
    unsafe extern "C" fn start(work: *mut c_void) -> *mut c_void {
        // SAFETY: `start_thread` leaked it for this thread alone.
        let work = unsafe { &*work.cast::<&'static (dyn Fn() + Sync)>() };
        pilotlight_adopt_thread();
        work();
        ptr::null_mut()
    }
    let work = Box::into_raw(Box::new(work)).cast();
    let mut thread = MaybeUninit::uninit();
    // SAFETY: there is room for the thread's id, and `start` may be called with `work`.
    let code = unsafe { pilotlight_pthread_create(thread.as_mut_ptr(), ptr::null(), start, work) };
    if code == 0 { Ok(()) } else { Err(Errno(code)) }
}

extern "C" fn run(task: *mut c_void) -> *mut c_void {
    // SAFETY: `pilotlight_pthread_create` wrote a Task there and gave it to this thread.
    let Task { start, argument } = unsafe { task.cast::<Task>().read() };
    // SAFETY: it came from `heap::allocate`, and has just been moved out of.
    unsafe { heap::give_back(task.cast()) };
    tls::catch_up();
    pilotlight_use_report_stack();
    // SAFETY: the caller of pthread_create promised that `start` may be called with `argument`.
    unsafe { start(argument) }
}

/// `pthread_setname_np`. A thread names itself with one system call. Another thread is named
/// through a file whose path musl formats; that function is in the module `libc.so`.
///
/// # Safety
/// As for `pthread_setname_np`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_pthread_setname(
    thread: libc::pthread_t,
    name: *const c_char,
) -> c_int {
    type SetName = unsafe extern "C" fn(libc::pthread_t, *const c_char) -> c_int;
    /// Longest name that the kernel takes, in bytes without the NUL.
    const MAX_NAME_SIZE: usize = 15;
    // SAFETY: as the function's own contract.
    if unsafe { libc::strlen(name) } > MAX_NAME_SIZE {
        return libc::ERANGE;
    }
    // SAFETY: the call has no argument.
    if thread == unsafe { libc::pthread_self() } {
        // SAFETY: `name` is a string, of a length that the kernel accepts.
        let code = unsafe { libc::prctl(libc::PR_SET_NAME, name) };
        return if code == 0 { 0 } else { Errno::last().0 };
    }
    let Some(function) = libc_module::function(b"pthread_setname_np") else {
        return libc::ENOSYS;
    };
    // SAFETY: the module defines it as the C library does.
    let function: SetName = unsafe { core::mem::transmute(function) };
    // SAFETY: as the function's own contract.
    unsafe { function(thread, name) }
}

/// A destructor of a thread-local, which runs when its thread ends, in reverse order of
/// registration.
#[repr(C)]
struct Destructor {
    run: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
    next: *mut Destructor,
}

/// `__cxa_thread_atexit_impl`, which C++ and Rust call to register destructors of thread-locals.
///
/// # Safety
/// `run` may be called with `object` when the calling thread ends.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_cxa_thread_atexit(
    run: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
    _library: *mut c_void,
) -> c_int {
    let entry =
        heap::allocate(size_of::<Destructor>(), align_of::<Destructor>()).cast::<Destructor>();
    if entry.is_null() {
        return -1;
    }
    let list = pilotlight_thread_destructors();
    // SAFETY: the list is the thread's own.
    let next = unsafe { list.replace(entry) };
    // SAFETY: just allocated for one Destructor.
    unsafe { entry.write(Destructor { run, object, next }) };
    0
}

/// Runs the calling thread's destructors, and those that they register in turn (threads.c).
#[unsafe(no_mangle)]
extern "C" fn pilotlight_destroy_thread_locals() {
    let list = pilotlight_thread_destructors();
    loop {
        // SAFETY: the list is the thread's own.
        let entry = unsafe { list.read() };
        if entry.is_null() {
            return;
        }
        // SAFETY: `pilotlight_cxa_thread_atexit` wrote it, and only this thread has the list.
        let Destructor { run, object, next } = unsafe { entry.read() };
        // SAFETY: as above.
        unsafe { list.write(next) };
        // SAFETY: it came from `heap::allocate`, and has just been moved out of.
        unsafe { heap::give_back(entry.cast()) };
        // SAFETY: the caller that registered the destructor promised that it may run now.
        unsafe { run(object) };
    }
}
