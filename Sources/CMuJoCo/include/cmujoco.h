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

/// An OpenGL context without a screen: OSMesa's or EGL's. It belongs to one thread from enter to leave.
typedef struct cmujoco_gl cmujoco_gl;

/// Opens the library of this name and makes a context; NULL if either fails.
cmujoco_gl *cmujoco_gl_create(bool is_egl, const char *library_name, int width, int height);
bool cmujoco_gl_enter(cmujoco_gl *gl);
void cmujoco_gl_leave(cmujoco_gl *gl);
void cmujoco_gl_destroy(cmujoco_gl *gl);

/// `mjr_makeContext`, with MuJoCo's error message in `reason` (zeroed by the caller) if it fails.
bool cmujoco_make_context(const mjModel *model, mjrContext *context, char *reason, size_t reason_size);
