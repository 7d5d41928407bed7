/* ask.c - the public side of the query line (eye_ask.h). */
#include "eyeshine.h"
