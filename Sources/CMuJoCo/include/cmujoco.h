// MuJoCo's own C header, for Swift.
#pragma once
#include <stdbool.h>

#include <mujoco/mujoco.h>

/// Keeps MuJoCo's warnings (an unstable simulation that it reset, say) off standard output and out of log files.
void cmujoco_silence_warnings(void);

/// Applies `control` (nu numbers) and takes `steps` time steps.
void cmujoco_advance(const mjModel *model, mjData *data, const mjtNum *control, int steps);

/// True if the geom numbered `geom` touched another one (or was within their margin) when forces were last computed.
bool cmujoco_is_touching(const mjData *data, int geom);
