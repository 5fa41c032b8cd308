#pragma once
#include <pthread.h>
#include <stddef.h>

/* The smallest stack of a thread in bytes: the bootstrap's, which no header declares. */
size_t __pthread_get_minstack(const pthread_attr_t *);
