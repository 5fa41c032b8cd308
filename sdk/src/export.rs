//! The expansion of [`handler!`](crate::handler): the library's table and the functions in it.

#[doc(hidden)]
#[macro_export]
macro_rules! __handler {
    // The handlers are complete, and the options begin.
    ([$($handler:path,)+] $option:ident = $($rest:tt)+) => {
        $crate::__handler! { @options [$($handler,)+] [] [] [] [] [] $option = $($rest)+ }
    };
    ([$($handler:path,)+]) => {
        $crate::__handler! { @options [$($handler,)+] [] [] [] [] [] }
    };
    ([$($known:path,)*] $handler:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { [$($known,)* $handler,] $($($rest)*)? }
    };

    // Each option moves to its place, which must be empty.
    (@options $h:tt [] $a:tt $b:tt $r:tt $s:tt init = $init:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { @options $h [$init] $a $b $r $s $($($rest)*)? }
    };
    (@options $h:tt $i:tt [] $b:tt $r:tt $s:tt after = $after:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { @options $h $i [$after] $b $r $s $($($rest)*)? }
    };
    (@options $h:tt $i:tt $a:tt [] $r:tt $s:tt before_snapshot = $before:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { @options $h $i $a [$before] $r $s $($($rest)*)? }
    };
    (@options $h:tt $i:tt $a:tt $b:tt [] $s:tt after_restore = $restored:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { @options $h $i $a $b [$restored] $s $($($rest)*)? }
    };
    (@options $h:tt $i:tt $a:tt $b:tt $r:tt [] shutdown = $shutdown:path $(, $($rest:tt)*)?) => {
        $crate::__handler! { @options $h $i $a $b $r [$shutdown] $($($rest)*)? }
    };

    (@options [$($handler:path,)+] [$($init:path)?] [$($after:path)?] [$($before:path)?]
        [$($restored:path)?] [$($shutdown:path)?]) => {
        // If a crate uses `handler!` twice, in any modules, the compiler reports that this name is
        // defined twice.
        #[doc(hidden)]
        #[allow(non_local_definitions)]
        #[macro_export]
        macro_rules! only_one_handler_macro_per_library {
            () => {};
        }

        // Items are visible to the paths of the handlers, so their names must not be a handler's.
        const _: () = {
            use $crate::__private::abi as __abi;

            const __PATHS: &[&str] = &[$(concat!(stringify!($handler), "\0")),+];

            static __HANDLERS: __abi::Exported<&[__abi::Handler]> = __abi::Exported(&[$(
                __abi::Handler {
                    name: $crate::__private::name(concat!(stringify!($handler), "\0")),
                    call: {
                        unsafe extern "C" fn __call(
                            invocation: *const __abi::Invocation,
                            outcome: *mut __abi::Outcome,
                        ) -> i32 {
                            // Bounds the lifetime of what the handler borrows by this call.
                            let scope = ();
                            let handler = $crate::__private::Bound::new($handler, &scope);
                            let conversion = $crate::__conversion!(handler.error());
                            // SAFETY: the caller is the runtime, which keeps the ABI's promises, or
                            // `initialise`, which passes no invocation.
                            unsafe { handler.call(invocation, outcome, conversion) }
                        }
                        Some(__call)
                    },
                    // `call` requires that the handler's type is Sync.
                    flags: __abi::CONCURRENT,
                }
            ),+]);

            unsafe extern "C" fn __init(outcome: *mut __abi::Outcome) -> i32 {
                let setup = $crate::__private::BoundSetup::new($crate::__init!($($init)?));
                let describe = $crate::__describe!(setup.error());
                // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                unsafe { setup.initialise(outcome, describe, __HANDLERS.0) }
            }

            // If two handler libraries are linked into one, the linker reports that this is defined
            // twice.
            #[unsafe(export_name = "a_handler_library_cannot_depend_on_another")]
            static __ALONE: u8 = 0;

            #[unsafe(export_name = "pilotlight_library")]
            static __LIBRARY: __abi::Exported<__abi::Library> = __abi::Exported(__abi::Library {
                abi_version: __abi::ABI_VERSION,
                handler_count: {
                    $crate::__private::check_names(__PATHS);
                    __PATHS.len() as u32
                },
                handlers: __HANDLERS.0.as_ptr(),
                init: Some(__init),
                shutdown: $crate::__shutdown!($($shutdown)?),
                attach: Some($crate::__private::attach),
                after: $crate::__after!($($after)?),
                before_snapshot: $crate::__snapshot_hook!($($before)?),
                after_restore: $crate::__snapshot_hook!($($restored)?),
            });
        };
    };
    (@options [$($handler:path,)+] $i:tt $a:tt $b:tt $r:tt $s:tt $option:ident $($unexpected:tt)*) => {
        compile_error!(concat!(
            "`", stringify!($option), "` is no option of handler!, is given twice, or is not ",
            "followed by `= function`; the options are init, after, before_snapshot, ",
            "after_restore and shutdown"
        ));
    };
    ($($unexpected:tt)*) => {
        compile_error!(
            "expected handler!(f), handler!(f, module::g), or handler!(f, init = setup); the options are init, after, before_snapshot, after_restore and shutdown"
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __init {
    () => {
        || ()
    };
    ($init:path) => {
        $init
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __after {
    () => {
        None
    };
    ($after:path) => {{
        unsafe extern "C" fn __hook(invocation: *const $crate::__private::abi::Invocation) {
            // Bounds the lifetime of the context by this call.
            let scope = ();
            let hook = $crate::__private::BoundAfter::new($after, &scope);
            let describe = $crate::__describe!(hook.error());
            // SAFETY: the caller is the runtime, which keeps the ABI's promises.
            unsafe { hook.run(invocation, describe) }
        }
        Some(__hook)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot_hook {
    () => {
        None
    };
    ($hook:path) => {{
        unsafe extern "C" fn __hook(outcome: *mut $crate::__private::abi::Outcome) -> i32 {
            let hook = $crate::__private::BoundSetup::new($hook);
            let describe = $crate::__describe!(hook.error());
            // SAFETY: the caller is the runtime, which keeps the ABI's promises.
            unsafe { hook.run_with(outcome, describe) }
        }
        Some(__hook)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __shutdown {
    () => {
        None
    };
    ($shutdown:path) => {{
        unsafe extern "C" fn __hook() {
            let hook = $crate::__private::BoundSetup::new($shutdown);
            let describe = $crate::__describe!(hook.error());
            hook.shut_down(describe);
        }
        Some(__hook)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($error:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
            DescribeChosen, DescribeError, DescribeHolder, DescribeNothing, DescribeText,
        };
        (&&&&$error).describe()
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conversion {
    ($error:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{Conversion, ConvertDiagnostic, ConvertText};
        (&&Conversion::new($crate::__describe!($error))).select()
    }};
}
