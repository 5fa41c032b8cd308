/* `ilogb` with glibc's results where there is no exponent: on this CPU they are not musl's.
 *
 * In C, because of `long double`. */

#include <fenv.h>
#include <limits.h>
#include <math.h>

#define EXPONENT(name, type, split)                                                                \
	int name(type number)                                                                      \
	{                                                                                          \
		int exponent;                                                                      \
		if (isfinite(number) && number != 0) {                                             \
			split(number, &exponent);                                                  \
			return exponent - 1;                                                       \
		}                                                                                  \
		feraiseexcept(FE_INVALID);                                                         \
		return number == 0 ? -INT_MAX : INT_MAX;                                           \
	}

EXPONENT(ilogb, double, frexp)
EXPONENT(ilogbf, float, frexpf)
EXPONENT(ilogbl, long double, frexpl)
