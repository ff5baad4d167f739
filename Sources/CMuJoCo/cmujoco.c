#include "cmujoco.h"

#include <string.h>

static void ignore(const char *message) { (void)message; }

void cmujoco_silence_warnings(void) { mju_user_warning = ignore; }

void cmujoco_advance(const mjModel *model, mjData *data, const mjtNum *control, int steps) {
  memcpy(data->ctrl, control, sizeof(mjtNum) * (size_t)model->nu);
  for (int i = 0; i < steps; i++) mj_step(model, data);
}

bool cmujoco_is_touching(const mjData *data, int geom) {
  for (int i = 0; i < data->ncon; i++) {
    if (data->contact[i].geom[0] == geom || data->contact[i].geom[1] == geom) return true;
  }
  return false;
}
