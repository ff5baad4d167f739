// zlib's own header, for Swift.
#pragma once
#include <zlib.h>
