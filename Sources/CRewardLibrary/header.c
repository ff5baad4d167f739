#include "guerdon_reward.h"
