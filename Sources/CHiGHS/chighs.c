#include "chighs.h"

#include <stddef.h>

#include "interfaces/highs_c_api.h"

_Static_assert(sizeof(HighsInt) == sizeof(int), "this HiGHS counts in 64 bits");

static int solve(void *highs, const chighs_program *program, const chighs_solution *solution) {
  Highs_setBoolOptionValue(highs, "output_flag", 0);
  Highs_setStringOptionValue(highs, "parallel", "off");
  Highs_setIntOptionValue(highs, "threads", 1);
  Highs_setDoubleOptionValue(highs, "primal_feasibility_tolerance", program->feasibility);
  Highs_setDoubleOptionValue(highs, "dual_feasibility_tolerance", program->feasibility);
  // By default coefficients below 1e-9 are dropped.
  Highs_setDoubleOptionValue(highs, "small_matrix_value", 1e-12);
  Highs_setDoubleOptionValue(highs, "time_limit", program->time_limit);
  HighsInt status = Highs_passLp(
      highs, program->columns, program->rows, program->entries, kHighsMatrixFormatRowwise,
      program->maximise ? kHighsObjSenseMaximize : kHighsObjSenseMinimize, 0, program->cost, program->lower,
      program->upper, program->row_lower, program->row_upper, program->starts, program->indices, program->values);
  if (status == kHighsStatusError) return CHIGHS_REJECTED;
  if (Highs_run(highs) == kHighsStatusError) return CHIGHS_FAILED;
  HighsInt model = Highs_getModelStatus(highs);
  if (model == kHighsModelStatusUnknown) {
    // Its dual simplex gives up on some unbounded programs, which its primal simplex recognises.
    Highs_clearSolver(highs);
    Highs_setIntOptionValue(highs, "simplex_strategy", 4);
    if (Highs_run(highs) == kHighsStatusError) return CHIGHS_FAILED;
    model = Highs_getModelStatus(highs);
  }
  if (model == kHighsModelStatusInfeasible) return CHIGHS_INFEASIBLE;
  if (model == kHighsModelStatusUnbounded) return CHIGHS_UNBOUNDED;
  if (model == kHighsModelStatusUnboundedOrInfeasible) return CHIGHS_INFEASIBLE_OR_UNBOUNDED;
  if (model == kHighsModelStatusTimeLimit) return CHIGHS_TIME_LIMIT;
  if (model != kHighsModelStatusOptimal) return CHIGHS_FAILED;
  status = Highs_getSolution(highs, solution->primal, solution->reduced_cost, solution->activity, solution->dual);
  return status == kHighsStatusError ? CHIGHS_FAILED : CHIGHS_OPTIMAL;
}

int chighs_solve(const chighs_program *program, const chighs_solution *solution) {
  void *highs = Highs_create();
  if (highs == NULL) return CHIGHS_FAILED;
  int status = solve(highs, program, solution);
  Highs_destroy(highs);
  return status;
}
