#pragma once

/* The registers that musl's `setjmp` saves, in as much room as glibc's <bits/setjmp.h> has for
 * them. */
struct frame {
	long others[13], stack_pointer, vectors[8];
};
_Static_assert(sizeof(struct frame) == 176, "glibc's size");
