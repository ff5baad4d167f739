// The upper limit of stepping: a bare C loop around `mj_step`.
#pragma once

/// Steps `threads` independent simulations, each on a thread of its own, and returns environment steps per second of
/// all together; a negative number if the model cannot be loaded or a thread cannot be started.
///
/// An environment step applies the next `nu` numbers of `controls` (a ring of `control_count`) and takes `frame_skip`
/// physics steps; after every `episode_steps` of them the simulation starts anew.
double cstep_rate(const char *model_path, int threads, int frame_skip, int episode_steps, const double *controls,
                  int control_count, int steps_per_thread);
