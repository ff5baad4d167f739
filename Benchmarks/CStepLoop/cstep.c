#include "cstep.h"

#include <mujoco/mujoco.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { max_threads = 64 };

typedef struct {
  const mjModel *model;
  mjData *data;
  int frame_skip, episode_steps, steps, control_count, first;
  const double *controls;
} Loop;

static void *run(void *argument) {
  Loop *loop = argument;
  const mjModel *model = loop->model;
  mjData *data = loop->data;
  int next = loop->first;
  for (int step = 0; step < loop->steps; step++) {
    if (step % loop->episode_steps == 0) mj_resetData(model, data);
    if (next + model->nu > loop->control_count) next = 0;
    memcpy(data->ctrl, loop->controls + next, sizeof(double) * (size_t)model->nu);
    next += (int)model->nu;
    for (int i = 0; i < loop->frame_skip; i++) mj_step(model, data);
  }
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double cstep_rate(const char *model_path, int threads, int frame_skip, int episode_steps, const double *controls,
                  int control_count, int steps_per_thread) {
  if (threads < 1 || threads > max_threads) return -1;
  mjModel *model = mj_loadXML(model_path, NULL, NULL, 0);
  if (!model) return -1;
  Loop loops[max_threads];
  pthread_t ids[max_threads];
  for (int t = 0; t < threads; t++) {
    loops[t] = (Loop){model, mj_makeData(model), frame_skip, episode_steps, steps_per_thread, control_count,
                      t * (int)model->nu, controls};
  }
  double begin = now();
  int started = 0;
  while (started < threads && pthread_create(&ids[started], NULL, run, &loops[started]) == 0) started++;
  for (int t = 0; t < started; t++) pthread_join(ids[t], NULL);
  double seconds = now() - begin;
  for (int t = 0; t < threads; t++) mj_deleteData(loops[t].data);
  mj_deleteModel(model);
  return started == threads ? (double)threads * steps_per_thread / seconds : -1;
}
