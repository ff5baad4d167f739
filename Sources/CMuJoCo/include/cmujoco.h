// MuJoCo's own C header, for Swift.
#pragma once
#include <mujoco/mujoco.h>
