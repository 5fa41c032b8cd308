#pragma once

/* The registers that musl's `setjmp` saves, in as much room as glibc's <bits/setjmp.h> has for
 * them. */
struct frame {
	long others[6], stack_pointer, address;
};
_Static_assert(sizeof(struct frame) == 64, "glibc's size");
